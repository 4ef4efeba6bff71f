#include "net/upstream_pool.h"

#include <gmock/gmock.h>

#include <cerrno>

#include "net/upstream_call.h"
#include "net/upstream_test_fixture.h"

namespace podium::net {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::HasSubstr;
using ::testing::Not;

/// Waits in vain, and then reads and sends.
Task<void> GoOnAfter(TestGate& gate, UpstreamResponse& response, UpstreamPool& pool, Origin origin,
                     std::optional<Result<std::string>>& piece,
                     std::optional<Result<std::unique_ptr<UpstreamResponse>>>& again) {
  (void)co_await gate.async_wait(boost::asio::as_tuple(kAwait));
  auto read = response.ReadSome();
  const auto got = co_await std::move(read);
  if (got) {
    piece = std::string(*got);
  } else {
    piece = Failure(got.error());
  }
  auto send = pool.Send(origin, UpstreamRequest{});
  again = co_await std::move(send);
}

constexpr std::string_view kStream =
    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";

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
  const std::size_t call = Begin(Here(), Post());
  const auto peer = Accept();
  (void)peer->Receive();
  peer->Send(kStream);
  auto answer = Finish(call);
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

// ---- Kept connections.

TEST_F(UpstreamTest, DeadKeptConnectionIsReplacedOnlyWhereThatIsSafe) {
  Start();
  struct Case {
    const char* name;
    HttpMethod method;
    bool repeatable;
    bool replaced;
  };
  const Case cases[] = {
      {"GET", HttpMethod::kGet, false, true},
      {"POST", HttpMethod::kPost, false, false},
      {"POST that may be repeated", HttpMethod::kPost, true, true},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    auto first = Begin(Here(), Get());
    auto peer = Accept();
    (void)peer->Receive();
    peer->Send(kOk);
    ASSERT_TRUE(Finish(first));
    UpstreamRequest request = Post();
    request.method = c.method;
    request.repeatable = c.repeatable;
    const std::size_t call = Begin(Here(), request);
    (void)peer->Receive();
    peer->Close();  // It went away with the request in its hands.
    if (c.replaced) {
      peer = Accept();
      (void)peer->Receive();
      peer->Send(kOk);
    }
    auto answer = Finish(call);
    ASSERT_EQ(answer.has_value(), c.replaced);
    if (!c.replaced) EXPECT_EQ(PhaseOf(answer.error()), UpstreamPhase::kSent);
    peer->Close();
    Pass(kTrustedIdle);
    EXPECT_EQ(pool_->connections(Here()), 0u);
  }
}

// Replaced once: a server that always dies is an error and not a loop. Nor is one that answered.
TEST_F(UpstreamTest, ReplacedOnceAndNotAfterAByte) {
  Start();
  for (const char* last_words : {"", "H"}) {
    const auto kept = Begin(Here(), Get());
    auto peer = Accept();
    (void)peer->Receive();
    peer->Send(kOk);
    ASSERT_TRUE(Finish(kept));
    const std::size_t call = Begin(Here(), Get());
    (void)peer->Receive();
    peer->Send(last_words);
    peer->Close();
    if (*last_words == '\0') {
      peer = Accept();
      (void)peer->Receive();
      peer->Close();
    }
    EXPECT_FALSE(Finish(call));
    EXPECT_EQ(pool_->connections(Here()), 0u);
  }
}

// A connection that rested for a while is looked at first: its death costs no call, POST or not.
TEST_F(UpstreamTest, DeadIdleConnectionsCostNoCall) {
  Start();
  for (const bool swept : {false, true}) {
    const auto kept = Begin(Here(), Post());
    auto peer = Accept();
    (void)peer->Receive();
    peer->Send(kOk);
    ASSERT_TRUE(Finish(kept));
    peer->Close();
    if (swept) {
      Pass(kTrustedIdle);
      EXPECT_EQ(pool_->connections(Here()), 0u);
    } else {
      clock_.Advance(kTrustedIdle);
    }
    const std::size_t call = Begin(Here(), Post());
    peer = Accept();
    (void)peer->Receive();
    peer->Send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    EXPECT_TRUE(Finish(call));
  }
}

// A server that ends connections after an answer without saying so costs no call that cannot be
// repeated, but within a moment that is too short to look.
TEST_F(UpstreamTest, DyingConnectionsCostNoCallAfterAMoment) {
  Start();
  struct Case {
    milliseconds rested;
    bool found_out;
  };
  for (const Case c :
       {Case{kTrustedIdleForOnce, true}, Case{kTrustedIdleForOnce - milliseconds(1), false}}) {
    SCOPED_TRACE(c.rested.count());
    const auto kept = Begin(Here(), Post());
    auto peer = Accept();
    (void)peer->Receive();
    peer->Send(kOk);
    ASSERT_TRUE(Finish(kept));
    peer->Close();
    clock_.Advance(c.rested);
    const std::size_t call = Begin(Here(), Post());
    if (c.found_out) {
      peer = Accept();
      (void)peer->Receive();
      peer->Send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    }
    const auto answer = Finish(call);
    ASSERT_EQ(answer.has_value(), c.found_out);
    if (!c.found_out) EXPECT_EQ(PhaseOf(answer.error()), UpstreamPhase::kSent);
  }
}

TEST_F(UpstreamTest, IdleConnectionsEndInTime) {
  Start();
  const auto call = Begin(Here(), Post());
  const auto peer = Accept();
  (void)peer->Receive();
  peer->Send(kOk);
  ASSERT_TRUE(Finish(call));
  for (seconds passed{0}; passed + seconds(1) < limits::kUpstreamIdleTime; passed += seconds(1)) {
    Pass(seconds(1));
  }
  EXPECT_EQ(pool_->idle_connections(Here()), 1u);
  EXPECT_FALSE(peer->left());
  Pass(seconds(1));
  EXPECT_EQ(pool_->connections(Here()), 0u);
  EXPECT_TRUE(peer->left());
}

// ---- Limits (INV-16), each at it and one past it.

TEST_F(UpstreamTest, Inv16ConnectionsOfAnOriginAreBounded) {
  UpstreamPoolOptions options;
  options.max_connections = 2;
  options.max_idle = 1;
  Start(options);
  const std::size_t calls[] = {Begin(Here(), Post()), Begin(Here(), Post())};
  const auto one = Accept();
  const auto two = Accept();
  const auto refused = Finish(Begin(Here(), Post()));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kLimited);
  EXPECT_TRUE(IsOurs(refused.error()));
  EXPECT_EQ(PhaseOf(refused.error()), UpstreamPhase::kUnsent);
  EXPECT_THAT(refused.error().message, HasSubstr("2 connections"));
  for (const auto* peer : {&one, &two}) {
    (void)(*peer)->Receive();
    (*peer)->Send(kOk);
  }
  for (const std::size_t call : calls) EXPECT_TRUE(Finish(call));
  EXPECT_EQ(pool_->idle_connections(Here()), 1u) << "one is kept, the other has ended";
  EXPECT_EQ(pool_->connections(Here()), 1u);
}

