// One model that hangs must not take the pool's threads from all the others.
#include "gateway/inference_lanes.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace podium::gateway {
namespace {

class StillClock final : public Clock {
 public:
  WallTime Now() const override { return {}; }
  SteadyTime SteadyNow() const override { return now; }
  SteadyTime now{std::chrono::hours(1)};
};

/// A pool without threads: its queue is what runs, each job until the test ends it.
class InferenceLanesTest : public ::testing::Test {
 protected:
  void TearDown() override { pool_.Stop(); }
  Status Ask(const int& model, const std::string& name) {
    return lanes_.Submit(&model, [this, name] { ran_.push_back(name); });
  }
  void Pass(std::chrono::milliseconds time) {
    clock_.now += time;
    lanes_.Relieve();
  }

  static constexpr InferenceLanes::Options kOptions{2, 3, 4};
  StillClock clock_;
  WorkerPool pool_{"test", 0, 5};
  InferenceLanes lanes_{pool_, clock_, kOptions};
  std::vector<std::string> ran_;
  const int a_ = 0, b_ = 0, c_ = 0, d_ = 0;
};

TEST_F(InferenceLanesTest, SoManyAtOnceAndTheRestInOrder) {
  for (const char* name : {"1", "2", "3", "4"}) ASSERT_TRUE(Ask(a_, name));
  EXPECT_EQ(pool_.queued(), 2U);
  EXPECT_EQ(lanes_.waiting(), 2U);
  while (pool_.RunNext()) {
  }
  EXPECT_EQ(ran_, (std::vector<std::string>{"1", "2", "3", "4"}));
  EXPECT_EQ(lanes_.waiting(), 0U);
}

TEST_F(InferenceLanesTest, ALaneHasALimitOfItsOwn) {
  for (int i = 0; i < 2 + 4; ++i) ASSERT_TRUE(Ask(a_, "a")) << i;
  const Status refused = Ask(a_, "a");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kLimited);
  EXPECT_TRUE(Ask(b_, "b"));
}

TEST_F(InferenceLanesTest, ModelsTakeTurns) {
  for (const char* name : {"a1", "a2", "a3", "a4"}) ASSERT_TRUE(Ask(a_, name));
  for (const char* name : {"b1", "b2"}) ASSERT_TRUE(Ask(b_, name));
  while (pool_.RunNext()) {
  }
  ASSERT_EQ(ran_.size(), 6U);
  EXPECT_TRUE(ran_[2] == "b1" || ran_[3] == "b1") << "it waits for one call of the other, not four";
}

TEST_F(InferenceLanesTest, OthersGoOnWhileSomeTakeLong) {
  for (const char* name : {"a1", "a2", "a3"}) ASSERT_TRUE(Ask(a_, name));
  ASSERT_TRUE(Ask(b_, "b1"));
  Pass(InferenceLanes::kLongRun - std::chrono::milliseconds(1));
  EXPECT_EQ(pool_.queued(), 2U);
  Pass(std::chrono::milliseconds(1));
  EXPECT_EQ(pool_.queued(), 3U);
  EXPECT_EQ(lanes_.waiting(), 1U) << "the model that takes long gets no more threads than before";
  EXPECT_TRUE(pool_.RunNext(2));
  EXPECT_EQ(ran_, std::vector<std::string>{"b1"});
}

TEST_F(InferenceLanesTest, TheSpareThreadsAreBounded) {
  const int* models[] = {&a_, &b_, &c_, &d_};
  for (const int* model : models) {
    ASSERT_TRUE(Ask(*model, "1"));
    ASSERT_TRUE(Ask(*model, "2"));
    Pass(InferenceLanes::kLongRun);
  }
  EXPECT_EQ(pool_.queued(), 5U) << "two at once and three to spare";
  EXPECT_EQ(lanes_.waiting(), 3U);
  while (pool_.RunNext()) {
  }
  EXPECT_EQ(ran_.size(), 8U);
  // All has ended: two at once again.
  for (const char* name : {"1", "2", "3"}) ASSERT_TRUE(Ask(a_, name));
  EXPECT_EQ(pool_.queued(), 2U);
}

TEST_F(InferenceLanesTest, WhatWaitsWhenThePoolStopsIsStillRun) {
  for (const char* name : {"1", "2", "3", "4"}) ASSERT_TRUE(Ask(a_, name));
  pool_.Stop();
  std::sort(ran_.begin(), ran_.end());
  EXPECT_EQ(ran_, (std::vector<std::string>{"1", "2", "3", "4"}));
  const Status refused = Ask(b_, "b");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kUnavailable);
}

}  // namespace
}  // namespace podium::gateway
