// What goes to an upstream and what comes back, and how far it had come when it fails.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <boost/asio/this_coro.hpp>

#include "net/upstream_call.h"
#include "net/upstream_pool.h"
#include "net/upstream_test_fixture.h"

namespace podium::net {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST_F(UpstreamTest, KeepsItsConnection) {
  Start();
  UpstreamRequest request = Post("{\"a\":1}");
  request.headers = {{"Content-Type", "application/json"}, {"Authorization", "Bearer k"}};
  const std::size_t call = Begin(Here(), request);
  const auto peer = Accept();
  EXPECT_EQ(
      peer->Receive(),
      fmt::format("POST /v1/x?y=1 HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nContent-Length: 7\r\n"
                  "Content-Type: application/json\r\nAuthorization: Bearer k\r\n\r\n{{\"a\":1}}",
                  port_));
  EXPECT_EQ(pool_->connections(Here()), 1u);
  EXPECT_EQ(pool_->idle_connections(Here()), 0u);
  peer->Send("HTTP/1.1 201 Created\r\nContent-Length: 2\r\nX-Id: 7\r\n\r\nok");
  {
    auto answer = Finish(call);
    ASSERT_TRUE(answer) << answer.error().message;
    EXPECT_EQ((*answer)->status(), 201);
    EXPECT_EQ((*answer)->Find("x-id"), "7");
    EXPECT_EQ((*answer)->headers().size(), 2u);
    EXPECT_EQ(ReadAll(**answer), "ok");
    EXPECT_EQ(pool_->idle_connections(Here()), 1u);
    EXPECT_TRUE(Read(**answer)->empty()) << "the end stays the end";
    EXPECT_EQ((*answer)->Find("x-id"), "7");
  }
  for (int i = 0; i < 3; ++i) {
    auto answer = Call(*peer, kOk);
    ASSERT_TRUE(answer) << answer.error().message;
    EXPECT_EQ(ReadAll(**answer), "ok");
  }
  EXPECT_EQ(pool_->connections(Here()), 1u);
  EXPECT_EQ(resolver_.asked, 1);
}

// A server that fails with an answer half said resets its connection: the kernel tells of that with
// the last bytes, or after them. Neither waits for a deadline.
TEST_F(UpstreamTest, AResetInTheMiddleIsNoticedSoon) {
  Start();
  const auto sweep = [this] {
    for (int i = 0; i < 3; ++i) Pass(std::chrono::milliseconds(1));
  };
  for (const bool whole_head : {false, true}) {
    SCOPED_TRACE(whole_head);
    SendCancel cancel;
    UpstreamRequest request = Post();
    request.cancel = &cancel;
    const std::size_t call = Begin(Here(), std::move(request));
    const auto peer = Accept();
    (void)peer->Receive();
    context_.poll();  // The call waits for its answer.
    const std::string_view said =
        whole_head ? "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf" : "HTTP/1.1 2";
    ASSERT_EQ(peer->SendSome(said), static_cast<ssize_t>(said.size()));
    peer->Close(true);
    sweep();
    if (!answered(call)) {
      cancel.Cancel();
      ADD_FAILURE() << "it waits for its deadline";
    }
    auto answer = Finish(call);
    ASSERT_EQ(answer.has_value(), whole_head);
    if (!whole_head) {
      EXPECT_EQ(PhaseOf(answer.error()), UpstreamPhase::kHead);
      continue;
    }
    EXPECT_EQ(Read(**answer).value_or("broken"), "half");
    std::optional<Result<std::string>> piece;
    calls_.Spawn(ReadInto(**answer, piece));
    sweep();
    if (!piece) {
      (*answer)->Cancel();
      ADD_FAILURE() << "it waits for its deadline";
    }
    while (!piece) context_.poll();
    ASSERT_FALSE(*piece);
    EXPECT_EQ(PhaseOf(piece->error()), UpstreamPhase::kBody);
  }
}

// Each kind of body, whether its connection may serve again, and an end that is not one.
TEST_F(UpstreamTest, BodiesAndWhatTheyLeave) {
  Start();
  struct Case {
    const char* name;
    std::string text;
    const char* body;  // After '|' the phase of the error.
    bool kept;
    bool closes = false;
    HttpMethod method = HttpMethod::kPost;
  };
  const std::string ok = "HTTP/1.1 200 OK\r\n";
  const std::string length = ok + "Content-Length: 5\r\n";
  const std::string chunked = ok + "Transfer-Encoding: chunked\r\n";
  const Case cases[] = {
      {"length", length + "\r\nhello", "hello", true},
      {"no bytes", ok + "Content-Length: 0\r\n\r\n", "", true},
      {"chunked", chunked + "\r\n3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\nT: u\r\n\r\n", "hello", true},
      {"no chunks", chunked + "\r\n0\r\n\r\n", "", true},
      {"204", "HTTP/1.1 204 No Content\r\n\r\n", "", true},
      {"HEAD", length + "\r\n", "", true, false, HttpMethod::kHead},
      {"interim", "HTTP/1.1 103 Early\r\nLink: x\r\n\r\n" + length + "\r\nhello", "hello", true},
      {"says close", length + "Connection: close\r\n\r\nhello", "hello", false},
      {"HTTP/1.0", "HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello", "hello", false},
      {"until the end", ok + "\r\nhello", "hello", false, true},
      {"more than it said", length + "\r\nhello!", "hello", false},
      {"cut length", length + "\r\nhel", "hel|body", false, true},
      {"cut chunk", chunked + "\r\n5\r\nhel", "hel|body", false, true},
      {"cut between chunks", chunked + "\r\n5\r\nhello\r\n", "hello|body", false, true},
      {"cut before the last CRLF", chunked + "\r\n5\r\nhello\r\n0\r\n", "hello|body", false, true},
      {"broken chunk", chunked + "\r\n3\r\nhelzz", "hel|body", false},
  };
  for (const Case& c : cases) {
    for (const bool at_once : {true, false}) {
      SCOPED_TRACE(fmt::format("{} {}", c.name, at_once));
      UpstreamRequest request = Post();
      request.method = c.method;
      const std::size_t call = Begin(Here(), request);
      const auto peer = Accept();
      (void)peer->Receive();
      for (std::size_t at = 0; at < c.text.size() && !at_once; ++at) {
        peer->Send(std::string_view(c.text).substr(at, 1));
      }
      if (at_once) peer->Send(c.text);
      if (c.closes) peer->Close();
      auto answer = Finish(call);
      ASSERT_TRUE(answer) << answer.error().message;
      EXPECT_EQ(ReadAll(**answer), c.body);
      // A byte too many that comes later makes a kept connection useless at its next look.
      if (at_once) EXPECT_EQ(pool_->idle_connections(Here()), c.kept ? 1u : 0u);
      answer->reset();
      peer->Close();
      Pass(kTrustedIdle);
      EXPECT_EQ(pool_->connections(Here()), 0u);
    }
  }
}

TEST_F(UpstreamTest, PiecesComeAsTheyAreSent) {
  Start();
  auto [peer, answer] = OpenStream();
  ASSERT_TRUE(answer);
  peer->Send("5\r\nhello\r\n");
  EXPECT_EQ(*Read(**answer), "hello");
  // What came together is one piece, without its framing.
  peer->Send("1\r\na\r\n2;x\r\nbc\r\n3\r\ndef\r\n4\r\ngh");
  EXPECT_EQ(*Read(**answer), "abcdefgh");
  peer->Send("ij\r\n0\r\n\r\n");
  EXPECT_EQ(*Read(**answer), "ij");
  EXPECT_EQ(pool_->idle_connections(Here()), 1u) << "before anybody has asked for the end";
  EXPECT_EQ(*Read(**answer), "");
}

/// Of the connection to `port` that this process has opened; -1 without one.
int SocketTo(std::uint16_t port) {
  constexpr int kMostDescriptors = 1024;
  for (int fd = 0; fd < kMostDescriptors; ++fd) {
    sockaddr_in peer{};
    socklen_t size = sizeof(peer);
    if (::getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &size) != 0) continue;
    if (peer.sin_family == AF_INET && ntohs(peer.sin_port) == port) return fd;
  }
  return -1;
}

