#include "control/rollouts/evidence_assembly.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "control/rollouts/rollout_rows_fixture.h"

namespace podium::control {
namespace {

constexpr double kNever = -std::numeric_limits<double>::infinity();

RolloutGuard LatencyGuard() {
  RolloutGuard guard;
  guard.metric = GuardMetric::kLatency;
  return guard;
}

const rollout::StepEvents& Last(const rollout::Evidence& evidence, std::size_t series = 0) {
  return evidence.metrics[0].series[series].steps.back();
}

TEST(EvidenceAssembly, CountsRequestsOfAllReplicas) {
  RolloutRows rows;
  rows.Count(true, 100, 5, "a").Count(true, 50, 1, "b").Count(false, 1'900, 20, "b");
  const RolloutLook look = rows.Look();
  ASSERT_TRUE(look.fault) << Describe(look.fault.error());
  EXPECT_EQ(look.evidence.unit, rollout::RolloutUnit::kRequest);
  EXPECT_EQ(look.evidence.steps.back().canary_units, 150u);
  EXPECT_EQ(look.evidence.steps.back().units, 2'050u);
  EXPECT_EQ(look.evidence.steps.back().label_probability, 0.05);
  EXPECT_EQ(Last(look.evidence).canary_events, 6u);
  EXPECT_EQ(Last(look.evidence).events, 26u);
  EXPECT_EQ(look.evidence.declared_steps, 3);
}

TEST(EvidenceAssembly, CountsKeysOnce) {
  RolloutRows rows(SplitUnit::kSession);
  rows.epoch().judged_requests[0] = 4;
  rows.epoch().repeat_share[0] = 0.05;
  rows.Count(true, 50, 0, "a").Count(false, 950, 0, "a");
  rows.Hit(true, 0, 3, "a", 2, 16).Hit(false, 100, 10, "a", 1, 16);
  const RolloutLook look = rows.Look();
  ASSERT_TRUE(look.fault) << Describe(look.fault.error());
  EXPECT_EQ(look.evidence.unit, rollout::RolloutUnit::kSticky);
  const rollout::StepEvents& events = Last(look.evidence);
  EXPECT_EQ(events.canary_events, 3u);
  EXPECT_EQ(events.events, 13u);
  EXPECT_EQ(events.canary_early, 3u);
  EXPECT_EQ(events.closed.canary[1], 3u);
  EXPECT_EQ(events.closed.active[0], 10u);
  EXPECT_EQ(events.judged, (rollout::JudgedLimit{4, 0.05}));
}

// Three replicas that see every key would triple the weight of each coin in the test of the split.
TEST(EvidenceAssembly, AKeyThatEveryReplicaSeesWeighsOne) {
  RolloutRows rows(SplitUnit::kSession);
  for (const char* replica : {"a", "b", "c"}) {
    rows.Count(true, 52, 0, replica).Count(false, 948, 0, replica);
  }
  const RolloutLook look = rows.Look();
  EXPECT_EQ(look.evidence.steps.back().canary_units, 52u);
  EXPECT_EQ(look.evidence.steps.back().units, 1'000u);
}

// The absolute test must not take keys for good whose outcome is not known.
TEST(EvidenceAssembly, SaysHowManyKeysWereJudged) {
  struct Case {
    const char* name;
    std::uint32_t judged;
    std::uint64_t outcomes;
    std::uint64_t want;
  };
  const Case cases[] = {
      {"first requests", 1, 400, 300},
      {"those that hang have no outcome", 1, 20, 20},
      {"of more requests it is not known", 4, 400, 2},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    RolloutRows rows(SplitUnit::kSession);
    rows.plan().guards[0].at_most = 0.5;
    rows.epoch().judged_requests[0] = c.judged;
    rows.Count(true, 300, 0).Count(false, 5'000, 0).Hit(true, 0, 2);
    rows.rows().counts[0].requests = c.outcomes;
    const RolloutLook look = rows.Look();
    ASSERT_TRUE(look.fault) << Describe(look.fault.error());
    EXPECT_EQ(Last(look.evidence).canary_judged, c.want);
    EXPECT_EQ(look.evidence.metrics[0].series[0].absolute_limit, 0.005);
  }
}

// What is above the p90 in less than a tenth of its requests has a lower p90, whatever the ratio.
TEST(EvidenceAssembly, WhatAQuantileMeansIsNoHarm) {
  for (const SplitUnit unit : {SplitUnit::kRequest, SplitUnit::kSession}) {
    RolloutRows rows(unit);
    rows.plan().guards.push_back(LatencyGuard());
    rows.epoch().thresholds = FrozenThresholds();
    const rollout::Evidence evidence = rows.Look().evidence;
    EXPECT_EQ(evidence.metrics[0].series[0].harmless_rate, std::nullopt);
    const std::vector<rollout::Series>& times = evidence.metrics[1].series;
    ASSERT_EQ(times.size(), 3u);
    const double rates[] = {0.5, 0.1, 0.01};
    for (std::size_t i = 0; i < 3; ++i) {
      const auto want = unit == SplitUnit::kRequest ? std::optional(rates[i]) : std::nullopt;
      EXPECT_EQ(times[i].harmless_rate, want);
      EXPECT_EQ(times[i].absolute_limit, want);
    }
  }
}

// Cells are read one by one while calls are counted: what is ahead must not look like a fault.
TEST(EvidenceAssembly, ToleratesOutcomesAheadOfTheirUnits) {
  RolloutRows rows;
  rows.Count(true, 3, 4).Count(false, 100, 0);
  const RolloutLook look = rows.Look();
  EXPECT_TRUE(look.fault);
  EXPECT_EQ(look.evidence.steps.back().canary_units, 4u);
}

TEST(EvidenceAssembly, CompilesLimitsFromWhatWasFrozen) {
  RolloutRows rows;
  rows.plan().guards[0].points = 1;
  rows.Begin(rows.epoch(), std::chrono::minutes(10));
  rows.epoch().bad_before[0] = 200;
  const rollout::Evidence evidence = rows.Look().evidence;
  const rollout::Series& errors = evidence.metrics[0].series[0];
  EXPECT_NEAR(errors.steps[0].null_ratio, 1.995, 1e-3);  // One point above 1 %.
  EXPECT_NEAR(errors.steps[1].null_ratio, 1.4988, 1e-3);
  EXPECT_NEAR(errors.rate_before, 0.02, 1e-4);
}

TEST(EvidenceAssembly, TheMarginFollowsTheShareAboutToBeGranted) {
  struct Case {
    const char* name;
    int share;
    double alpha;
    std::optional<double> own;
    double want;
    int next;
  };
  const Case cases[] = {
      {"to 25 %", 500, 0.05, std::nullopt, 2, 2'500},
      {"to 50 %", 2'500, 0.05, std::nullopt, 1.5, 5'000},
      {"to everybody", 5'000, 0.05, std::nullopt, 1.5, 10'000},
      {"strict", 2'500, 0.01, std::nullopt, 1.25, 5'000},
      {"the plan's", 500, 0.05, 4, 4, 2'500},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    RolloutRows rows;
    rows.epoch().share = Share(c.share);
    rows.plan().alpha = c.alpha;
    rows.plan().margin = c.own;
    const rollout::Evidence evidence = rows.Look().evidence;
    EXPECT_EQ(evidence.margin, c.want);
    EXPECT_EQ(evidence.next_share, Share(c.next));
    EXPECT_EQ(evidence.alpha_promote, c.alpha);
  }
}

TEST(EvidenceAssembly, LaterAttemptsSpendLess) {
  RolloutRows rows;
  rows.rollout().attempt = 3;
  EXPECT_EQ(rows.Look().evidence.attempt, 3);
}

// What the alarm has once reached stays so, whoever drives by then.
TEST(EvidenceAssembly, KeepsThePeakOfRequests) {
  RolloutRows rows;
  rows.rollout().log_e_peak = 2;
  EXPECT_EQ(LookAt(rows.rows(), KnownPrimary(), kNever).evidence.log_e_peak, 2);
  EXPECT_EQ(LookAt(rows.rows(), KnownPrimary(), 3).verdict.log_e_rollback, 3);
  RolloutRows keys(SplitUnit::kSession);
  keys.rollout().log_e_peak = 2;
  EXPECT_EQ(LookAt(keys.rows(), KnownPrimary(), 3).evidence.log_e_peak, kNever);
}

TEST(EvidenceAssembly, ExpectsWhatTheRateSoFarPromises) {
  RolloutRows rows;
  rows.Count(false, 1'800, 0).After(std::chrono::minutes(30));
  EXPECT_NEAR(*rows.Look().evidence.units_left, 5'400, 1e-6);  // Ninety minutes at one a second.
  rows.After(std::chrono::seconds(59));
  EXPECT_FALSE(rows.Look().evidence.units_left);
  rows.After(std::chrono::hours(2));
  EXPECT_FALSE(rows.Look().evidence.units_left);  // Behind its deadline nobody knows.
  rows.plan().steps[0].deadline = std::chrono::hours(3);
  EXPECT_NEAR(*rows.Look().evidence.units_left, 900, 1e-6);
}

TEST(EvidenceAssembly, ExpectsKeysThatAreNotHitYet) {
  RolloutRows rows(SplitUnit::kSession);
  rows.Count(false, 1'800, 0).Hit(false, 0, 300).After(std::chrono::minutes(30));
  EXPECT_NEAR(*rows.Look().evidence.units_left, 1'500 + 5'400, 1e-6);
}

// A guard that can be measured must be passed; one that nobody on this route can measure must not
// hold a rollout up for ever; and nobody goes up on nothing.
TEST(EvidenceAssembly, AnUnmeasuredMetricHoldsOnlyWhileItHasAChance) {
  struct Case {
    const char* name;
    bool frozen;
    bool known_now;
    std::uint32_t in_step;
    bool guards;
  };
  const Case cases[] = {
      {"measured", true, true, 1, true},
      {"measured, and forgotten since by this replica", true, false, 1, true},
      {"known by now, and a part is left for it", false, true, 2, true},
      {"known by now, too late for this step", false, true, 1, false},
      {"not known to anybody", false, false, 2, false},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    RolloutRows rows;
    rows.plan().guards.push_back(LatencyGuard());
    rows.epoch().in_step = c.in_step;
    if (!c.frozen) rows.epoch().thresholds = FrozenThresholds();
    const RolloutLook look = rows.Look(c.known_now ? KnownPrimary() : rollout::EpochBaseline());
    EXPECT_EQ(look.evidence.metrics[1].guards_promotion, c.guards);
    EXPECT_TRUE(look.evidence.metrics[0].guards_promotion);
    EXPECT_EQ(look.evidence.metrics[1].series.size(), 3u);  // Its weight stays what it was.
    EXPECT_EQ(look.sentence.find("Not measured") != std::string::npos, !c.frozen);
  }
}

TEST(EvidenceAssembly, WithNothingMeasuredNothingGoesUp) {
  RolloutRows rows;
  rows.plan().guards = {LatencyGuard()};
  rows.epoch().thresholds = FrozenThresholds();
  rows.Count(true, 5'000, 0).Count(false, 95'000, 0);
  EXPECT_EQ(rows.Look(rollout::EpochBaseline()).verdict.decision, rollout::Decision::kHold);
}

// What is stored with a decision is computed again by others: nothing may be added to the verdict.
TEST(EvidenceAssembly, TheVerdictIsTheOneOfTheEvidence) {
  RolloutRows rows;
  rows.plan().guards.push_back(LatencyGuard());
  rows.epoch().thresholds = FrozenThresholds();
  const RolloutLook look = rows.Look();
  EXPECT_EQ(rollout::Judge(look.evidence)->sentence, look.verdict.sentence);
}

TEST(EvidenceAssembly, AFaultIsHold) {
  RolloutRows rows;
  rows.plan().guards[0].weight = 0;
  const RolloutLook look = rows.Look();
  EXPECT_FALSE(look.fault);
  EXPECT_EQ(look.verdict.decision, rollout::Decision::kHold);
  EXPECT_NE(look.sentence.find("a weight is above 0"), std::string::npos);
}

// What weighs the starts of the alarm may not change with the shares that the rule chooses: one
// that has begun without any outcome says nothing, so nothing changes.
TEST(EvidenceAssembly, AFurtherShareOfTheThompsonRuleProvesNothing) {
  RolloutRows rows;
  rows.plan().rule = RolloutRule::kThompson;
  const int bad[] = {12, 3, 18, 2, 9, 7};
  for (int i = 0; i < 6; ++i) {
    rows.Count(true, 500, static_cast<std::uint64_t>(bad[i])).Count(false, 9'500, 95);
    const RolloutLook before = rows.Look();
    ASSERT_TRUE(before.fault) << Describe(before.fault.error());
    rows.Begin(rows.epoch(), std::chrono::minutes(i + 1));
    const RolloutLook after = rows.Look();
    ASSERT_TRUE(after.fault) << Describe(after.fault.error());
    EXPECT_NEAR(after.verdict.findings[0].log_e_alarm, before.verdict.findings[0].log_e_alarm, 1e-9)
        << "epoch " << i;
    const auto stored = rollout::ParseEvidence(rollout::ToJson(after.evidence));
    ASSERT_TRUE(stored) << Describe(stored.error());
    EXPECT_EQ(rollout::Judge(*stored)->log_e_rollback, after.verdict.log_e_rollback);
  }
}

// --- Custom metrics ---

RolloutRows WithRefunds(SplitUnit unit, std::uint64_t canary_bad, std::uint64_t primary_bad) {
  RolloutRows rows(unit);
  RolloutGuard guard;
  guard.metric = GuardMetric::kCustom;
  guard.name = "refunded";
  guard.bad_above = 0;
  rows.plan().guards.push_back(guard);
  rows.Count(true, 500, 5).Count(false, 9'500, 95);
  rows.Hit(true, 0, canary_bad, "reports").Hit(false, 10'000, primary_bad, "reports");
  for (store::RolloutHit& hit : rows.rows().hits) hit.series = kRolloutSeries;
  return rows;
}

// What callers report is judged as an error is: by whose requests were bad, at the share of the
// epoch in which they were assigned.
TEST(Assemble, ACustomMetricRollsBack) {
  const RolloutLook look = WithRefunds(SplitUnit::kRequest, 40, 190).Look();
  ASSERT_TRUE(look.fault) << Describe(look.fault.error());
  ASSERT_EQ(look.evidence.metrics.size(), 2u);
  const rollout::Metric& metric = look.evidence.metrics[1];
  EXPECT_EQ(metric.name, "refunded");
  ASSERT_EQ(metric.series.size(), 1u);
  EXPECT_EQ(metric.series[0].steps[0].canary_events, 40u);
  EXPECT_EQ(metric.series[0].steps[0].events, 230u);
  EXPECT_DOUBLE_EQ(metric.series[0].steps[0].null_ratio, rollout::kDefaultNullRatio);
  EXPECT_EQ(look.verdict.decision, rollout::Decision::kRollBack);
  EXPECT_THAT(look.sentence, ::testing::HasSubstr("refunded: ratio"));
  EXPECT_THAT(look.sentence, ::testing::HasSubstr("Proven by: refunded."));
}

// Reports come from elsewhere than the units, which may be under way yet, or lost with a replica:
// all other guards have to go on.
TEST(Assemble, ReportsAheadOfTheirUnitsAreNoFault) {
  const RolloutLook look = WithRefunds(SplitUnit::kRequest, 501, 9'502).Look();
  ASSERT_TRUE(look.fault) << Describe(look.fault.error());
  EXPECT_EQ(look.evidence.steps[0].canary_units, 500u);
  EXPECT_EQ(look.evidence.steps[0].units, 10'000u);
  EXPECT_EQ(look.verdict.findings[1].canary.units, 501u);
  EXPECT_EQ(look.verdict.findings[1].primary.units, 9'502u);
}

// A candidate whose every answer is reported, a second before its units are sent, or while they
// are a second behind: that is no split gone wrong.
TEST(Assemble, ReportsAheadOfTheirUnitsRollBack) {
  for (const std::uint64_t counted : {0U, 250U, 480U}) {
    RolloutRows rows = WithRefunds(SplitUnit::kRequest, 500, 0);
    rows.epoch().share = Share(5'000);
    rows.rows().counts.clear();
    rows.plan().guards[1].at_most = 2;  // Percent: the candidate's own rate is judged as well.
    rows.Count(true, counted, 0).Count(false, counted, 0);
    const RolloutLook look = rows.Look();
    ASSERT_TRUE(look.fault) << Describe(look.fault.error());
    EXPECT_EQ(look.verdict.decision, rollout::Decision::kRollBack) << look.sentence;
    EXPECT_LT(look.verdict.log_e_sample_ratio, look.verdict.sample_ratio_needs) << counted;
    EXPECT_EQ(look.verdict.findings[1].canary.units, counted == 0 ? 0 : 500u);
    const auto again = rollout::ParseEvidence(rollout::ToJson(look.evidence));
    ASSERT_TRUE(again) << Describe(again.error());
    EXPECT_EQ(rollout::Judge(*again)->sentence, look.verdict.sentence);
  }
}

// `podium rollout verify` computes it again from what is stored, and nothing else.
TEST(Assemble, ACustomMetricIsVerifiedFromItsCounters) {
  const RolloutLook look = WithRefunds(SplitUnit::kRequest, 40, 190).Look();
  const auto again = rollout::ParseEvidence(rollout::ToJson(look.evidence));
  ASSERT_TRUE(again) << Describe(again.error());
  EXPECT_EQ(*again, look.evidence);
  EXPECT_EQ(rollout::Judge(*again)->sentence, look.verdict.sentence);
}

// Nothing reported is nothing proven: it never goes up by what nobody has told.
TEST(Assemble, ACustomMetricWithoutReportsHolds) {
  RolloutRows rows = WithRefunds(SplitUnit::kRequest, 0, 0);
  rows.Count(true, 50'000, 500, "b").Count(false, 950'000, 9'500, "b");
  const RolloutLook look = rows.Look();
  ASSERT_TRUE(look.fault) << Describe(look.fault.error());
  EXPECT_NE(look.verdict.decision, rollout::Decision::kStepUp);
  rows.plan().guards[1].guards_promotion = false;
  EXPECT_EQ(rows.Look().verdict.decision, rollout::Decision::kStepUp) << "an alarm alone";
}

TEST(Assemble, ACustomMetricOfKeysCountsEachOnce) {
  const RolloutLook look = WithRefunds(SplitUnit::kSession, 60, 190).Look();
  ASSERT_TRUE(look.fault) << Describe(look.fault.error());
  const rollout::StepEvents& events = look.evidence.metrics[1].series[0].steps[0];
  EXPECT_EQ(events.canary_events, 60u);
  EXPECT_EQ(events.judged.requests, 1u);
  EXPECT_EQ(events.early, 250u);
  EXPECT_EQ(look.verdict.decision, rollout::Decision::kRollBack) << look.sentence;
}

}  // namespace
}  // namespace podium::control
