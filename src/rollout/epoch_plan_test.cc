#include "rollout/epoch_plan.h"

#include <gtest/gtest.h>

#include <chrono>

namespace podium::rollout {
namespace {

constexpr WallTime kStart{std::chrono::seconds(1'773'064'800)};

BasisPoints Share(int value) { return *BasisPoints::From(value); }

// A primary with 1 % errors and these latencies.
EpochBaseline KnownPrimary() {
  EpochBaseline baseline;
  baseline.units = 10'000;
  baseline.bad = {100, 5'000, 1'000, 100};
  baseline.thresholds.latency_ms = {10, 20, 30};
  return baseline;
}

// So many of the primary's keys failed, each once.
PrimaryCounts FailedKeys(std::size_t keys) {
  PrimaryCounts counts;
  counts.keys[0].assign(keys, {.first_rank = 0, .second_rank = kNoRank, .bad = 1});
  return counts;
}

// A rollout at the first step of 5, 25 and 50 %, guarded by its error rate alone.
class Running {
 public:
  explicit Running(SplitUnit unit = SplitUnit::kRequest) {
    rollout_.plan = DefaultPlan();
    rollout_.plan.unit = unit;
    rollout_.plan.steps.clear();
    for (const int share : {500, 2'500, 5'000}) {
      rollout_.plan.steps.emplace_back().share = Share(share);
    }
    rollout_.plan.guards.resize(1);
    Begin(FirstEpoch(rollout_.plan, KnownPrimary()), std::chrono::seconds(0));
  }
  Rollout& rollout() { return rollout_; }
  RolloutPlan& plan() { return rollout_.plan; }
  RolloutEpoch& epoch() { return rollout_.epochs.back(); }
  void Begin(RolloutEpoch epoch, std::chrono::seconds at) {
    epoch.began_at = kStart + at;
    rollout_.step = epoch.step;
    rollout_.epochs.push_back(epoch);
  }

 private:
  Rollout rollout_;
};

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
    Running rows(c.unit);
    rows.plan().steps[1].bake = c.bake;
    EXPECT_EQ(PartsOfStep(rows.plan(), 1), c.want);
    EXPECT_EQ(PartsOfStep(rows.plan(), 0), 1u);
  }
}

// What shares alpha has to be known before the first outcome, whatever becomes of the rollout.
TEST(EpochPlan, DeclaresItsEpochsAtTheStart) {
  Running rows(SplitUnit::kSession);
  rows.plan().steps[0].bake = std::chrono::minutes(40);
  EXPECT_EQ(DeclaredEpochs(rows.rollout()), 10);
  rows.Begin(NextPart(rows.rollout(), {}, KnownPrimary()), std::chrono::minutes(5));
  EXPECT_EQ(DeclaredEpochs(rows.rollout()), 10);
}

TEST(EpochPlan, DeclaresOneMoreAStepWhereThresholdsAreStillToBeFound) {
  Running rows;
  rows.plan().guards.push_back(GuardOn(GuardMetric::kFirstToken));
  EXPECT_EQ(DeclaredEpochs(rows.rollout()), 6);
  EXPECT_EQ(FirstEpoch(rows.plan(), KnownPrimary()).in_step, 2u);
}

// A person may begin more epochs than were declared: the alarm must not fall silent there.
TEST(EpochPlan, DeclaresNoFewerThanThereAre) {
  Running rows;
  for (int i = 0; i < 4; ++i) rows.Begin(rows.epoch(), std::chrono::minutes(i));
  EXPECT_EQ(DeclaredEpochs(rows.rollout()), 5);
}

// By its shares the rule begins epochs as it likes: nobody can declare how many.
TEST(EpochPlan, ByTheThompsonRuleTheNumberOfEpochsIsNeverKnown) {
  Running rows;
  rows.plan().rule = RolloutRule::kThompson;
  EXPECT_EQ(DeclaredEpochs(rows.rollout()), 0);
  for (int i = 0; i < 40; ++i) rows.Begin(rows.epoch(), std::chrono::minutes(i));
  EXPECT_EQ(DeclaredEpochs(rows.rollout()), 0);
}

TEST(EpochPlan, FreezesWhatIsKnownAtTheStart) {
  const RolloutEpoch first = FirstEpoch(Running().plan(), KnownPrimary());
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
  EXPECT_FALSE(IsKnown(FirstEpoch(Running().plan(), few).thresholds, GuardMetric::kLatency));
  few.units = kLeastBefore;
  EXPECT_TRUE(IsKnown(FirstEpoch(Running().plan(), few).thresholds, GuardMetric::kLatency));
}

TEST(EpochPlan, ANewStepTakesTheRatesOfAllReplicasAndFreshThresholds) {
  Running rows;
  PrimaryCounts present;
  present.requests = 200;
  present.bad = {4, 120, 40, 8};
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
  Running rows;
  PrimaryCounts present;
  present.requests = kLeastBefore - 1;
  const RolloutEpoch next = NextEpoch(rows.rollout(), 1, Share(2'500), present, {});
  EXPECT_EQ(next.thresholds.latency_ms[0], 10);
  EXPECT_EQ(next.units_before, 10'000u);
  EXPECT_EQ(next.bad_before[0], 100u);
}

// A second try at the same step must not find alpha of its own.
TEST(EpochPlan, AStepThatWasThereBeforeGoesOnCounting) {
  Running rows(SplitUnit::kSession);
  rows.Begin(NextEpoch(rows.rollout(), 1, Share(2'500), {}, {}), std::chrono::minutes(1));
  const RolloutEpoch again = NextEpoch(rows.rollout(), 0, Share(500), {}, {});
  EXPECT_EQ(again.of_step, 2u);
  EXPECT_EQ(again.in_step, 1u);
}

TEST(EpochPlan, JudgesAsManyRequestsAsThePrimarysKeysAllow) {
  Running rows(SplitUnit::kSession);
  const PrimaryCounts present = FailedKeys(100);
  const RolloutEpoch next = NextEpoch(rows.rollout(), 1, Share(2'500), present, KnownPrimary());
  EXPECT_EQ(next.judged_requests[0], 32u);
  EXPECT_NEAR(next.repeat_share[0], 1.0 / 101, 1e-12);
  EXPECT_EQ(next.judged_requests[1], 1u);  // No key was hit there.
}

// How many keys were judged in full and not hit is known of first requests only.
TEST(EpochPlan, AnAbsoluteLimitJudgesFirstRequests) {
  Running rows(SplitUnit::kSession);
  rows.plan().guards[0].at_most = 0.5;
  const PrimaryCounts present = FailedKeys(100);
  EXPECT_EQ(NextPart(rows.rollout(), present, KnownPrimary()).judged_requests[0], 1u);
}

TEST(EpochPlan, APartEndsByTheClockAndTheLastStaysOpen) {
  Running rows(SplitUnit::kSession);
  rows.plan().steps[0].bake = std::chrono::minutes(40);
  rows.epoch().in_step = 8;
  EXPECT_FALSE(PartIsOver(rows.rollout(), kStart + std::chrono::seconds(299)));
  EXPECT_TRUE(PartIsOver(rows.rollout(), kStart + std::chrono::seconds(300)));
  rows.epoch().of_step = 8;
  EXPECT_FALSE(PartIsOver(rows.rollout(), kStart + std::chrono::hours(30)));
}

TEST(EpochPlan, APartKeepsTheThresholdsOfItsStep) {
  Running rows(SplitUnit::kSession);
  EpochBaseline later = KnownPrimary();
  later.thresholds.latency_ms = {11, 22, 33};
  later.thresholds.cost_nano_usd = {1, 2, 3};
  const RolloutEpoch next = NextPart(rows.rollout(), {}, later);
  EXPECT_EQ(next.of_step, 2u);
  EXPECT_EQ(next.thresholds.latency_ms[0], 10);
  EXPECT_EQ(next.thresholds.cost_nano_usd[0], 1);
}

TEST(EpochPlan, SaysWhatCanStillBeMeasuredInThisStep) {
  Running rows;
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
  Running rows;
  EXPECT_EQ(StepAbove(rows.rollout()), 1u);
  rows.epoch().share = Share(5'000);
  EXPECT_EQ(StepAbove(rows.rollout()), std::nullopt);
  EXPECT_EQ(StepOfShare(rows.plan(), Share(100)), 0u);
  EXPECT_EQ(StepOfShare(rows.plan(), Share(2'499)), 0u);
  EXPECT_EQ(StepOfShare(rows.plan(), Share(2'500)), 1u);
  EXPECT_EQ(StepOfShare(rows.plan(), Share(10'000)), 2u);
}

}  // namespace
}  // namespace podium::rollout