/// Reads as a server does for its caller: what is plain, without a coroutine for each piece.
Task<void> ReadAsAStream(UpstreamResponse& response, std::string& all) {
  for (;;) {
    while (const auto piece = response.TryRead()) {
      if (piece->empty()) co_return;
      all += *piece;
    }
    const auto read = response.BeginRead(co_await boost::asio::this_coro::cancellation_state);
    if (!read) break;
    const ClientConnection::Came came = co_await read->Came();
    response.EndRead(came, co_await boost::asio::this_coro::cancellation_state);
  }
  auto rest = response.ReadSome();
  const auto end = co_await std::move(rest);
  all += end ? *end : "|" + end.error().where;
}

// The server's end comes with the last piece, and a read that does not ask does not hear of it.
TEST_F(UpstreamTest, AStreamThatEndsInTheMiddleIsNoticedSoon) {
  Start();
  for (const bool reset : {false, true}) {
    SCOPED_TRACE(reset);
    auto [peer, answer] = OpenStream();
    ASSERT_TRUE(answer);
    std::string all;
    calls_.Spawn(ReadAsAStream(**answer, all));
    context_.poll();  // It waits for its first piece.
    constexpr std::string_view kSaid = "4\r\nhalf\r\n";
    ASSERT_EQ(peer->SendSome(kSaid), static_cast<ssize_t>(kSaid.size()));
    peer->Close(reset);
    context_.poll();
    EXPECT_EQ(all, "half");
    for (int i = 0; i < 3; ++i) Pass(std::chrono::milliseconds(1));
    EXPECT_EQ(all, "half|body");
    (*answer)->Cancel();
    context_.poll();
  }
}

