// Connections that are kept, and the limits of all that is (INV-16), each at it and one past it.
#include <gmock/gmock.h>

#include "net/upstream_call.h"
#include "net/upstream_pool.h"
#include "net/upstream_test_fixture.h"

namespace podium::net {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::HasSubstr;

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

// A call that is cancelled ends, however far it is.
TEST_F(UpstreamTest, EndsWhereverItIsCancelled) {
  Start();
  for (int steps = 0; steps < 8; ++steps) {
    SCOPED_TRACE(steps);
    SendCancel cancel;
    UpstreamRequest request = Post();
    request.cancel = &cancel;
    std::optional<Answer> answer;
    calls_.Spawn(SendInto(*pool_, Here(), std::move(request), answer));
    for (int step = 0; step < steps; ++step) context_.poll_one();
    cancel.Cancel();
    for (int i = 0; i < 1000 && !answer; ++i) context_.poll();
    ASSERT_TRUE(answer);
    ASSERT_FALSE(*answer);
    EXPECT_TRUE(WasCancelled(answer->error()));
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

// ---- Limits.

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
  auto [peer, answer] = OpenStream();
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
  auto [peer, answer] = OpenStream();
  ASSERT_TRUE(answer);
  std::optional<Result<std::string>> piece;
  calls_.Spawn(ReadInto(**answer, piece));
  context_.poll();
  EXPECT_LE(pool_->buffered_bytes(), kUpstreamReadBytes + 128);
  peer->Send("1\r\nx\r\n0\r\n\r\n");
  while (!piece) context_.poll();
}

}  // namespace
}  // namespace podium::net
