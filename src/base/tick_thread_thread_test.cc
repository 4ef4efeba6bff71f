#include "base/tick_thread.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <latch>
#include <optional>
#include <semaphore>

namespace podium {
namespace {

constexpr std::chrono::milliseconds kOften{1};
constexpr std::chrono::hours kBeyondAnyUptime{1'000'000};

TEST(TickThreadTest, TicksAgainAndAgainUntilItIsStopped) {
  int ticks = 0;  // Of the thread's, until it is joined.
  std::latch third(1);
  TickThread thread("ticks", kOften, [&] {
    if (++ticks == 3) third.count_down();
  });
  third.wait();
  thread.Stop();
  const int until_then = ticks;
  EXPECT_GE(until_then, 3);
  thread.Stop();
  EXPECT_EQ(ticks, until_then);
}

TEST(TickThreadTest, StopWaitsForTheTickUnderWayAndForNoOther) {
  std::counting_semaphore<> begun(0);
  std::atomic<bool> stopping{false};
  bool ended = false;
  std::optional<TickThread> thread;
  thread.emplace("ticks", kOften, [&] {
    begun.release();
    while (!stopping) {
    }
    ended = true;
  });
  begun.acquire();
  stopping = true;
  thread.reset();
  EXPECT_TRUE(ended);
  thread.emplace("never", kBeyondAnyUptime, [&] { ended = false; });
  thread.reset();
  EXPECT_TRUE(ended) << "its first tick would have come much later";
}

}  // namespace
}  // namespace podium
