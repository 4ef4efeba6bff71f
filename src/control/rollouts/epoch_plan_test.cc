#include "control/rollouts/epoch_plan.h"

#include <gtest/gtest.h>

#include <cmath>

#include "control/rollouts/rollout_rows_fixture.h"

namespace podium::control {
namespace {

RolloutGuard GuardOn(GuardMetric metric) {
  RolloutGuard guard;
  guard.metric = metric;
  return guard;
}

TEST(EpochPlan, CutsABakeTimeIntoParts) {
  struct Case {
    const char* name;
    SplitUnit unit;
    std::chrono::seconds bake;
    std::uint32_t want;
  };
  using std::chrono::hours;
  using std::chrono::minutes;
  const Case cases[] = {
      {"none", SplitUnit::kSession, minutes(0), 1},
      {"a part is at least five minutes", SplitUnit::kSession, minutes(9), 1},
      {"two of them", SplitUnit::kSession, minutes(10), 2},
      {"eight", SplitUnit::kSession, minutes(40), 8},
      {"eight, longer", SplitUnit::kRoute, hours(8), 8},
      {"one an hour", SplitUnit::kUser, hours(30), 30},
      {"no more than fit into one rollout", SplitUnit::kUser, hours(2000), 1024 / 3 - 1},
      {"requests are coins by themselves", SplitUnit::kRequest, hours(30), 1},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    RolloutRows rows(c.unit);
    rows.plan().steps[1].bake = c.bake;
    EXPECT_EQ(PartsOfStep(rows.plan(), 1), c.want);
    EXPECT_EQ(PartsOfStep(rows.plan(), 0), 1u);
  }
}

// What shares alpha has to be known before the first outcome, whatever becomes of the rollout.
TEST(EpochPlan, DeclaresItsEpochsAtTheStart) {
  RolloutRows rows(SplitUnit::kSession);
  rows.plan().steps[0].bake = std::chrono::minutes(40);
  EXPECT_EQ(DeclaredEpochs(rows.rollout()), 10);
  rows.Begin(NextPart(rows.rollout(), {}, KnownPrimary()), std::chrono::minutes(5));
  EXPECT_EQ(DeclaredEpochs(rows.rollout()), 10);
}

TEST(EpochPlan, DeclaresOneMoreAStepWhereThresholdsAreStillToBeFound) {
  RolloutRows rows;
  rows.plan().guards.push_back(GuardOn(GuardMetric::kFirstToken));
  EXPECT_EQ(DeclaredEpochs(rows.rollout()), 6);
  EXPECT_EQ(FirstEpoch(rows.plan(), KnownPrimary()).in_step, 2u);
}

// A person may begin more epochs than were declared: the alarm must not fall silent there.
TEST(EpochPlan, DeclaresNoFewerThanThereAre) {
  RolloutRows rows;
  for (int i = 0; i < 4; ++i) rows.Begin(rows.epoch(), std::chrono::minutes(i));
  EXPECT_EQ(DeclaredEpochs(rows.rollout()), 5);
}

TEST(EpochPlan, FreezesWhatIsKnownAtTheStart) {
  const RolloutEpoch first = FirstEpoch(RolloutRows().plan(), KnownPrimary());
  EXPECT_EQ(first.share, Share(500));
  EXPECT_EQ(first.thresholds.latency_ms[2], 30);
  EXPECT_EQ(first.units_before, 10'000u);
  EXPECT_EQ(first.bad_before[2], 1'000u);
  EXPECT_EQ(first.judged_requests[0], 1u);
  EXPECT_FALSE(IsKnown(first.thresholds, GuardMetric::kCost));
  EXPECT_TRUE(IsKnown(first.thresholds, GuardMetric::kErrorRate));
}

// Quantiles of a handful of outcomes are none.
TEST(EpochPlan, TakesNoThresholdsFromTooFewOutcomes) {
  EpochBaseline few = KnownPrimary();
  few.units = kLeastBefore - 1;
  EXPECT_FALSE(IsKnown(FirstEpoch(RolloutRows().plan(), few).thresholds, GuardMetric::kLatency));
  few.units = kLeastBefore;
  EXPECT_TRUE(IsKnown(FirstEpoch(RolloutRows().plan(), few).thresholds, GuardMetric::kLatency));
}

TEST(EpochPlan, ANewStepTakesTheRatesOfAllReplicasAndFreshThresholds) {
  RolloutRows rows;
  EpochCounts present;
  present.primary.requests = 200;
  present.primary.bad = {4, 120, 40, 8};
  EpochBaseline later = KnownPrimary();
  later.thresholds.latency_ms = {11, 22, 33};
  const RolloutEpoch next = NextEpoch(rows.rollout(), 1, Share(2'500), present, later);
  EXPECT_EQ(next.step, 1u);
  EXPECT_EQ(next.of_step, 1u);
  EXPECT_EQ(next.share, Share(2'500));
  EXPECT_EQ(next.thresholds.latency_ms[0], 11);
  EXPECT_EQ(next.units_before, 200u);
  EXPECT_EQ(next.bad_before[0], 4u);
  EXPECT_EQ(next.bad_before[1], 100u);  // Half of all exceed the new median.
}

TEST(EpochPlan, ANewStepKeepsWhatABaselineWithoutFiguresLacks) {
  RolloutRows rows;
  EpochCounts present;
  present.primary.requests = kLeastBefore - 1;
  const RolloutEpoch next = NextEpoch(rows.rollout(), 1, Share(2'500), present, {});
  EXPECT_EQ(next.thresholds.latency_ms[0], 10);
  EXPECT_EQ(next.units_before, 10'000u);
  EXPECT_EQ(next.bad_before[0], 100u);
}

// A second try at the same step must not find alpha of its own.
TEST(EpochPlan, AStepThatWasThereBeforeGoesOnCounting) {
  RolloutRows rows(SplitUnit::kSession);
  rows.Begin(NextEpoch(rows.rollout(), 1, Share(2'500), {}, {}), std::chrono::minutes(1));
  const RolloutEpoch again = NextEpoch(rows.rollout(), 0, Share(500), {}, {});
  EXPECT_EQ(again.of_step, 2u);
  EXPECT_EQ(again.in_step, 1u);
}

TEST(EpochPlan, JudgesAsManyRequestsAsThePrimarysKeysAllow) {
  RolloutRows rows(SplitUnit::kSession);
  rows.Count(false, 1'000, 0).Hit(false, 0, 100, "a", 1, 3);
  const EpochCounts present = MergeCounts(rows.rows()).back();
  const RolloutEpoch next = NextEpoch(rows.rollout(), 1, Share(2'500), present, KnownPrimary());
  EXPECT_EQ(next.judged_requests[0], 32u);
  EXPECT_NEAR(next.repeat_share[0], 1.0 / 101, 1e-12);
  EXPECT_EQ(next.judged_requests[1], 1u);  // No key was hit there.
}

// How many keys were judged in full and not hit is known of first requests only.
TEST(EpochPlan, AnAbsoluteLimitJudgesFirstRequests) {
  RolloutRows rows(SplitUnit::kSession);
  rows.plan().guards[0].at_most = 0.5;
  rows.Count(false, 1'000, 0).Hit(false, 0, 100, "a", 1, 3);
  const EpochCounts present = MergeCounts(rows.rows()).back();
  EXPECT_EQ(NextPart(rows.rollout(), present, KnownPrimary()).judged_requests[0], 1u);
}

TEST(EpochPlan, APartEndsByTheClockAndTheLastStaysOpen) {
  RolloutRows rows(SplitUnit::kSession);
  rows.plan().steps[0].bake = std::chrono::minutes(40);
  rows.epoch().in_step = 8;
  EXPECT_FALSE(PartIsOver(rows.rollout(), kRolloutStart + std::chrono::seconds(299)));
  EXPECT_TRUE(PartIsOver(rows.rollout(), kRolloutStart + std::chrono::seconds(300)));
  rows.epoch().of_step = 8;
  EXPECT_FALSE(PartIsOver(rows.rollout(), kRolloutStart + std::chrono::hours(30)));
}

TEST(EpochPlan, APartKeepsTheThresholdsOfItsStep) {
  RolloutRows rows(SplitUnit::kSession);
  EpochBaseline later = KnownPrimary();
  later.thresholds.latency_ms = {11, 22, 33};
  later.thresholds.cost_nano_usd = {1, 2, 3};
  const RolloutEpoch next = NextPart(rows.rollout(), {}, later);
  EXPECT_EQ(next.of_step, 2u);
  EXPECT_EQ(next.thresholds.latency_ms[0], 10);
  EXPECT_EQ(next.thresholds.cost_nano_usd[0], 1);
}

TEST(EpochPlan, SaysWhatCanStillBeMeasuredInThisStep) {
  RolloutRows rows;
  rows.plan().guards.push_back(GuardOn(GuardMetric::kCost));
  EpochBaseline later = KnownPrimary();
  later.thresholds.cost_nano_usd = {1, 2, 3};
  EXPECT_FALSE(CanMeasureMore(rows.rollout(), later));  // One epoch is all that was declared.
  rows.epoch().in_step = 2;
  EXPECT_TRUE(CanMeasureMore(rows.rollout(), later));
  EXPECT_FALSE(CanMeasureMore(rows.rollout(), KnownPrimary()));
  rows.epoch().thresholds.cost_nano_usd = {1, 2, 3};
  EXPECT_FALSE(CanMeasureMore(rows.rollout(), later));
}

TEST(EpochPlan, FindsStepsByShare) {
  RolloutRows rows;
  EXPECT_EQ(StepAbove(rows.rollout()), 1u);
  rows.epoch().share = Share(5'000);
  EXPECT_EQ(StepAbove(rows.rollout()), std::nullopt);
  EXPECT_EQ(StepOfShare(rows.plan(), Share(100)), 0u);
  EXPECT_EQ(StepOfShare(rows.plan(), Share(2'499)), 0u);
  EXPECT_EQ(StepOfShare(rows.plan(), Share(2'500)), 1u);
  EXPECT_EQ(StepOfShare(rows.plan(), Share(10'000)), 2u);
}

}  // namespace
}  // namespace podium::control