// Pieces that fill the buffer, and what is behind them.
TEST_F(UpstreamTest, AStreamOfLargePiecesArrivesWhole) {
  Start();
  auto [peer, answer] = OpenStream();
  ASSERT_TRUE(answer);
  std::string all;
  calls_.Spawn(ReadAsAStream(**answer, all));
  std::string sent;
  for (const std::size_t size : {1U, 4088U, 4089U, 4090U, 8192U, 20'000U}) {
    context_.poll();
    const std::string piece(size, static_cast<char>('a' + size % 26));
    peer->Send(fmt::format("{:x}\r\n{}\r\n", size, piece));
    sent += piece;
  }
  peer->Send("0\r\n\r\n");
  while (all.size() < sent.size()) ASSERT_GT(context_.run_one_for(std::chrono::seconds(30)), 0U);
  EXPECT_EQ(all, sent);
  context_.poll();
}

// After a pause the kernel acknowledges each piece by itself: half of what a fast stream costs it.
TEST_F(UpstreamTest, AStreamAfterAPauseIsNotAcknowledgedPieceByPiece) {
  Start();
  auto [peer, answer] = OpenStream();
  ASSERT_TRUE(answer);
  const int socket = SocketTo(port_);
  int at_once = 1;
  socklen_t size = sizeof(at_once);
  ASSERT_EQ(::setsockopt(socket, IPPROTO_TCP, TCP_QUICKACK, &at_once, size), 0);
  ASSERT_TRUE((*answer)->BeginRead(Cancellation()));
  ASSERT_EQ(::getsockopt(socket, IPPROTO_TCP, TCP_QUICKACK, &at_once, &size), 0);
  EXPECT_EQ(at_once, 0);
  // Where it was given up by the kernel in the middle, it stays given up.
  at_once = 1;
  ASSERT_EQ(::setsockopt(socket, IPPROTO_TCP, TCP_QUICKACK, &at_once, size), 0);
  ASSERT_TRUE((*answer)->BeginRead(Cancellation()));
  ASSERT_EQ(::getsockopt(socket, IPPROTO_TCP, TCP_QUICKACK, &at_once, &size), 0);
  EXPECT_EQ(at_once, 1);
}

TEST_F(UpstreamTest, LargeBodiesBothWays) {
  Start();
  const std::string up(3'000'000, 'u');
  const std::size_t call = Begin(Here(), Post(up));
  const auto peer = Accept();
  EXPECT_EQ(peer->Receive().size(), up.size() + 70 + std::to_string(port_).size());
  const std::string down(5'000'000, 'd');
  TaskGroup reading(context_.get_executor());
  peer->Send("HTTP/1.1 200 OK\r\nContent-Length: 5000000\r\n\r\n");
  auto answer = Finish(call);
  ASSERT_TRUE(answer);
  std::string body;
  for (std::string_view rest = down; body.size() < down.size();) {
    const auto sent = peer->SendSome(rest);
    ASSERT_GE(sent, 0);
    rest.remove_prefix(static_cast<std::size_t>(sent));
    const auto piece = Read(**answer);
    ASSERT_TRUE(piece) << piece.error().message;
    body += *piece;
  }
  EXPECT_TRUE(body == down);
}

// ---- What fails, and how far it had come.

TEST_F(UpstreamTest, ErrorsNameTheirPhase) {
  Start();
  struct Case {
    const char* name;
    const char* text;
    UpstreamPhase phase;
    const char* message;
  };
  const Case cases[] = {
      {"nothing", "", UpstreamPhase::kSent, "broke while waiting for"},
      {"half a head", "HTTP/1.1 200 OK\r\nContent-", UpstreamPhase::kHead, "waiting for"},
      {"not HTTP", "SSH-2.0-OpenSSH\r\n\r\n", UpstreamPhase::kHead, "not valid HTTP"},
      {"another protocol", "HTTP/1.1 101 Switching Protocols\r\n\r\n", UpstreamPhase::kHead,
       "another protocol"},
      {"two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
       UpstreamPhase::kHead, "not valid HTTP"},
  };
  for (const Case& c : cases) {
    for (const bool reset : {false, true}) {
      SCOPED_TRACE(fmt::format("{} {}", c.name, reset));
      const std::size_t call = Begin(Here(), Get());
      const auto peer = Accept();
      (void)peer->Receive();
      peer->Send(c.text);
      context_.poll();
      peer->Close(reset);
      const auto answer = Finish(call);
      ASSERT_FALSE(answer);
      EXPECT_EQ(PhaseOf(answer.error()), c.phase) << answer.error().message;
      EXPECT_EQ(answer.error().code, ErrorCode::kUnavailable);
      EXPECT_FALSE(IsOurs(answer.error()));
      EXPECT_FALSE(WasCancelled(answer.error()));
      EXPECT_THAT(answer.error().message, HasSubstr(c.message));
      EXPECT_THAT(answer.error().message, HasSubstr(ToString(Here())));
      EXPECT_EQ(pool_->connections(Here()), 0u);
    }
  }
}

TEST_F(UpstreamTest, NobodyListens) {
  Start();
  std::uint16_t port = 0;
  {
    const auto free = Listeners::Open({"127.0.0.1", 0}, 1);
    ASSERT_TRUE(free);
    port = free->port();
  }
  Origin origin = Here();
  origin.port = port;
  const auto answer = Finish(Begin(origin, Post()));
  ASSERT_FALSE(answer);
  EXPECT_EQ(PhaseOf(answer.error()), UpstreamPhase::kConnect);
  EXPECT_EQ(answer.error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(pool_->connections(origin), 0u);
}

TEST_F(UpstreamTest, RefusesWhatWouldBreakOut) {
  Start();
  const std::pair<std::string, std::string> headers[] = {
      {"x", "secret\r\nb: c"},  {"x y", "secret"},          {"", "secret"},
      {"host", "secret"},       {"CONTENT-LENGTH", "1"},    {"Transfer-Encoding", "chunked"},
      {"Connection", "secret"}, {"Expect", "100-continue"}, {"Upgrade", "secret"}};
  for (const auto& header : headers) {
    UpstreamRequest request = Post();
    request.headers = {header};
    const auto answer = Finish(Begin(Here(), request));
    ASSERT_FALSE(answer) << header.first;
    EXPECT_EQ(answer.error().code, ErrorCode::kInvalidArgument);
    EXPECT_TRUE(IsOurs(answer.error()));
    EXPECT_EQ(PhaseOf(answer.error()), UpstreamPhase::kUnsent);
    EXPECT_THAT(answer.error().message, Not(HasSubstr("secret"))) << "INV-15";
  }
  UpstreamRequest request = Post();
  request.target = "/a b";
  EXPECT_FALSE(Finish(Begin(Here(), request)));
  EXPECT_EQ(resolver_.asked, 0);
}

// A server that refuses a body early says more than a broken pipe.
TEST_F(UpstreamTest, EarlyAnswerIsHeard) {
  Start();
  const std::size_t call = Begin(Here(), Post(std::string(20'000'000, 'x')));
  const auto peer = Accept();
  while (!peer->ReceiveSome()) {
  }
  peer->Send("HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno");
  peer->Close();
  auto answer = Finish(call);
  if (answer) {  // A reset may take the answer away.
    EXPECT_EQ((*answer)->status(), 413);
  } else {
    EXPECT_EQ(PhaseOf(answer.error()), UpstreamPhase::kSent);
  }
  EXPECT_EQ(pool_->idle_connections(Here()), 0u);
}

}  // namespace
}  // namespace podium::net
