// Deadlines, just before and just after, and calls that are cancelled.
#include <gmock/gmock.h>

#include "net/upstream_call.h"
#include "net/upstream_pool.h"
#include "net/upstream_test_fixture.h"

namespace podium::net {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::HasSubstr;

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
  auto [peer, answer] = OpenStream(request);
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
    auto [peer, answer] = OpenStream();
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
  auto [peer, answer] = OpenStream(request);
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
  auto [peer, answer] = OpenStream();
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

}  // namespace
}  // namespace podium::net
