// A guard that cannot find anything must say so, before the start and while a step runs.
#include "rollout/power.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "rollout/verdict.h"

namespace podium::rollout {
namespace {

using testing::HasSubstr;

PowerPlan StickyRamp(double keys, double hit_share) {
  PowerPlan plan{.candidate = "canary-7", .series = "error rate", .sticky = true};
  for (const int points : {100, 500, 2500, 5000}) {
    plan.shares.push_back(*BasisPoints::From(points));
  }
  plan.epochs = 4;
  plan.units = keys;
  plan.rate_before = hit_share;
  plan.null_ratio = 1;
  return plan;
}

// statistics_sticky.md, "When nothing can be found": the row of a doubling, four epochs.
TEST(PowerBeforeStart, NeedsWhatTheTableSays) {
  const std::vector<StepPower> steps = PowerBeforeStart(StickyRamp(2'000, 0.2));
  ASSERT_EQ(steps.size(), 4U);
  const double want[] = {1'742, 382, 122, 116};
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_NEAR(steps[i].needed, want[i], 1) << i;
    EXPECT_EQ(steps[i].attainable, 400);
    EXPECT_EQ(steps[i].ratio_of_interest, 2);
    EXPECT_EQ(steps[i].no_power, want[i] > 400);
    EXPECT_EQ(steps[i].sentence.empty(), !steps[i].no_power);
  }
}

TEST(PowerBeforeStart, SaysWhatToDoInstead) {
  const std::vector<StepPower> steps = PowerBeforeStart(StickyRamp(500, 0.08));
  for (const StepPower& step : steps) EXPECT_TRUE(step.no_power);
  EXPECT_EQ(steps[1].sentence,
            "No power: canary-7, error rate, 5 % step: 40 keys can show a failure, a ratio of 2 "
            "needs about 382. The guard cannot judge this step by itself. Use unit=request, paired "
            "shadow traffic, or a larger share.");
  PowerPlan requests = StickyRamp(1'000, 0.01);
  requests.sticky = false;
  requests.candidate = "";
  EXPECT_THAT(PowerBeforeStart(requests)[0].sentence, HasSubstr("the candidate, error rate"));
  EXPECT_THAT(PowerBeforeStart(requests)[0].sentence, HasSubstr("a longer step"));
  requests.shares = {BasisPoints()};  // Nobody in it: nothing can be seen, however long.
  EXPECT_THAT(PowerBeforeStart(requests)[0].sentence, HasSubstr("more than any"));
}

// With the default r0 = 1.1 a doubling is harder to prove, so that a plan at its limit has none.
TEST(PowerBeforeStart, ATolerantLimitNeedsMore) {
  PowerPlan strict = StickyRamp(2'000, 0.2);
  PowerPlan tolerant = strict;
  tolerant.null_ratio = 1.1;
  EXPECT_GT(PowerBeforeStart(tolerant)[1].needed, PowerBeforeStart(strict)[1].needed);
  PowerPlan shared = strict;
  shared.weight = 0.5;  // One of two metrics.
  EXPECT_GT(PowerBeforeStart(shared)[1].needed, PowerBeforeStart(strict)[1].needed);
}

TEST(UnhitKeysLeft, AreThoseOfTheRestOfTheEpoch) {
  EXPECT_EQ(UnhitKeysLeft(1'000, 200, 0.25), 200);
  EXPECT_EQ(UnhitKeysLeft(1'000, 0, 1), 1'000);
  EXPECT_EQ(UnhitKeysLeft(1'000, 1'200, 0.5), 0);  // More were hit than were expected at all.
  EXPECT_EQ(UnhitKeysLeft(1'000, 0, -0.1), 0);     // The epoch lasts longer than planned.
  EXPECT_EQ(UnhitKeysLeft(1'000, 0, 1.5), 1'000);
}

// What an epoch that is over almost proved does not give the present one more power: the two are
// never multiplied.
TEST(NoPowerLeft, IsJudgedByThePresentEpoch) {
  Evidence evidence;
  evidence.unit = RolloutUnit::kSticky;
  evidence.declared_steps = 2;
  evidence.units_left = 10;
  const StepUnits units{.share = *BasisPoints::From(500),
                        .label_probability = 0.05,
                        .canary_units = 100,
                        .units = 2'000};
  evidence.steps = {units, units};
  StepEvents almost;
  almost.canary_events = 14;
  almost.events = 100;
  StepEvents quiet;
  quiet.canary_events = 2;
  quiet.events = 40;
  evidence.metrics = {{.name = "error rate", .series = {{.name = "errors", .steps = {}}}}};
  evidence.metrics[0].series[0].steps = {almost, quiet};
  const Result<Verdict> verdict = Judge(evidence);
  ASSERT_TRUE(verdict);
  const Finding& finding = verdict->findings[0];
  EXPECT_EQ(finding.step, 0U);
  EXPECT_LT(finding.log_e_alarm, finding.alarm_needs);
  EXPECT_GT(finding.log_e_alarm, finding.alarm_needs - 2);  // Ten keys would be enough there.
  EXPECT_EQ(verdict->decision, Decision::kNoPowerLeft);
}

}  // namespace
}  // namespace podium::rollout