TEST_F(UpstreamTest, Inv16OriginsAreBounded) {
  UpstreamPoolOptions options;
  options.max_origins = 2;
  Start(options);
  const Origin a = Here();
  const Origin b = Here("up.example");
  Origin c = Here();
  c.addresses.allow_private = false;  // What one origin is allowed is not another's.
  const std::size_t at_a = Begin(a, Post());
  const auto peer = Accept();
  const std::size_t at_b = Begin(b, Post());
  const auto other = Accept();
  const auto refused = Finish(Begin(c, Post()));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kLimited);
  // One that has idle connections only makes room.
  (void)peer->Receive();
  peer->Send(kOk);
  ASSERT_TRUE(Finish(at_a));
  const auto next = Finish(Begin(c, Post()));
  ASSERT_FALSE(next);
  EXPECT_EQ(next.error().code, ErrorCode::kPermissionDenied) << "it came as far as the address";
  EXPECT_TRUE(peer->left());
  (void)other->Receive();
  other->Send(kOk);
  EXPECT_TRUE(Finish(at_b));
}

TEST_F(UpstreamTest, Inv16HeadsAreBounded) {
  Start();
  const std::string begin = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX: ";
  const std::string full =
      begin + std::string(limits::kMaxUpstreamHeadBytes - begin.size() - 4, 'x') + "\r\n\r\n";
  auto call = Begin(Here(), Post());
  auto peer = Accept();
  (void)peer->Receive();
  peer->Send(full);
  ASSERT_TRUE(Finish(call));
  call = Begin(Here(), Post());
  (void)peer->Receive();
  peer->Send(begin + "x" + full.substr(begin.size()));
  const auto answer = Finish(call);
  ASSERT_FALSE(answer);
  EXPECT_EQ(PhaseOf(answer.error()), UpstreamPhase::kHead);
}

