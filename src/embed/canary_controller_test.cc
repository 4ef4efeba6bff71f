// Requirement E1 through the library, on a clock that the test moves.
#include <podium/canary_controller.h>

#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "embed/ports_fixture.h"

namespace podium::v1 {
namespace {

constexpr std::chrono::minutes kInterval{5};

/// 10 % in steps of 20 % up to 50 %, while 90 % succeed.
class Canary : public ::testing::Test {
 protected:
  CanaryOptions Options() {
    CanaryOptions options;
    options.initial_weight = 0.1;
    options.max_weight = 0.5;
    options.step_size = 0.2;
    options.step_interval = kInterval;
    options.success_threshold = 0.9;
    options.clock = clock_;
    return options;
  }
  CanaryController Make() { return CanaryController::Create(Options()).value(); }

  static void Record(CanaryController& canary, int successes, int failures) {
    for (int i = 0; i < successes; ++i) canary.RecordSuccess();
    for (int i = 0; i < failures; ++i) canary.RecordFailure();
  }

  std::shared_ptr<HandClock> clock_ = std::make_shared<HandClock>();
};

TEST_F(Canary, AStepGoesByTheSuccessRate) {
  struct Case {
    const char* name;
    int successes;
    int failures;
    double initial;
    double threshold;
    double want;
  };
  const Case cases[] = {
      {"nothing recorded", 0, 0, 0.1, 0.9, 0.1},
      {"nothing recorded, and nothing asked for", 0, 0, 0.1, 0.0, 0.1 + 0.2},
      {"above the threshold", 19, 1, 0.1, 0.9, 0.1 + 0.2},
      {"at the threshold", 9, 1, 0.1, 0.9, 0.1 + 0.2},
      {"below it", 89, 11, 0.1, 0.9, 0.1},
      {"failures alone", 0, 3, 0.1, 0.9, 0.1},
      {"failures alone, and nothing asked for", 0, 3, 0.1, 0.0, 0.1 + 0.2},
      {"all must succeed, and did", 3, 0, 0.1, 1.0, 0.1 + 0.2},
      {"all must succeed, and one did not", 999, 1, 0.1, 1.0, 0.1},
      {"from nobody", 1, 0, 0.0, 0.9, 0.2},
      {"the last step is cut", 1, 0, 0.4, 0.9, 0.5},
      {"at the maximum", 1, 0, 0.5, 0.9, 0.5},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    CanaryOptions options = Options();
    options.initial_weight = c.initial;
    options.success_threshold = c.threshold;
    CanaryController canary = CanaryController::Create(options).value();
    Record(canary, c.successes, c.failures);
    EXPECT_EQ(canary.Step(), c.want != c.initial);
    EXPECT_EQ(canary.weight(), c.want);
  }
}

TEST_F(Canary, TheRateIsSuccessesOfTheWhole) {
  CanaryController canary = Make();
  EXPECT_EQ(canary.success_rate(), 0.0);
  Record(canary, 3, 1);
  EXPECT_EQ(canary.success_rate(), 0.75);
  EXPECT_EQ(canary.successes(), 3U);
  EXPECT_EQ(canary.failures(), 1U);
}

TEST_F(Canary, OptionsOutsideTheirRangeAreErrorsAtConstruction) {
  constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  struct Field {
    const char* name;
    double CanaryOptions::* value;
  };
  const Field fields[] = {{"initial_weight", &CanaryOptions::initial_weight},
                          {"max_weight", &CanaryOptions::max_weight},
                          {"step_size", &CanaryOptions::step_size},
                          {"success_threshold", &CanaryOptions::success_threshold}};
  for (const Field& field : fields) {
    for (const double bad : {-0.001, 1.001, kNan, kInfinity, -kInfinity}) {
      SCOPED_TRACE(std::string(field.name) + " " + std::to_string(bad));
      CanaryOptions options = Options();
      options.*field.value = bad;
      const auto made = CanaryController::Create(options);
      ASSERT_FALSE(made);
      EXPECT_EQ(made.error().code, ErrorCode::kInvalidArgument);
      EXPECT_EQ(made.error().where, field.name);
    }
  }

  struct Case {
    const char* name;
    std::function<void(CanaryOptions&)> change;
    const char* where;  // Null: it is allowed.
  };
  const Case cases[] = {
      {"as they are", [](CanaryOptions&) {}, nullptr},
      {"initial above max", [](auto& o) { o.initial_weight = 0.51; }, "initial_weight"},
      {"initial at max", [](auto& o) { o.initial_weight = 0.5; }, nullptr},
      {"nobody, ever", [](auto& o) { o.initial_weight = o.max_weight = 0.0; }, nullptr},
      {"everybody at once",
       [](auto& o) { o.initial_weight = o.max_weight = o.step_size = o.success_threshold = 1.0; },
       nullptr},
      {"a step of nothing", [](auto& o) { o.step_size = 0.0; }, "step_size"},
      {"no interval", [](auto& o) { o.step_interval = {}; }, "step_interval"},
      {"back in time", [](auto& o) { o.step_interval = -kInterval; }, "step_interval"},
      {"366 days", [](auto& o) { o.step_interval = std::chrono::hours(366 * 24); }, nullptr},
      {"longer", [](auto& o) { o.step_interval = std::chrono::nanoseconds::max(); },
       "step_interval"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    CanaryOptions options = Options();
    c.change(options);
    const auto made = CanaryController::Create(options);
    ASSERT_EQ(made.has_value(), c.where == nullptr);
    if (!made) EXPECT_EQ(made.error().where, c.where);
  }
}

TEST_F(Canary, TheStepperWalksToTheMaximumByItself) {
  CanaryController canary = Make();
  Record(canary, 1, 0);
  clock_->Advance(10 * kInterval);
  EXPECT_EQ(canary.weight(), 0.1) << "it is not started";
  ASSERT_TRUE(canary.Start());
  EXPECT_TRUE(canary.running());
  clock_->Advance(kInterval - std::chrono::nanoseconds(1));
  EXPECT_EQ(canary.weight(), 0.1);
  clock_->Advance(std::chrono::nanoseconds(1));
  EXPECT_EQ(canary.weight(), 0.1 + 0.2);
  clock_->Advance(kInterval);
  EXPECT_EQ(canary.weight(), 0.5);
  clock_->Advance(100 * kInterval);
  EXPECT_EQ(canary.weight(), 0.5) << "above it by Promote alone";
  EXPECT_TRUE(canary.running());
}

TEST_F(Canary, TheStepperHoldsWhileTooManyFail) {
  CanaryController canary = Make();
  ASSERT_TRUE(canary.Start());
  clock_->Advance(3 * kInterval);
  EXPECT_EQ(canary.weight(), 0.1) << "no data never steps";
  Record(canary, 8, 2);
  clock_->Advance(3 * kInterval);
  EXPECT_EQ(canary.weight(), 0.1);
  Record(canary, 10, 0);
  clock_->Advance(kInterval);
  EXPECT_EQ(canary.weight(), 0.1 + 0.2);
}

TEST_F(Canary, StopKeepsTheWeightAndStartGoesOnFromThere) {
  CanaryController canary = Make();
  Record(canary, 1, 0);
  canary.Stop();  // Nothing to stop.
  ASSERT_TRUE(canary.Start());
  clock_->Advance(kInterval);
  canary.Stop();
  canary.Stop();
  EXPECT_FALSE(canary.running());
  EXPECT_EQ(clock_->tickers(), 0U) << "a stopped controller waits for nothing";
  clock_->Advance(10 * kInterval);
  EXPECT_EQ(canary.weight(), 0.1 + 0.2);
  EXPECT_EQ(canary.successes(), 1U);
  ASSERT_TRUE(canary.Start());
  EXPECT_EQ(canary.weight(), 0.1 + 0.2);
  clock_->Advance(kInterval);
  EXPECT_EQ(canary.weight(), 0.5);
}

TEST_F(Canary, ASecondStartIsAnError) {
  CanaryController canary = Make();
  Record(canary, 1, 0);
  ASSERT_TRUE(canary.Start());
  EXPECT_EQ(canary.Start().error().code, ErrorCode::kConflict);
  EXPECT_EQ(clock_->tickers(), 1U);
  clock_->Advance(kInterval);
  EXPECT_EQ(canary.weight(), 0.1 + 0.2) << "one stepper, and it goes on";
}

TEST_F(Canary, AStepByHandNeedsNoStart) {
  CanaryController canary = Make();
  Record(canary, 1, 0);
  EXPECT_TRUE(canary.Step());
  EXPECT_EQ(canary.weight(), 0.1 + 0.2);
}

TEST_F(Canary, AfterPromoteOrRollBackAStepDoesNothingUntilStartedAgain) {
  struct Case {
    const char* name;
    void (CanaryController::*end)();
    double want;
  };
  for (const Case& c : {Case{"promote", &CanaryController::Promote, 1.0},
                        Case{"roll back", &CanaryController::RollBack, 0.0}}) {
    for (const bool started : {true, false}) {
      SCOPED_TRACE(std::string(c.name) + (started ? ", started" : ", by hand"));
      CanaryController canary = Make();
      Record(canary, 1, 0);
      if (started) ASSERT_TRUE(canary.Start());
      (canary.*c.end)();
      EXPECT_EQ(canary.weight(), c.want);
      EXPECT_FALSE(canary.running());
      EXPECT_FALSE(canary.Step());
      clock_->Advance(3 * kInterval);
      EXPECT_EQ(canary.weight(), c.want);

      ASSERT_TRUE(canary.Start()) << "a new rollout";
      EXPECT_EQ(canary.weight(), 0.1);
      EXPECT_EQ(canary.successes(), 0U) << "of this rollout";
      clock_->Advance(kInterval);
      EXPECT_EQ(canary.weight(), 0.1);
      Record(canary, 1, 0);
      clock_->Advance(kInterval);
      EXPECT_EQ(canary.weight(), 0.1 + 0.2);
      EXPECT_TRUE(canary.Step());
      EXPECT_EQ(canary.weight(), 0.5);
    }
  }
}

TEST_F(Canary, TheEndStandsWhateverCameBefore) {
  CanaryController canary = Make();
  canary.Promote();
  canary.Promote();
  EXPECT_EQ(canary.weight(), 1.0);
  canary.RollBack();
  EXPECT_EQ(canary.weight(), 0.0);
  canary.Stop();
  EXPECT_EQ(canary.weight(), 0.0);
}

TEST_F(Canary, SteersARouter) {
  CanaryOptions options = Options();
  options.router = std::make_shared<AbRouter>(AbRouter::Create(0.9, "test").value());
  CanaryController canary = CanaryController::Create(options).value();
  EXPECT_EQ(options.router->weight(), 0.1);
  Record(canary, 1, 0);
  ASSERT_TRUE(canary.Start());
  clock_->Advance(kInterval);
  EXPECT_EQ(options.router->weight(), 0.1 + 0.2);
  canary.Promote();
  EXPECT_EQ(options.router->Route("anybody"), Side::kChallenger);
  canary.RollBack();
  EXPECT_EQ(options.router->Route("anybody"), Side::kChampion);
  ASSERT_TRUE(canary.Start());
  EXPECT_EQ(options.router->weight(), 0.1);
}

TEST_F(Canary, TellsEachWeightOnce) {
  std::vector<double> told;
  CanaryOptions options = Options();
  options.on_weight = [&](double weight) { told.push_back(weight); };
  CanaryController canary = CanaryController::Create(options).value();
  EXPECT_TRUE(told.empty());
  ASSERT_TRUE(canary.Start());
  clock_->Advance(kInterval);
  Record(canary, 1, 0);
  clock_->Advance(5 * kInterval);
  canary.RollBack();
  canary.RollBack();
  ASSERT_TRUE(canary.Start());
  EXPECT_EQ(told, (std::vector<double>{0.1, 0.1 + 0.2, 0.5, 0.0, 0.1}));
}

// A listener that finds that the candidate must go says so there and then.
TEST_F(Canary, OnWeightMayEndTheRolloutButNotStartOne) {
  std::vector<double> told;
  std::optional<CanaryController> canary;
  std::optional<ErrorCode> refused;
  CanaryOptions options = Options();
  options.on_weight = [&](double weight) {
    told.push_back(weight);
    if (weight != 0.1 + 0.2) return;
    canary->Stop();
    canary->RollBack();
    refused = canary->Start().error().code;
    EXPECT_EQ(canary->weight(), 0.0);
  };
  canary = CanaryController::Create(options).value();
  Record(*canary, 1, 0);
  ASSERT_TRUE(canary->Start());
  clock_->Advance(5 * kInterval);
  EXPECT_EQ(told, (std::vector<double>{0.1, 0.1 + 0.2, 0.0}));
  EXPECT_EQ(refused, ErrorCode::kConflict);
  EXPECT_FALSE(canary->running());
}

TEST_F(Canary, WhatOnWeightThrowsIsDropped) {
  CanaryOptions options = Options();
  options.on_weight = [](double weight) {
    if (weight == 0.5) throw 42;
    throw std::runtime_error("the database is gone");
  };
  CanaryController canary = CanaryController::Create(options).value();
  Record(canary, 1, 0);
  ASSERT_TRUE(canary.Start());
  clock_->Advance(2 * kInterval);
  EXPECT_EQ(canary.weight(), 0.5);
}

TEST_F(Canary, MovesWithItsStepper) {
  CanaryController first = Make();
  Record(first, 1, 0);
  ASSERT_TRUE(first.Start());
  CanaryController canary = std::move(first);
  clock_->Advance(kInterval);
  EXPECT_EQ(canary.weight(), 0.1 + 0.2);
  canary = Make();
  EXPECT_EQ(clock_->tickers(), 0U) << "what it was has stopped";
}

TEST_F(Canary, TheDestructorStops) {
  CanaryOptions options = Options();
  options.router = std::make_shared<AbRouter>(AbRouter::Create(0.0, "test").value());
  {
    CanaryController canary = CanaryController::Create(options).value();
    Record(canary, 1, 0);
    ASSERT_TRUE(canary.Start());
  }
  EXPECT_EQ(clock_->tickers(), 0U);
  clock_->Advance(kInterval);
  EXPECT_EQ(options.router->weight(), 0.1);
}

/// Makes calls as bad clocks do.
class BadClock final : public Clock {
 public:
  explicit BadClock(std::function<Ticker(std::function<bool()>)> calls)
      : calls_(std::move(calls)) {}
  WallTime Now() const override { return {}; }
  SteadyTime SteadyNow() const override { return {}; }
  Ticker CallEvery(std::chrono::nanoseconds, std::function<bool()> call) const override {
    return calls_(std::move(call));
  }

 private:
  const std::function<Ticker(std::function<bool()>)> calls_;
};

TEST_F(Canary, AClockThatMakesNoCallsIsUnavailable) {
  for (const bool throws : {false, true}) {
    SCOPED_TRACE(throws);
    CanaryOptions options = Options();
    options.clock = std::make_shared<BadClock>([&](auto) -> Ticker {
      if (throws) throw std::runtime_error("no timers left");
      return nullptr;
    });
    CanaryController canary = CanaryController::Create(options).value();
    canary.RollBack();
    EXPECT_EQ(canary.Start().error().code, ErrorCode::kUnavailable);
    EXPECT_FALSE(canary.running());
    EXPECT_EQ(canary.weight(), 0.0) << "a rollout that did not start changes nothing";
    EXPECT_EQ(canary.Start().error().code, ErrorCode::kUnavailable) << "not a second start";
  }
}

// An event loop cannot always take a call back that is on its way.
TEST_F(Canary, ACallAfterTheStopOrTheEndFindsNothingToDo) {
  std::function<bool()> late;
  CanaryOptions options = Options();
  options.clock = std::make_shared<BadClock>([&](std::function<bool()> call) -> Ticker {
    late = std::move(call);
    return std::make_shared<int>();
  });
  {
    CanaryController canary = CanaryController::Create(options).value();
    Record(canary, 1, 0);
    ASSERT_TRUE(canary.Start());
    EXPECT_TRUE(late());
    EXPECT_EQ(canary.weight(), 0.1 + 0.2);
    canary.Stop();
    EXPECT_FALSE(late());
    const std::function<bool()> of_the_first_run = late;
    ASSERT_TRUE(canary.Start());
    EXPECT_FALSE(of_the_first_run());
    EXPECT_EQ(canary.weight(), 0.1 + 0.2);
  }
  EXPECT_FALSE(late());
}

}  // namespace
}  // namespace podium::v1
