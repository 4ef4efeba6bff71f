// The canary controller among threads, and the waiting of clocks that bring none of their own.
#include <gtest/gtest.h>
#include <podium/canary_controller.h>

#include <atomic>
#include <future>
#include <memory>
#include <thread>
#include <vector>

#include "embed/ports_fixture.h"

namespace podium::v1 {
namespace {

CanaryOptions Climbing() {
  CanaryOptions options;
  options.initial_weight = 0.0;
  options.max_weight = 0.9;
  options.step_size = 0.001;
  options.step_interval = std::chrono::seconds(1);
  options.success_threshold = 0.0;
  return options;
}

TEST(CanaryThreads, NothingRecordedIsLost) {
  CanaryController canary = CanaryController::Create(Climbing()).value();
  std::vector<std::thread> recorders;
  for (int i = 0; i < 4; ++i) {
    recorders.emplace_back([&] {
      for (int j = 0; j < 5000; ++j) {
        j % 5 == 0 ? canary.RecordFailure() : canary.RecordSuccess();
        const double rate = canary.success_rate();
        EXPECT_TRUE(rate >= 0.0 && rate <= 1.0) << rate;
      }
    });
  }
  for (std::thread& recorder : recorders) recorder.join();
  EXPECT_EQ(canary.successes(), 16'000U);
  EXPECT_EQ(canary.failures(), 4'000U);
  EXPECT_EQ(canary.success_rate(), 0.8);
}

// The step that a rollback meets must not be the last word: not for the router, nor for a listener.
TEST(CanaryThreads, ARollbackIsTheLastWord) {
  auto clock = std::make_shared<HandClock>();
  auto router = std::make_shared<AbRouter>(AbRouter::Create(0.0, "test").value());
  for (int round = 0; round < 50; ++round) {
    std::atomic<double> told = -1.0;
    std::atomic<int> telling = 0;
    CanaryOptions options = Climbing();
    options.clock = clock;
    options.router = router;
    options.on_weight = [&](double weight) {
      EXPECT_EQ(telling.fetch_add(1), 0) << "one at a time";
      told = weight;
      telling.fetch_sub(1);
    };
    CanaryController canary = CanaryController::Create(options).value();
    ASSERT_TRUE(canary.Start());
    std::thread stepper([&] { clock->Advance(std::chrono::seconds(20)); });
    std::thread hand([&] {
      for (int i = 0; i < 20; ++i) canary.Step();
    });
    canary.RollBack();
    EXPECT_EQ(router->weight(), 0.0) << "at once";
    stepper.join();
    hand.join();
    EXPECT_EQ(canary.weight(), 0.0);
    EXPECT_EQ(router->weight(), 0.0);
    EXPECT_EQ(told, 0.0);
  }
}

TEST(CanaryThreads, StartsAndStopsFromAnywhere) {
  auto clock = std::make_shared<HandClock>();
  CanaryOptions options = Climbing();
  options.clock = clock;
  CanaryController canary = CanaryController::Create(options).value();
  std::atomic<bool> done = false;
  std::thread time([&] {
    while (!done) clock->Advance(std::chrono::seconds(1));
  });
  std::vector<std::thread> users;
  for (int i = 0; i < 3; ++i) {
    users.emplace_back([&] {
      for (int j = 0; j < 200; ++j) {
        const Status started = canary.Start();
        EXPECT_TRUE(started || started.error().code == ErrorCode::kConflict);
        canary.Stop();
      }
    });
  }
  for (std::thread& user : users) user.join();
  done = true;
  time.join();
  EXPECT_FALSE(canary.running());
  EXPECT_EQ(clock->tickers(), 0U);
}

/// Lets a test wait until a weight has been told.
struct Told {
  std::promise<void> reached;
  std::function<void(double)> Until(double weight) {
    return [this, weight](double now) {
      if (now == weight) reached.set_value();
    };
  }
};

TEST(CanaryThreads, TheSystemsClockStepsByItself) {
  Told told;
  CanaryOptions options = Climbing();
  options.max_weight = 0.003;
  options.step_interval = std::chrono::microseconds(100);
  options.on_weight = told.Until(0.003);
  CanaryController canary = CanaryController::Create(options).value();
  ASSERT_TRUE(canary.Start());
  told.reached.get_future().wait();
  canary.Stop();
  EXPECT_EQ(canary.weight(), 0.003);
}

TEST(CanaryThreads, StopDoesNotWaitForTheNextStep) {
  CanaryOptions options = Climbing();
  options.initial_weight = 0.1;
  options.step_interval = std::chrono::hours(24);
  CanaryController canary = CanaryController::Create(options).value();
  for (int i = 0; i < 10; ++i) {
    ASSERT_TRUE(canary.Start());
    canary.Stop();
  }
  ASSERT_TRUE(canary.Start());
  canary.RollBack();
  ASSERT_TRUE(canary.Start()) << "the stepper of the first rollout is still waiting";
  EXPECT_EQ(canary.weight(), 0.1);
}

/// As programs wrote them before clocks could wait; says when it was asked often.
class PlainClock final : public Clock {
 public:
  static constexpr int kOften = 5;
  WallTime Now() const override { return {}; }
  SteadyTime SteadyNow() const override {
    if (asked_.fetch_add(1) == kOften) often_.set_value();
    return SteadyTime(now.load());
  }
  std::future<void> often() const { return often_.get_future(); }
  std::atomic<std::chrono::nanoseconds> now{std::chrono::nanoseconds(0)};

 private:
  mutable std::atomic<int> asked_ = 0;
  mutable std::promise<void> often_;
};

TEST(CanaryThreads, AClockThatOnlyTellsTheTimeIsWaitedForAndBelieved) {
  Told told;
  auto clock = std::make_shared<PlainClock>();
  CanaryOptions options = Climbing();
  options.step_interval = std::chrono::milliseconds(1);
  options.clock = clock;
  options.on_weight = told.Until(0.001);
  CanaryController canary = CanaryController::Create(options).value();
  ASSERT_TRUE(canary.Start());
  clock->often().wait();
  EXPECT_EQ(canary.weight(), 0.0) << "for this clock no time has passed";
  clock->now = std::chrono::milliseconds(1);
  told.reached.get_future().wait();
  EXPECT_EQ(canary.weight(), 0.001);
}

}  // namespace
}  // namespace podium::v1
