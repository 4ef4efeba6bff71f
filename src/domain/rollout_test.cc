#include "domain/rollout.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <string>
#include <utility>

#include "base/limits.h"

namespace podium {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

RolloutGuard Custom(std::string name) {
  RolloutGuard guard;
  guard.metric = GuardMetric::kCustom;
  guard.name = std::move(name);
  guard.bad_above = 0.5;
  return guard;
}

BasisPoints Points(int value) { return *BasisPoints::From(value); }

RolloutPlan PlanOf(const std::vector<int>& shares) {
  RolloutPlan plan = DefaultPlan();
  plan.steps.clear();
  for (const int share : shares) {
    RolloutStep step;
    step.share = Points(share);
    plan.steps.push_back(step);
  }
  return plan;
}

TEST(DefaultPlan, IsWhatTheDocumentsSay) {
  const RolloutPlan plan = DefaultPlan();
  ASSERT_TRUE(Check(plan)) << Describe(Check(plan).error());
  ASSERT_EQ(plan.steps.size(), 4u);
  EXPECT_EQ(plan.steps[0].share, Points(100));
  EXPECT_EQ(plan.steps[3].share, Points(5000));
  EXPECT_EQ(plan.deadline, hours(24));
  EXPECT_EQ(plan.alpha, 0.05);
  EXPECT_FALSE(plan.promote_at_end);
  EXPECT_EQ(plan.on_overdue, OnOverdue::kHoldAndPage);
  ASSERT_EQ(plan.guards.size(), 2u);
  EXPECT_EQ(plan.guards[0].metric, GuardMetric::kErrorRate);
  EXPECT_EQ(plan.guards[1].metric, GuardMetric::kLatency);
}

// The error goes to whoever wrote the plan: it must name the member that they have to change.
TEST(CheckPlan, NamesThePlaceAtFault) {
  using Change = std::function<void(RolloutPlan&)>;
  struct Case {
    const char* name;
    Change change;
    const char* where;  ///< Empty: it is taken.
  };
  const Case cases[] = {
      {"as it is", [](auto&) {}, ""},
      {"no steps", [](auto& p) { p.steps.clear(); }, "/steps"},
      {"share 0", [](auto& p) { p.steps[0].share = {}; }, "/steps/0/share_pct"},
      {"the same share", [](auto& p) { p.steps[1].share = p.steps[0].share; },
       "/steps/1/share_pct"},
      {"a lower share", [](auto& p) { p.steps[3].share = Points(1); }, "/steps/3/share_pct"},
      {"all of it", [](auto& p) { p.steps[3].share = Points(10'000); }, ""},
      {"negative bake", [](auto& p) { p.steps[2].bake = seconds(-1); }, "/steps/2/bake"},
      {"bake at the limit",
       [](auto& p) {
         p.unit = SplitUnit::kRequest;
         p.steps[2].bake = limits::kMaxStepTime - seconds(1);
         p.steps[2].deadline = limits::kMaxStepTime;
       },
       ""},
      {"bake above it", [](auto& p) { p.steps[2].bake = limits::kMaxStepTime + seconds(1); },
       "/steps/2/bake"},
      {"bake as long as the plan's deadline", [](auto& p) { p.steps[1].bake = hours(24); },
       "/steps/1/deadline"},
      {"bake as long as its own",
       [](auto& p) { p.steps[1].bake = p.steps[1].deadline = minutes(5); }, "/steps/1/deadline"},
      {"deadline above the limit",
       [](auto& p) { p.steps[0].deadline = limits::kMaxStepTime + seconds(1); },
       "/steps/0/deadline"},
      {"negative deadline", [](auto& p) { p.steps[0].deadline = seconds(-1); },
       "/steps/0/deadline"},
      {"no deadline", [](auto& p) { p.deadline = seconds(0); }, "/deadline"},
      {"a plan's deadline above the limit",
       [](auto& p) { p.deadline = limits::kMaxStepTime + seconds(1); }, "/deadline"},
      {"no guards", [](auto& p) { p.guards.clear(); }, "/guards"},
      {"none guards the promotion",
       [](auto& p) { p.guards[0].guards_promotion = p.guards[1].guards_promotion = false; },
       "/guards"},
      {"no guards of the plain rule",
       [](auto& p) {
         p.rule = RolloutRule::kThreshold;
         p.guards.clear();
       },
       ""},
      {"a metric twice", [](auto& p) { p.guards[1].metric = GuardMetric::kErrorRate; },
       "/guards/1/metric"},
      {"weight 0", [](auto& p) { p.guards[0].weight = 0; }, "/guards/0/weight"},
      {"weight NaN", [](auto& p) { p.guards[0].weight = kNan; }, "/guards/0/weight"},
      {"infinite weight", [](auto& p) { p.guards[0].weight = HUGE_VAL; }, "/guards/0/weight"},
      {"percent below 0", [](auto& p) { p.guards[1].percent = -0.1; },
       "/guards/1/max_increase_pct"},
      {"percent NaN", [](auto& p) { p.guards[1].percent = kNan; }, "/guards/1/max_increase_pct"},
      {"percent at the limit", [](auto& p) { p.guards[1].percent = 1000; }, ""},
      {"percent above it", [](auto& p) { p.guards[1].percent = 1000.1; },
       "/guards/1/max_increase_pct"},
      {"points above 100", [](auto& p) { p.guards[1].points = 100.1; },
       "/guards/1/max_increase_points"},
      {"good enough", [](auto& p) { p.guards[0].at_most = 0.5; }, ""},
      {"good enough at 0", [](auto& p) { p.guards[0].at_most = 0; }, "/guards/0/at_most_pct"},
      {"good enough at 100", [](auto& p) { p.guards[0].at_most = 100; }, "/guards/0/at_most_pct"},
      {"a custom metric", [](auto& p) { p.guards.push_back(Custom("refunded")); }, ""},
      {"two of them",
       [](auto& p) {
         p.guards.push_back(Custom("refunded"));
         p.guards.push_back(Custom("judge.score-2_b"));
       },
       ""},
      {"two of one name", [](auto& p) { p.guards.insert(p.guards.end(), 2, Custom("refunded")); },
       "/guards/3/metric"},
      {"as many as there may be",
       [](auto& p) {
         for (char name = 'a'; name < 'i'; ++name) p.guards.push_back(Custom({name}));
       },
       ""},
      {"one more",
       [](auto& p) {
         for (char name = 'a'; name < 'j'; ++name) p.guards.push_back(Custom({name}));
       },
       "/guards/10"},
      {"a custom metric without a name", [](auto& p) { p.guards.push_back(Custom("")); },
       "/guards/2/name"},
      {"one with a name as people talk", [](auto& p) { p.guards.push_back(Custom("Re funded")); },
       "/guards/2/name"},
      {"a name of 65", [](auto& p) { p.guards.push_back(Custom(std::string(65, 'a'))); },
       "/guards/2/name"},
      {"one that Podium measures", [](auto& p) { p.guards.push_back(Custom("cost")); },
       "/guards/2/name"},
      {"one that is never bad",
       [](auto& p) {
         p.guards.push_back(Custom("refunded"));
         p.guards[2].bad_above.reset();
       },
       "/guards/2/bad_above"},
      {"one that is bad on both sides",
       [](auto& p) {
         p.guards.push_back(Custom("refunded"));
         p.guards[2].bad_below = -1;
       },
       "/guards/2/bad_above"},
      {"one that is bad above nothing that is a number",
       [](auto& p) {
         p.guards.push_back(Custom("refunded"));
         p.guards[2].bad_above = kNan;
       },
       "/guards/2/bad_above"},
      {"one with a limit in points",
       [](auto& p) {
         p.guards.push_back(Custom("refunded"));
         p.guards[2].points = 1;
       },
       "/guards/2/max_increase_points"},
      {"one that is good enough",
       [](auto& p) {
         p.guards.push_back(Custom("refunded"));
         p.guards[2].at_most = 1;
       },
       "/guards/2/at_most_pct"},
      {"a latency with a name", [](auto& p) { p.guards[1].name = "slow"; }, "/guards/1/name"},
      {"a latency that is bad above a value", [](auto& p) { p.guards[1].bad_above = 3; },
       "/guards/1/bad_above"},
      {"latency that is good enough", [](auto& p) { p.guards[1].at_most = 5; },
       "/guards/1/at_most_pct"},
      {"a window without days", [](auto& p) { p.windows = {{0, hours(1), hours(2)}}; },
       "/windows/0/days"},
      {"a window of an eighth day", [](auto& p) { p.windows = {{0x80, hours(1), hours(2)}}; },
       "/windows/0/days"},
      {"past midnight", [](auto& p) { p.windows = {{}, {1, hours(22), hours(4)}}; },
       "/windows/1/to"},
      {"a window of no length", [](auto& p) { p.windows = {{1, hours(4), hours(4)}}; },
       "/windows/0/to"},
      {"beyond the day", [](auto& p) { p.windows = {{1, hours(4), hours(25)}}; }, "/windows/0"},
      {"windows at the limit", [](auto& p) { p.windows.resize(limits::kMaxPlanWindows); }, ""},
      {"windows above it", [](auto& p) { p.windows.resize(limits::kMaxPlanWindows + 1); },
       "/windows"},
      {"alpha 0", [](auto& p) { p.alpha = 0; }, "/alpha"},
      {"alpha NaN", [](auto& p) { p.alpha = kNan; }, "/alpha"},
      {"alpha above a half", [](auto& p) { p.alpha = 0.51; }, "/alpha"},
      {"margin 1", [](auto& p) { p.margin = 1; }, "/margin"},
      {"margin 8", [](auto& p) { p.margin = 8; }, ""},
      {"margin above it", [](auto& p) { p.margin = 8.1; }, "/margin"},
      {"threshold above 1", [](auto& p) { p.success_threshold = 1.01; }, "/success_threshold"},
      {"threshold NaN", [](auto& p) { p.success_threshold = kNan; }, "/success_threshold"},
      {"thompson with the route's unit", [](auto& p) { p.rule = RolloutRule::kThompson; }, "/unit"},
      {"thompson by request",
       [](auto& p) {
         p.rule = RolloutRule::kThompson;
         p.unit = SplitUnit::kRequest;
       },
       ""},
      {"thompson promotes",
       [](auto& p) {
         p.rule = RolloutRule::kThompson;
         p.unit = SplitUnit::kRequest;
         p.promote_at_end = true;
       },
       "/promote_at_end"},
      {"exploration 0", [](auto& p) { p.exploration = 0; }, "/exploration"},
      {"exploration NaN", [](auto& p) { p.exploration = kNan; }, "/exploration"},
      {"discount 0", [](auto& p) { p.discount = 0; }, "/discount"},
      {"discount above 1", [](auto& p) { p.discount = 1.0001; }, "/discount"},
      {"the plain rule promotes",
       [](auto& p) {
         p.rule = RolloutRule::kThreshold;
         p.promote_at_end = true;
       },
       "/promote_at_end"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    RolloutPlan plan = DefaultPlan();
    c.change(plan);
    const Status valid = Check(plan);
    if (*c.where == '\0') {
      EXPECT_TRUE(valid) << Describe(valid.error());
      continue;
    }
    ASSERT_FALSE(valid);
    EXPECT_EQ(valid.error().code, ErrorCode::kInvalidArgument);
    EXPECT_EQ(valid.error().where, c.where);
    EXPECT_FALSE(valid.error().message.empty());
  }
}

// What is reported of one metric must never count as another's.
TEST(SeriesOfGuard, CustomMetricsFollowThoseOfTheDataPlane) {
  RolloutPlan plan = DefaultPlan();
  plan.guards.insert(plan.guards.begin(), Custom("a"));
  plan.guards.push_back(Custom("b"));
  EXPECT_EQ(SeriesOfGuard(plan, 0), kRolloutSeries);
  EXPECT_EQ(SeriesOfGuard(plan, 1), FirstSeriesOf(GuardMetric::kErrorRate));
  EXPECT_EQ(SeriesOfGuard(plan, 2), FirstSeriesOf(GuardMetric::kLatency));
  EXPECT_EQ(SeriesOfGuard(plan, 3), kRolloutSeries + 1);
  EXPECT_EQ(CustomGuard(plan, "b"), &plan.guards[3]);
  EXPECT_EQ(CustomGuard(plan, "latency"), nullptr);
  EXPECT_FALSE(plan.guards[3].IsBad(0.5));
  EXPECT_TRUE(plan.guards[3].IsBad(0.51));
  plan.guards[3].bad_above.reset();
  plan.guards[3].bad_below = 0.5;
  EXPECT_TRUE(plan.guards[3].IsBad(0.49));
  EXPECT_FALSE(plan.guards[3].IsBad(0.5));
}

// Answers carry tickets only where somebody needs them.
TEST(RolloutMark, AsksForTicketsWhereAMetricIsReported) {
  Rollout rollout;
  rollout.plan = DefaultPlan();
  EXPECT_FALSE(MarkOf(rollout).tickets);
  rollout.plan.guards.push_back(Custom("a"));
  EXPECT_TRUE(MarkOf(rollout).tickets);
}

TEST(CheckPlan, TakesSoManyStepsAndNoMore) {
  std::vector<int> shares;
  for (std::size_t i = 1; i <= limits::kMaxPlanSteps; ++i) shares.push_back(static_cast<int>(i));
  EXPECT_TRUE(Check(PlanOf(shares)));
  shares.push_back(static_cast<int>(limits::kMaxPlanSteps) + 1);
  EXPECT_EQ(Check(PlanOf(shares)).error().where, "/steps");
}

// A hold of sticky units becomes epochs, and a verdict looks at so many of them only.
TEST(CheckPlan, StickyHoldsMustFitIntoTheEpochsOfARollout) {
  RolloutPlan plan = PlanOf({100, 200});
  const auto most = static_cast<int>(limits::kMaxRolloutEpochs) - 2 * 8;
  plan.deadline = limits::kMaxStepTime;
  plan.steps[0].bake = hours(most);
  EXPECT_TRUE(Check(plan)) << Describe(Check(plan).error());
  plan.steps[1].bake = seconds(1);
  EXPECT_EQ(Check(plan).error().where, "/steps");
  plan.unit = SplitUnit::kRequest;
  EXPECT_TRUE(Check(plan)) << "one epoch a step";
}

TEST(Windows, AreOpenByTheDayAndTimeOfUtc) {
  struct Case {
    const char* at;
    bool open;
  };
  // 2 March 2026 is a Monday.
  const Case cases[] = {
      {"2026-03-02T08:59:59", false}, {"2026-03-02T09:00", true},  {"2026-03-02T16:59:59", true},
      {"2026-03-02T17:00", false},    {"2026-03-03T12:00", false}, {"2026-03-06T12:00", true},
      {"2026-03-07T12:00", false},    {"2026-03-08T12:00", false}, {"2026-03-08T23:59:59", true},
      {"2026-03-08T22:59:59", false}, {"2026-03-09T00:00", false},
  };
  const std::vector<RolloutWindow> windows = {{0b0010001, hours(9), hours(17)},
                                              {0b1000000, hours(23), hours(24)}};
  for (const Case& c : cases) {
    SCOPED_TRACE(c.at);
    const std::optional<WallTime> at = ParseUtc(std::string(c.at) + "Z");
    ASSERT_TRUE(at);
    EXPECT_EQ(IsOpen(windows, *at), c.open);
    EXPECT_TRUE(IsOpen({}, *at)) << "no windows: always";
    EXPECT_TRUE(IsOpen({RolloutWindow()}, *at)) << "every day, all day";
  }
}

TEST(Series, AreInTheOrderOfTheMetrics) {
  std::size_t next = 0;
  for (const GuardMetric metric : {GuardMetric::kErrorRate, GuardMetric::kLatency,
                                   GuardMetric::kFirstToken, GuardMetric::kCost}) {
    EXPECT_EQ(FirstSeriesOf(metric), next);
    next += SeriesCountOf(metric);
  }
  EXPECT_EQ(next, kRolloutSeries);
  EXPECT_EQ(NameOfSeries(0), "errors");
  EXPECT_EQ(NameOfSeries(FirstSeriesOf(GuardMetric::kLatency) + 2), "latency_p99");
  EXPECT_EQ(NameOfSeries(FirstSeriesOf(GuardMetric::kFirstToken)), "first_token_p50");
  EXPECT_EQ(NameOfSeries(kRolloutSeries - 1), "cost_p99");
}

TEST(Rollout, BeginsWithNothingKnown) {
  const Rollout rollout;
  EXPECT_EQ(rollout.log_e_peak, -HUGE_VAL);
  EXPECT_EQ(rollout.share(), BasisPoints());
  EXPECT_EQ(FrozenThresholds().latency_ms[2], HUGE_VAL);
  EXPECT_EQ(FrozenThresholds().cost_nano_usd[0], HUGE_VAL);
  EXPECT_EQ(RolloutEpoch().judged_requests[9], 1u);
  EXPECT_FALSE(HasEnded(RolloutPhase::kRunning));
  EXPECT_FALSE(HasEnded(RolloutPhase::kPaused));
  EXPECT_TRUE(HasEnded(RolloutPhase::kPromoted));
  EXPECT_TRUE(HasEnded(RolloutPhase::kAborted));
}

TEST(RolloutMark, IsThePresentEpochs) {
  Rollout rollout;
  rollout.id = RolloutId("r1");
  rollout.plan.unit = SplitUnit::kUser;
  rollout.epochs.resize(3);
  rollout.epochs[2].thresholds.latency_ms[0] = 7;
  rollout.epochs[2].share = Points(500);
  const RolloutMark mark = MarkOf(rollout);
  EXPECT_EQ(mark.id, rollout.id);
  EXPECT_EQ(mark.epoch, 2u);
  EXPECT_EQ(mark.unit, SplitUnit::kUser);
  EXPECT_EQ(mark.thresholds.latency_ms[0], 7);
  EXPECT_EQ(rollout.share(), Points(500));
}

}  // namespace
}  // namespace podium