TEST_F(UpstreamTest, Inv16InterimAnswersAreBounded) {
  Start();
  std::string interim;
  for (int i = 0; i < kMaxInterimAnswers; ++i) interim += "HTTP/1.1 102 Processing\r\n\r\n";
  for (const bool past : {false, true}) {
    const auto call = Begin(Here(), Post());
    const auto peer = Accept();
    (void)peer->Receive();
    peer->Send(interim + (past ? "HTTP/1.1 102 Processing\r\n\r\n" : "") +
               "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    EXPECT_EQ(Finish(call).has_value(), !past);
  }
}

// What is not read is not received: memory stays flat and the server is the one that waits.
TEST_F(UpstreamTest, Inv16WhoDoesNotReadIsSentNothing) {
  Start();
  const auto call = Begin(Here(), Post());
  const auto peer = Accept();
  (void)peer->Receive();
  peer->Send(kStream);
  auto answer = Finish(call);
  ASSERT_TRUE(answer);
  const std::string chunk = "10000\r\n" + std::string(65'536, 'c') + "\r\n";
  std::size_t sent = 0;
  for (int still = 0; still < 100; ++still) {
    const auto taken = peer->SendSome(chunk);
    ASSERT_GE(taken, 0);
    if (taken > 0) still = 0;
    sent += static_cast<std::size_t>(taken);
    context_.poll();
    ASSERT_LT(sent, 64u * 1024 * 1024);
  }
  EXPECT_LE(pool_->buffered_bytes(), kUpstreamReadBytes + 128);
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(Read(**answer));
  EXPECT_LE(pool_->buffered_bytes(), kMaxUpstreamReadBytes + 128);
}

TEST_F(UpstreamTest, WaitingStreamHoldsOneSmallBuffer) {
  Start();
  const auto call = Begin(Here(), Post());
  const auto peer = Accept();
  (void)peer->Receive();
  peer->Send(kStream);
  auto answer = Finish(call);
  ASSERT_TRUE(answer);
  std::optional<Result<std::string>> piece;
  calls_.Spawn(ReadInto(**answer, piece));
  context_.poll();
  EXPECT_LE(pool_->buffered_bytes(), kUpstreamReadBytes + 128);
  peer->Send("1\r\nx\r\n0\r\n\r\n");
  while (!piece) context_.poll();
}

// ---- Deadlines, just before and just after.

TEST_F(UpstreamTest, EachPhaseHasItsDeadline) {
  Start();
  UpstreamRequest request = Post();
  request.timeouts.connect = seconds(2);
  request.timeouts.head = seconds(20);
  request.timeouts.idle = seconds(10);

  auto call = Begin(Here("slow-to-resolve.example"), request);
  Pass(seconds(2) - milliseconds(1));
  EXPECT_FALSE(answered(call));
  Pass(milliseconds(1));
  auto answer = Finish(call);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, ErrorCode::kDeadline);
  EXPECT_EQ(PhaseOf(answer.error()), UpstreamPhase::kConnect);
  EXPECT_THAT(answer.error().message, HasSubstr("2000 ms"));

  call = Begin(Here(), request);
  auto peer = Accept();
  (void)peer->Receive();
  Pass(seconds(20) - milliseconds(1));
  EXPECT_FALSE(answered(call));
  Pass(milliseconds(1));
  answer = Finish(call);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, ErrorCode::kDeadline);
  EXPECT_EQ(PhaseOf(answer.error()), UpstreamPhase::kSent);
  EXPECT_TRUE(peer->left());

  call = Begin(Here(), request);
  peer = Accept();
  (void)peer->Receive();
  peer->Send("HTTP/1.1 200 OK\r\n");
  Pass(seconds(10) - milliseconds(1));
  EXPECT_FALSE(answered(call));
  Pass(milliseconds(1));
  answer = Finish(call);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, ErrorCode::kDeadline);
  EXPECT_EQ(PhaseOf(answer.error()), UpstreamPhase::kHead);

  call = Begin(Here(), request);
  peer = Accept();
  (void)peer->Receive();
  peer->Send(kStream);
  answer = Finish(call);
  ASSERT_TRUE(answer);
  // Whoever reads slowly is not the server's fault: only waits count.
  Pass(std::chrono::hours(1));
  std::optional<Result<std::string>> piece;
  calls_.Spawn(ReadInto(**answer, piece));
  Pass(seconds(10) - milliseconds(1));
  EXPECT_FALSE(piece);
  peer->Send("1\r\nx\r\n");
  while (!piece) context_.poll();
  EXPECT_EQ(**piece, "x");
  piece.reset();
  calls_.Spawn(ReadInto(**answer, piece));
  Pass(seconds(10));
  while (!piece) context_.poll();
  ASSERT_FALSE(*piece);
  EXPECT_EQ(piece->error().code, ErrorCode::kDeadline);
  EXPECT_EQ(PhaseOf(piece->error()), UpstreamPhase::kBody);
  EXPECT_EQ(Read(**answer).error().code, ErrorCode::kDeadline) << "ever after";
}

