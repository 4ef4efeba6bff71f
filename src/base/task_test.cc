// A coroutine that outlives its owner, or is never waited for, is a crash at shutdown.
#include "base/task.h"

#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <vector>

namespace podium {
namespace {

using std::chrono::hours;
using std::chrono::nanoseconds;

Task<void> Note(std::vector<std::string>& log, std::string text) {
  log.push_back(std::move(text));
  co_return;
}

Task<void> PauseThenNote(std::vector<std::string>& log, nanoseconds pause) {
  const bool whole = co_await Pause(pause);
  log.emplace_back(whole ? "rested" : "woken");
}

Task<void> JoinThenNote(std::vector<std::string>& log, TaskGroup& group) {
  co_await group.Join();
  log.push_back("joined with " + std::to_string(group.size()) + " left");
}

TEST(TaskGroup, RunsWhatIsSpawned) {
  boost::asio::io_context io;
  TaskGroup group(io.get_executor());
  std::vector<std::string> log;
  group.Spawn(Note(log, "one"));
  group.Spawn(Note(log, "two"));
  EXPECT_EQ(group.size(), 2U);
  io.run();
  EXPECT_EQ(log, (std::vector<std::string>{"one", "two"}));
  EXPECT_EQ(group.size(), 0U);
}

TEST(TaskGroup, CancelWakesEveryTask) {
  boost::asio::io_context io;
  TaskGroup group(io.get_executor());
  std::vector<std::string> log;
  for (int i = 0; i < 3; ++i) group.Spawn(PauseThenNote(log, hours(1)));
  io.poll();
  EXPECT_EQ(group.size(), 3U);
  group.Cancel();
  io.run();
  EXPECT_EQ(log, (std::vector<std::string>{"woken", "woken", "woken"}));
  EXPECT_EQ(group.size(), 0U);
}

// The cancellation comes before the task has taken its first step.
TEST(TaskGroup, CancelReachesTasksThatHaveNotStarted) {
  boost::asio::io_context io;
  TaskGroup group(io.get_executor());
  std::vector<std::string> log;
  group.Spawn(PauseThenNote(log, hours(1)));
  group.Cancel();
  io.run();
  EXPECT_EQ(log, std::vector<std::string>{"woken"});
}

TEST(TaskGroup, JoinWaitsForTheLast) {
  boost::asio::io_context io;
  TaskGroup group(io.get_executor());
  TaskGroup waiting(io.get_executor());
  std::vector<std::string> log;
  group.Spawn(PauseThenNote(log, hours(1)));
  group.Spawn(Note(log, "quick"));
  waiting.Spawn(JoinThenNote(log, group));
  waiting.Spawn(JoinThenNote(log, group));
  io.poll();
  EXPECT_EQ(log, std::vector<std::string>{"quick"}) << "nobody joins while one is left";
  group.Cancel();
  io.run();
  EXPECT_EQ(log, (std::vector<std::string>{"quick", "woken", "joined with 0 left",
                                           "joined with 0 left"}));
}

TEST(TaskGroup, JoinOfAnEmptyGroupReturnsAtOnce) {
  boost::asio::io_context io;
  TaskGroup group(io.get_executor());
  TaskGroup waiting(io.get_executor());
  std::vector<std::string> log;
  waiting.Spawn(JoinThenNote(log, group));
  io.run();
  EXPECT_EQ(log, std::vector<std::string>{"joined with 0 left"});
}

TEST(TaskGroup, MayBeUsedAgainAfterACancel) {
  boost::asio::io_context io;
  TaskGroup group(io.get_executor());
  std::vector<std::string> log;
  group.Spawn(PauseThenNote(log, hours(1)));
  io.poll();
  group.Cancel();
  io.run();
  io.restart();
  group.Spawn(PauseThenNote(log, nanoseconds(1)));
  io.run();
  EXPECT_EQ(log, (std::vector<std::string>{"woken", "rested"}));
}

// Whoever waits for the same tick wakes at the same moment, and nobody twice for one.
TEST(NextTick, IsTheNextWholeMultiple) {
  const auto after = [](int now, int period) {
    return TickAfter(SteadyTime(nanoseconds(now)), nanoseconds(period)).time_since_epoch().count();
  };
  EXPECT_EQ(after(0, 50), 50);
  EXPECT_EQ(after(1, 50), 50);
  EXPECT_EQ(after(49, 50), 50);
  EXPECT_EQ(after(50, 50), 100);
  EXPECT_EQ(after(70, 100), 100);
  EXPECT_EQ(after(3, 1), 4);
}

TEST(TaskGroupDeathTest, MustBeEmptyWhenItGoes) {
  boost::asio::io_context io;
  std::vector<std::string> log;
  EXPECT_DEATH(
      {
        TaskGroup group(io.get_executor());
        group.Spawn(Note(log, "never"));
      },
      "broken invariant");
}

}  // namespace
}  // namespace podium
