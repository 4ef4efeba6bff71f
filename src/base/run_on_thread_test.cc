// RunOn: blocking work leaves the core, its answer comes back to the same core.
#include <gtest/gtest.h>

#include <latch>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/task.h"

namespace podium {
namespace {

struct Seen {
  std::vector<std::string> answers;
  std::thread::id worker;
  std::thread::id resumed;
};

Task<void> Ask(WorkerPool& pool, Seen& seen, int value) {
  auto job = [&seen, value]() -> Result<std::unique_ptr<int>> {
    seen.worker = std::this_thread::get_id();
    if (value < 0) return Fail(ErrorCode::kNotFound, "no {}", value);
    return std::make_unique<int>(value);  // Results need only move.
  };
  auto running = RunOn(pool, std::move(job));
  Result<std::unique_ptr<int>> answer = co_await std::move(running);
  seen.resumed = std::this_thread::get_id();
  seen.answers.push_back(answer ? std::to_string(**answer) : answer.error().message);
}

TEST(RunOn, WorksElsewhereAndComesBackHere) {
  boost::asio::io_context io;
  WorkerPool pool("test", 1, 10);
  TaskGroup group(io.get_executor());
  Seen seen;
  group.Spawn(Ask(pool, seen, 7));
  io.run();
  EXPECT_EQ(seen.answers, std::vector<std::string>{"7"});
  EXPECT_EQ(seen.resumed, std::this_thread::get_id());
  EXPECT_NE(seen.worker, seen.resumed);
  pool.Stop();
}

TEST(RunOn, GivesTheJobsErrorBack) {
  boost::asio::io_context io;
  WorkerPool pool("test", 1, 10);
  TaskGroup group(io.get_executor());
  Seen seen;
  group.Spawn(Ask(pool, seen, -1));
  io.run();
  EXPECT_EQ(seen.answers, std::vector<std::string>{"no -1"});
  pool.Stop();
}

TEST(RunOn, ARefusalIsAnAnswerToo) {
  boost::asio::io_context io;
  WorkerPool pool("full", 1, 0);  // No job may wait, so none is taken.
  TaskGroup group(io.get_executor());
  Seen seen;
  group.Spawn(Ask(pool, seen, 1));
  io.run();
  ASSERT_EQ(seen.answers.size(), 1U);
  EXPECT_NE(seen.answers[0].find("0 jobs wait for the full pool"), std::string::npos);

  pool.Stop();
  io.restart();
  group.Spawn(Ask(pool, seen, 1));
  io.run();
  ASSERT_EQ(seen.answers.size(), 2U);
  EXPECT_NE(seen.answers[1].find("shutting down"), std::string::npos);
}

TEST(RunOn, ManyAtOnce) {
  boost::asio::io_context io;
  WorkerPool pool("test", 4, 1'000);
  TaskGroup group(io.get_executor());
  std::vector<std::unique_ptr<Seen>> seen;
  for (int i = 0; i < 200; ++i) {
    seen.push_back(std::make_unique<Seen>());
    group.Spawn(Ask(pool, *seen.back(), i));
  }
  io.run();
  for (int i = 0; i < 200; ++i) {
    EXPECT_EQ(seen[static_cast<std::size_t>(i)]->answers,
              std::vector<std::string>{std::to_string(i)});
  }
  pool.Stop();
}

Task<void> AskBlocked(WorkerPool& pool, std::latch& release, bool& done) {
  auto job = [&release]() -> Result<int> {
    release.wait();
    return 1;
  };
  auto running = RunOn(pool, std::move(job));
  static_cast<void>(co_await std::move(running));
  done = true;
}

// A job cannot be called back: a cancelled task still waits for it, so what the job borrows lives.
TEST(RunOn, ACancelledTaskWaitsForItsJob) {
  boost::asio::io_context io;
  WorkerPool pool("test", 1, 10);
  TaskGroup group(io.get_executor());
  std::latch release(1);
  bool done = false;
  group.Spawn(AskBlocked(pool, release, done));
  io.poll();
  group.Cancel();
  io.poll();
  EXPECT_FALSE(done);
  EXPECT_EQ(group.size(), 1U);
  release.count_down();
  io.restart();
  io.run();
  EXPECT_TRUE(done);
  pool.Stop();
}

}  // namespace
}  // namespace podium