// An upload may take longer than the server may be silent, as long as it takes something.
TEST_F(UpstreamTest, EachPartThatIsTakenBuysTime) {
  Start();
  UpstreamRequest request = Post(std::string(80'000'000, 'x'));
  request.timeouts.idle = seconds(10);
  const auto call = Begin(Here(), request);
  const auto peer = Accept();
  for (int part = 0; part < 5; ++part) {
    // More than the kernel's buffers hold, so that some of it was written only now.
    for (int i = 0; i < 200; ++i) ASSERT_TRUE(peer->ReceiveSome());
    Pass(seconds(9));
    ASSERT_FALSE(answered(call)) << "part " << part;
  }
  Pass(seconds(10));
  const auto answer = Finish(call);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, ErrorCode::kDeadline);
  EXPECT_EQ(PhaseOf(answer.error()), UpstreamPhase::kSent);
  EXPECT_THAT(answer.error().message, HasSubstr("10000 ms while sending to"));
}

TEST_F(UpstreamTest, DeadlineOfAllIsKeptWhateverComes) {
  Start();
  UpstreamRequest request = Post();
  request.timeouts.deadline = clock_.SteadyNow() + seconds(5);
  const auto call = Begin(Here(), request);
  const auto peer = Accept();
  (void)peer->Receive();
  peer->Send(kStream);
  auto answer = Finish(call);
  ASSERT_TRUE(answer);
  for (int i = 0; i < 4; ++i) {
    peer->Send("1\r\nx\r\n");
    Pass(seconds(1));
    ASSERT_EQ(*Read(**answer), "x");
  }
  std::optional<Result<std::string>> piece;
  calls_.Spawn(ReadInto(**answer, piece));
  Pass(seconds(1));
  while (!piece) context_.poll();
  ASSERT_FALSE(*piece);
  EXPECT_EQ(piece->error().code, ErrorCode::kDeadline);
}

TEST_F(UpstreamTest, CancelEndsTheWaitAndTheConnection) {
  Start();
  for (const bool waiting : {true, false}) {
    const auto call = Begin(Here(), Post());
    const auto peer = Accept();
    (void)peer->Receive();
    peer->Send(kStream);
    auto answer = Finish(call);
    ASSERT_TRUE(answer);
    std::optional<Result<std::string>> piece;
    if (waiting) calls_.Spawn(ReadInto(**answer, piece));
    context_.poll();
    (*answer)->Cancel();
    if (!waiting) calls_.Spawn(ReadInto(**answer, piece));
    while (!piece) context_.poll();
    ASSERT_FALSE(*piece);
    EXPECT_THAT(piece->error().message, HasSubstr("cancelled"));
    EXPECT_TRUE(WasCancelled(piece->error()));
    EXPECT_EQ(PhaseOf(piece->error()), UpstreamPhase::kBody);
    answer->reset();
    EXPECT_TRUE(peer->left());
    EXPECT_EQ(pool_->connections(Here()), 0u);
  }
}

