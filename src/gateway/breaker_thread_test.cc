#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <thread>
#include <vector>

#include "gateway/breaker_board.h"

namespace podium::gateway {
namespace {

using std::chrono::seconds;

constexpr std::size_t kCores = 4;

void OnEveryCore(const std::function<void(std::size_t core)>& run) {
  std::vector<std::thread> threads;
  for (std::size_t core = 0; core < kCores; ++core) threads.emplace_back(run, core);
  for (std::thread& thread : threads) thread.join();
}

// However the cores' calls fall, a half open breaker lets as many through as it may and no more,
// and once they have succeeded everybody knows.
TEST(BreakerThread, ProbesAreCountedOverAllCores) {
  BreakerPolicy policy;
  policy.failures = 1;
  policy.probes = 3;
  for (int round = 0; round < 200; ++round) {
    BreakerBoard board(policy, 1, kCores);
    SteadyTime now{seconds(100)};
    BoardedBreaker& breaker = board.Of(0, 0, "model");
    breaker.Failed(*breaker.Admit(now), now);
    now += policy.open_time;
    std::atomic<int> let_through = 0;
    OnEveryCore([&](std::size_t core) {
      BoardedBreaker& mine = board.Of(core, 0, "model");
      for (int i = 0; i < 20; ++i) {
        if (mine.Admit(now)) ++let_through;
      }
    });
    ASSERT_EQ(let_through, policy.probes);
  }
}

// Failures and successes from everywhere, and a reader: it opens, and never for what a call says
// that was let through before.
TEST(BreakerThread, OpensUnderCallsFromAllCores) {
  BreakerPolicy policy;
  policy.failures = 0;
  policy.min_calls = 100;
  BreakerBoard board(policy, 1, kCores);
  const SteadyTime now{seconds(100)};
  const auto before = board.SharedOf(0).Admit(now);
  OnEveryCore([&](std::size_t core) {
    BoardedBreaker& mine = board.Of(core, 0, "model");
    for (int i = 0; i < 1000; ++i) {
      const auto ticket = mine.Admit(now);
      if (!ticket) return;
      i % 3 == 0 ? mine.Succeeded(core, *ticket, now) : mine.Failed(*ticket, now);
    }
  });
  EXPECT_EQ(board.Of(0, 0, "model").state(now), BreakerState::kOpen);
  ASSERT_TRUE(before);
  EXPECT_EQ(board.SharedOf(0).state(now), BreakerState::kClosed) << "each model has its own";
}

}  // namespace
}  // namespace podium::gateway
