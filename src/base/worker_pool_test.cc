// A pool without threads: the owner says which job runs when, and none is ever lost.
#include "base/worker_pool.h"

#include <gtest/gtest.h>

#include <string>

namespace podium {
namespace {

TEST(WorkerPoolWithoutThreads, RunsWhatItsOwnerPicks) {
  std::string ran;
  WorkerPool pool("test", 0, 3);
  for (const char* job : {"a", "b", "c"}) EXPECT_TRUE(pool.Submit([&, job] { ran += job; }));
  EXPECT_EQ(ran, "");
  EXPECT_FALSE(pool.Submit([] {})) << "the limit holds without threads too";
  EXPECT_FALSE(pool.RunNext(3));
  EXPECT_TRUE(pool.RunNext(1));
  EXPECT_TRUE(pool.RunNext());
  EXPECT_EQ(ran, "ba");
  EXPECT_EQ(pool.queued(), 1U);
}

// A job may run others of its own pool: that is how a simulation lets time pass "during" a job.
TEST(WorkerPoolWithoutThreads, AJobMayRunTheNext) {
  std::string ran;
  WorkerPool pool("test", 0, 3);
  EXPECT_TRUE(pool.Submit([&] {
    ran += "(";
    pool.RunNext();
    ran += ")";
  }));
  EXPECT_TRUE(pool.Submit([&] { ran += "inner"; }));
  EXPECT_TRUE(pool.RunNext());
  EXPECT_EQ(ran, "(inner)");
}

TEST(WorkerPoolWithoutThreads, StopRunsTheRestHere) {
  int ran = 0;
  WorkerPool pool("test", 0, 3);
  EXPECT_TRUE(pool.Submit([&] { ++ran; }));
  EXPECT_TRUE(pool.Submit([&] { ++ran; }));
  pool.Stop();
  EXPECT_EQ(ran, 2);
  EXPECT_FALSE(pool.RunNext());
}

}  // namespace
}  // namespace podium