// Whatever it waits for, and whoever ends it: who has called, or the server.
TEST_F(UpstreamTest, CancelledCallsEndAtOnce) {
  Start();
  enum class Waits : std::uint8_t { kForAName, kToWrite, kForTheHead, kInTheHead };
  struct Case {
    const char* name;
    Waits waits;
    UpstreamPhase phase;
  };
  const Case cases[] = {
      {"for a name", Waits::kForAName, UpstreamPhase::kConnect},
      {"for room to write", Waits::kToWrite, UpstreamPhase::kSent},
      {"for the head", Waits::kForTheHead, UpstreamPhase::kSent},
      {"for the rest of the head", Waits::kInTheHead, UpstreamPhase::kHead},
  };
  for (const Case& c : cases) {
    for (const bool by_task : {false, true}) {
      SCOPED_TRACE(fmt::format("{} {}", c.name, by_task));
      const bool named = c.waits != Waits::kForAName;
      const Origin origin = Here(named ? "127.0.0.1" : "slow-to-resolve.example");
      SendCancel cancel;
      UpstreamRequest request =
          Post(c.waits == Waits::kToWrite ? std::string(20'000'000, 'x') : "");
      request.cancel = &cancel;
      const auto call = Begin(origin, request);
      std::unique_ptr<UpstreamPeer> peer;
      if (named) peer = Accept();
      if (named && c.waits != Waits::kToWrite) (void)peer->Receive();
      if (c.waits == Waits::kInTheHead) peer->Send("HTTP/1.1 200 OK\r\n");
      EXPECT_FALSE(answered(call));
      if (by_task) {
        calls_.Cancel();
      } else {
        cancel.Cancel();
      }
      const auto answer = Finish(call);
      ASSERT_FALSE(answer);
      EXPECT_TRUE(WasCancelled(answer.error()));
      EXPECT_FALSE(IsOurs(answer.error()));
      EXPECT_EQ(PhaseOf(answer.error()), c.phase);
      EXPECT_EQ(pool_->connections(origin), 0u);
    }
  }
}

TEST_F(UpstreamTest, CancelledBeforehandIsNotSent) {
  Start();
  SendCancel cancel;
  cancel.Cancel();
  UpstreamRequest request = Post();
  request.cancel = &cancel;
  const auto answer = Finish(Begin(Here("up.example"), request));
  ASSERT_FALSE(answer);
  EXPECT_TRUE(WasCancelled(answer.error()));
  EXPECT_EQ(PhaseOf(answer.error()), UpstreamPhase::kUnsent);
  EXPECT_EQ(resolver_.asked, 0);
}

TEST_F(UpstreamTest, CancelAfterTheHeadIsTheResponsesOwn) {
  Start();
  SendCancel cancel;
  UpstreamRequest request = Post();
  request.cancel = &cancel;
  const auto call = Begin(Here(), request);
  const auto peer = Accept();
  (void)peer->Receive();
  peer->Send(kStream);
  auto answer = Finish(call);
  ASSERT_TRUE(answer);
  cancel.Cancel();
  peer->Send("1\r\nx\r\n0\r\n\r\n");
  EXPECT_EQ(ReadAll(**answer), "x");
}

// INV-11: the end of the server's drain must not look like a connection that has broken.
TEST_F(UpstreamTest, CancelledCallIsNeverSentAgain) {
  Start();
  for (const bool by_task : {false, true}) {
    SCOPED_TRACE(by_task);
    const auto kept = Begin(Here(), Get());
    const auto peer = Accept();
    (void)peer->Receive();
    peer->Send(kOk);
    ASSERT_TRUE(Finish(kept));
    SendCancel cancel;
    UpstreamRequest request = Get();
    request.repeatable = true;
    request.cancel = &cancel;
    const auto call = Begin(Here(), request);
    (void)peer->Receive();
    const int asked = resolver_.asked;
    if (by_task) {
      calls_.Cancel();
    } else {
      cancel.Cancel();
    }
    for (int i = 0; i < 50; ++i) context_.poll();
    EXPECT_EQ(resolver_.asked, asked) << "nobody connects again";
    const auto answer = Finish(call);
    ASSERT_FALSE(answer);
    EXPECT_TRUE(WasCancelled(answer.error()));
    EXPECT_TRUE(peer->left());
    EXPECT_EQ(pool_->connections(Here()), 0u);
  }
}

// A task is cancelled once: what it does after that learns of it all the same.
TEST_F(UpstreamTest, CancelledTaskReadsNoMore) {
  Start();
  const auto call = Begin(Here(), Post());
  const auto peer = Accept();
  (void)peer->Receive();
  peer->Send(kStream);
  auto answer = Finish(call);
  ASSERT_TRUE(answer);
  TestGate gate(context_.get_executor(), TestGate::time_point::max());
  std::optional<Result<std::string>> piece;
  std::optional<Answer> again;
  calls_.Spawn(GoOnAfter(gate, **answer, *pool_, Here(), piece, again));
  context_.poll();
  calls_.Cancel();
  while (!again) context_.poll();
  ASSERT_FALSE(*piece);
  EXPECT_TRUE(WasCancelled(piece->error()));
  EXPECT_EQ(PhaseOf(piece->error()), UpstreamPhase::kBody);
  ASSERT_FALSE(*again);
  EXPECT_TRUE(WasCancelled(again->error()));
}

// ---- Names and addresses.

TEST_F(UpstreamTest, GoesToTheAddressThatWasJudged) {
  Start();
  Origin outside = Here("rebound.example");
  outside.addresses.allow_private = false;
  for (const auto* addresses : {"127.0.0.1", "::ffff:127.0.0.1", "10.0.0.1", "169.254.169.254"}) {
    resolver_.Set("rebound.example", {addresses});
    const auto answer = Finish(Begin(outside, Post()));
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().code, ErrorCode::kPermissionDenied);
    EXPECT_TRUE(IsOurs(answer.error()));
    EXPECT_EQ(PhaseOf(answer.error()), UpstreamPhase::kConnect);
    EXPECT_THAT(answer.error().message, HasSubstr("rebound.example is at"));
  }
  EXPECT_EQ(resolver_.asked, 4) << "once for each: judged and connected to are the same";
  // An address in place of a name is judged too, and metadata is never allowed.
  resolver_.Set("169.254.169.254", {"169.254.169.254"});
  const auto metadata = Finish(Begin(Here("169.254.169.254"), Post()));
  ASSERT_FALSE(metadata);
  EXPECT_EQ(metadata.error().code, ErrorCode::kPermissionDenied);
}

TEST_F(UpstreamTest, TriesTheAddressesInTheirOrder) {
  Start();
  // The first is refused by policy, the second by the machine: nobody listens there.
  resolver_.Set("several.example", {"169.254.169.254", "127.0.0.2", "127.0.0.1"});
  const auto call = Begin(Here("several.example"), Post());
  const auto peer = Accept();
  EXPECT_THAT(peer->Receive(), HasSubstr(fmt::format("Host: several.example:{}\r\n", port_)));
  peer->Send(kOk);
  EXPECT_TRUE(Finish(call));
}

// That this machine can open no more is not the server's fault. (Not tried for real: sanitizers
// need descriptors themselves.)
TEST(UpstreamErrors, WantOfDescriptorsIsOurs) {
  using boost::system::error_code;
  for (const int ours : {EMFILE, ENFILE, ENOBUFS, ENOMEM}) {
    EXPECT_TRUE(IsWantOfThisMachine(error_code(ours, boost::system::system_category()))) << ours;
  }
  for (const int theirs : {0, ECONNREFUSED, ETIMEDOUT, EHOSTUNREACH, EADDRNOTAVAIL, ECANCELED}) {
    EXPECT_FALSE(IsWantOfThisMachine(error_code(theirs, boost::system::system_category())));
  }
}

TEST(UpstreamErrors, SayWhoseTheyAre) {
  for (int i = 0; i < kErrorCodeCount; ++i) {
    const auto code = static_cast<ErrorCode>(i);
    const bool ours = code == ErrorCode::kInvalidArgument || code == ErrorCode::kLimited ||
                      code == ErrorCode::kPermissionDenied;
    EXPECT_EQ(IsOurs(Error{code, "text", "unsent", nullptr}), ours) << i;
    EXPECT_FALSE(IsOurs(Error{code, "text", "elsewhere", nullptr})) << "of no Upstream";
    EXPECT_FALSE(WasCancelled(Error{code, "text", "unsent", nullptr}));
  }
  const Origin origin{false, "a.example", 80, {}};
  for (const auto phase : {UpstreamPhase::kConnect, UpstreamPhase::kUnsent, UpstreamPhase::kSent,
                           UpstreamPhase::kHead, UpstreamPhase::kBody}) {
    const Error cancelled = Cancelled(origin, phase);
    EXPECT_TRUE(WasCancelled(cancelled));
    EXPECT_EQ(PhaseOf(cancelled), phase);
    EXPECT_EQ(cancelled.code, ErrorCode::kUnavailable);
    EXPECT_FALSE(IsOurs(cancelled));
  }
  EXPECT_FALSE(WasCancelled(Error{ErrorCode::kUnavailable, "", "soup, cancelled", nullptr}));
}

TEST(OriginText, NamesTheDefaultPortToo) {
  EXPECT_EQ(ToString(Origin{true, "a.example", 443, {}}), "https://a.example:443");
  EXPECT_EQ(ToString(Origin{false, "::1", 8080, {}}), "http://[::1]:8080");
}

}  // namespace
}  // namespace podium::net
