// The verdict is what people act on at night: which one, on what proof, and in which words.
#include "rollout/verdict.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <numbers>
#include <string>

#include "rollout/evidence_limits.h"

namespace podium::rollout {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

BasisPoints ShareOf(double percent) { return *BasisPoints::FromPercent(percent); }

StepUnits Units(double percent, std::uint64_t units) {
  const double share = percent / 100;
  return {.share = ShareOf(percent),
          .label_probability = share,
          .canary_units = static_cast<std::uint64_t>(share * static_cast<double>(units)),
          .units = units};
}

StepEvents Events(std::uint64_t canary, std::uint64_t all) {
  StepEvents events;
  events.canary_events = canary;
  events.events = all;
  return events;
}

// One metric, one step at 5 % of 20,000 requests.
Evidence Errors(std::uint64_t canary, std::uint64_t all) {
  Evidence evidence;
  evidence.candidate = "canary-7";
  evidence.margin = 3;
  evidence.next_share = ShareOf(25);
  evidence.declared_steps = 1;
  evidence.steps = {Units(5, 20'000)};
  Metric errors{.name = "error rate"};
  errors.series.push_back(
      {.name = "errors", .absolute_limit = std::nullopt, .steps = {Events(canary, all)}});
  evidence.metrics = {errors};
  return evidence;
}

Evidence Sticky(std::uint64_t canary, std::uint64_t all) {
  Evidence evidence = Errors(canary, all);
  evidence.unit = RolloutUnit::kSticky;
  evidence.declared_steps = 4;
  StepEvents& events = evidence.metrics[0].series[0].steps[0];
  events.canary_early = canary;
  events.early = all;
  return evidence;
}

Verdict Judged(const Evidence& evidence) {
  Result<Verdict> verdict = Judge(evidence);
  EXPECT_TRUE(verdict) << Describe(verdict.error());
  return verdict ? *verdict : Verdict{};
}

// Half of its calls may be above the primary's p50: twice the primary's rate is no harm then.
TEST(Verdict, ARatioOfHarmlessRatesRollsNothingBack) {
  Evidence slow = Errors(300, 3'000);  // 30 % and 14 %
  slow.margin = 1.5;
  ASSERT_EQ(Judged(slow).decision, Decision::kRollBack);
  Series& series = slow.metrics[0].series[0];
  series.harmless_rate = 0.5;
  const Verdict held = Judged(slow);
  EXPECT_EQ(held.decision, Decision::kHold);
  EXPECT_TRUE(held.blamed.empty());
  EXPECT_LT(held.findings[0].log_e_alarm, 0);
  EXPECT_GT(held.findings[0].ratio.lower, 1.1);
  series.harmless_rate = 0.2;
  EXPECT_EQ(Judged(slow).decision, Decision::kRollBack);
}

// A rate above the harmless one is no alarm by itself: the primary's may be as high.
TEST(Verdict, ARateAloneRollsNothingBack) {
  Evidence storm = Errors(200, 4'000);  // 20 % of the candidate's, 20 % of the primary's.
  storm.metrics[0].series[0].harmless_rate = 0.01;
  EXPECT_NE(Judged(storm).decision, Decision::kRollBack);
}

TEST(Verdict, Invariant12NoDataIsHold) {
  EXPECT_EQ(Judged(Errors(0, 0)).decision, Decision::kHold);
  EXPECT_EQ(Judged(Sticky(0, 0)).decision, Decision::kHold);
  Evidence nothing = Errors(0, 0);
  nothing.metrics.clear();
  EXPECT_EQ(Judged(nothing).decision, Decision::kHold);
  // Nobody guards the promotion: then nothing can be proven for it either.
  Evidence unguarded = Errors(10, 400);
  unguarded.metrics[0].guards_promotion = false;
  EXPECT_EQ(Judged(unguarded).decision, Decision::kHold);
}

TEST(Verdict, AProvenRegressionIsRolledBackWithItsRatioAndConfidenceSequence) {
  const Verdict verdict = Judged(Errors(60, 260));
  EXPECT_EQ(verdict.decision, Decision::kRollBack);
  EXPECT_THAT(verdict.blamed, ElementsAre("error rate"));
  EXPECT_THAT(verdict.sentence, HasSubstr("Roll back canary-7"));
  EXPECT_THAT(verdict.sentence, HasSubstr("ratio 5.70 (93.9 % confidence sequence 3."));
  EXPECT_THAT(verdict.sentence,
              HasSubstr("candidate 60 of 1000 (6.00 %, descriptive 4.69 to 7.65 %)"));
  EXPECT_GT(verdict.findings[0].ratio.lower, 1.1);
}

TEST(Verdict, AnEqualCandidateStepsUpOnceItIsShownToBeNonInferior) {
  const Verdict few = Judged(Errors(1, 20));
  EXPECT_EQ(few.decision, Decision::kHold);
  EXPECT_THAT(few.sentence, HasSubstr("Hold canary-7: nothing is proven yet."));
  const Verdict verdict = Judged(Errors(10, 200));
  EXPECT_EQ(verdict.decision, Decision::kStepUp);
  EXPECT_THAT(verdict.sentence, HasSubstr("Step up to 25 %"));
  EXPECT_LT(verdict.findings[0].ratio.upper, 3);
}

// "All guardrail metrics must pass (intersection-union)."
TEST(Verdict, OneGuardThatIsOpenHoldsThePromotion) {
  Evidence evidence = Errors(10, 200);
  evidence.metrics.push_back({.name = "cost", .series = {{.name = "", .steps = {Events(0, 3)}}}});
  EXPECT_EQ(Judged(evidence).decision, Decision::kHold);
  evidence.metrics[1].guards_promotion = false;
  EXPECT_EQ(Judged(evidence).decision, Decision::kStepUp);
}

// "Rollback: E_all = sum w_m E_m. Never take the maximum": another quiet metric costs its weight.
TEST(Verdict, MetricsAreAveragedAndBlamedByTheirOwnPart) {
  Evidence evidence = Errors(29, 200);
  const double alone = Judged(evidence).log_e_rollback;
  evidence.metrics.push_back(
      {.name = "latency", .series = {{.name = "p99", .steps = {Events(0, 0)}}}});
  const Verdict both = Judged(evidence);
  EXPECT_NEAR(both.log_e_rollback, std::log(0.5 * std::exp(alone) + 0.5), 1e-9);
  EXPECT_THAT(both.blamed, ElementsAre("error rate"));
  // By weights: three quarters on the errors.
  evidence.metrics[0].weight = 3;
  EXPECT_NEAR(Judged(evidence).log_e_rollback, std::log(0.75 * std::exp(alone) + 0.25), 1e-9);
}

// Two metrics that are each short of proof may have it together; none of them is blamed then.
TEST(Verdict, EvidenceMayAddUpWithoutABlame) {
  Evidence evidence = Errors(19, 150);
  const double one = Judged(evidence).log_e_rollback;
  ASSERT_LT(one, Judged(evidence).rollback_needs + std::log(2.0));
  ASSERT_GT(one, Judged(evidence).rollback_needs);
  evidence.metrics.push_back(evidence.metrics[0]);
  evidence.metrics[1].name = "wrong answers";
  const Verdict verdict = Judged(evidence);
  EXPECT_EQ(verdict.decision, Decision::kRollBack);
  EXPECT_THAT(verdict.blamed, IsEmpty());
  EXPECT_THAT(verdict.sentence, HasSubstr("together, none alone"));
}

// Ville's bound is on the highest value ever reached: looking later must not undo it.
TEST(Verdict, WhatWasOnceReachedStaysReached) {
  Evidence evidence = Errors(10, 200);
  evidence.log_e_peak = 3.6;
  const Verdict verdict = Judged(evidence);
  EXPECT_EQ(verdict.decision, Decision::kRollBack);
  EXPECT_EQ(verdict.log_e_rollback, 3.6);
}

// "An alarm stops all automatic decisions (data are not trustworthy), it does not roll back."
TEST(Verdict, ASplitThatIsOffFreezesEverything) {
  Evidence evidence = Errors(60, 260);
  evidence.steps[0].canary_units = 1'400;
  const Verdict verdict = Judged(evidence);
  EXPECT_EQ(verdict.decision, Decision::kFreeze);
  EXPECT_THAT(verdict.sentence, HasSubstr("1400 of 20000 units on canary-7 at 5 %"));
}

TEST(Verdict, RetriesAreHeldAgainstAHigherBar) {
  Evidence evidence = Errors(10, 200);
  EXPECT_EQ(Judged(evidence).decision, Decision::kStepUp);
  evidence.attempt = 10;
  EXPECT_NEAR(Judged(evidence).rollback_needs, 8.10, 0.005);
  EXPECT_EQ(Judged(evidence).decision, Decision::kHold);
}

// "Epochs are never multiplied; they share alpha": the same proof needs more in one of four epochs.
TEST(Verdict, StickyEpochsStandAlone) {
  Evidence evidence = Sticky(29, 200);
  const Verdict one = Judged(evidence);
  // w_m = 1, w_k = 1/4, R1 and R2 half each, first attempt.
  EXPECT_NEAR(one.rollback_needs, std::log(8 / 0.05 * std::numbers::pi * std::numbers::pi / 6),
              1e-9);
  evidence.steps.push_back(evidence.steps[0]);
  evidence.metrics[0].series[0].steps.push_back(evidence.metrics[0].series[0].steps[0]);
  EXPECT_EQ(Judged(evidence).log_e_rollback, one.log_e_rollback);
  EXPECT_EQ(Judged(evidence).decision, one.decision);
}

TEST(Verdict, AnAlarmOfAnEarlierEpochStands) {
  Evidence evidence = Sticky(60, 260);
  ASSERT_EQ(Judged(evidence).decision, Decision::kRollBack);
  evidence.steps.push_back(Units(25, 20'000));
  evidence.metrics[0].series[0].steps.push_back(Events(50, 200));
  const Verdict verdict = Judged(evidence);
  EXPECT_EQ(verdict.decision, Decision::kRollBack);
  EXPECT_EQ(verdict.findings[0].step, 0U);
  EXPECT_THAT(verdict.sentence, HasSubstr("of affected keys"));
}

// "If r1' <= 1: no promotion by this test."
TEST(Verdict, TooManyRepeatsMakePromotionImpossible) {
  Evidence evidence = Sticky(10, 400);
  evidence.margin = 2;
  ASSERT_EQ(Judged(evidence).decision, Decision::kStepUp);
  evidence.metrics[0].series[0].steps[0].judged = {8, 0.25};
  const Verdict verdict = Judged(evidence);
  EXPECT_EQ(verdict.decision, Decision::kHold);
  EXPECT_THAT(verdict.sentence, HasSubstr("promotion is not possible in this epoch"));
}

// "Threshold 1/alpha for the step's first epoch, 1/(w_k alpha) when a hold is cut into more."
TEST(Verdict, EpochsOfAHoldShareTheAlphaOfPromotion) {
  Evidence evidence = Sticky(10, 400);
  const double whole = Judged(evidence).findings[0].promote_needs;
  evidence.epochs_in_step = 4;
  EXPECT_NEAR(Judged(evidence).findings[0].promote_needs, whole + std::log(4.0), 1e-12);
  evidence.epochs_in_step = 0;
  EXPECT_NEAR(Judged(evidence).findings[0].promote_needs, whole + std::log(2.0), 1e-12);
}

TEST(Verdict, NoPowerLeftIsSaidWithTheKeysThatAreMissing) {
  Evidence evidence = Sticky(2, 20);
  evidence.metrics[0].series[0].steps[0].null_ratio = 1;
  EXPECT_EQ(Judged(evidence).decision, Decision::kHold);  // Power is judged where it was asked.
  evidence.units_left = 21'000;
  const Verdict verdict = Judged(evidence);
  EXPECT_EQ(verdict.decision, Decision::kNoPowerLeft);
  EXPECT_THAT(
      verdict.sentence,
      HasSubstr("canary-7, error rate, 5 % step: 40 keys can still show a failure, a ratio of "
                "2 needs about 411"));
  EXPECT_THAT(verdict.sentence, HasSubstr("Use unit=request, paired shadow traffic"));
  evidence.units_left = 2'000'000;
  EXPECT_EQ(Judged(evidence).decision, Decision::kHold);
  // The alarm stays armed: proof of a regression wins over the lack of power.
  evidence = Sticky(60, 260);
  evidence.units_left = 0;
  EXPECT_EQ(Judged(evidence).decision, Decision::kRollBack);
}

TEST(Verdict, MarginsByTheShareAboutToBeGranted) {
  EXPECT_EQ(MarginFor(ShareOf(5), Profile::kStandard), 3);
  EXPECT_EQ(MarginFor(ShareOf(5.01), Profile::kStandard), 2);
  EXPECT_EQ(MarginFor(ShareOf(25), Profile::kStrict), 2);
  EXPECT_EQ(MarginFor(ShareOf(25.01), Profile::kStandard), 1.5);
  EXPECT_EQ(MarginFor(ShareOf(100), Profile::kStrict), 1.25);
  EXPECT_EQ(AlphaOf(Profile::kStrict), 0.01);
}

TEST(Verdict, PairsAreReportedBesideIt) {
  Evidence evidence = Errors(0, 0);
  evidence.paired = {{"judge", {40, 10, 3}, 1.5}, {"judge 2", {20, 60, 0}, 1.5}, {"new", {}, 1.5}};
  const Verdict verdict = Judged(evidence);
  EXPECT_EQ(verdict.decision, Decision::kHold);
  EXPECT_THAT(verdict.paired[0].sentence, HasSubstr("judge: worse."));
  EXPECT_THAT(verdict.paired[1].sentence, HasSubstr("judge 2: not worse by the margin 1.50."));
  EXPECT_THAT(verdict.paired[2].sentence, HasSubstr("new: open."));
}

// Wilson's interval of 10 in 1,000 by hand; and it is never empty.
TEST(Verdict, IntervalsPerArmAreDescriptive) {
  const DescriptiveRate arm = Describe(10, 1000);
  EXPECT_NEAR(arm.low, 0.00544, 1e-5);
  EXPECT_NEAR(arm.high, 0.01831, 1e-5);
  EXPECT_EQ(Describe(0, 0).high, 1);
  EXPECT_EQ(Describe(0, 10).low, 0);
}

// Counters that cannot be must not become a decision, and the place at fault is named.
TEST(Evidence, FaultsAreNamedWithTheirPlace) {
  struct Case {
    const char* where;
    std::function<void(Evidence&)> spoil;
  };
  const Case cases[] = {
      {"steps[0].canary_units", [](Evidence& e) { e.steps[0].canary_units = 20'001; }},
      {"steps[0].label_probability", [](Evidence& e) { e.steps[0].label_probability = NAN; }},
      {"metrics[0].series[0].steps[0].canary_events",
       [](Evidence& e) { e.metrics[0].series[0].steps[0].canary_events = 261; }},
      {"metrics[0].series[0].steps[0].events",
       [](Evidence& e) { e.metrics[0].series[0].steps[0].events = 30'000; }},
      {"metrics[0].series[0].steps[0].null_ratio",
       [](Evidence& e) { e.metrics[0].series[0].steps[0].null_ratio = 0; }},
      {"metrics[0].series[0].steps[0].closed",
       [](Evidence& e) { e.metrics[0].series[0].steps[0].closed.canary[3] = 61; }},
      {"metrics[0].series[0].steps[0].early",
       [](Evidence& e) { e.metrics[0].series[0].steps[0].early = 261; }},
      {"metrics[0].series[0].steps", [](Evidence& e) { e.metrics[0].series[0].steps.clear(); }},
      {"metrics[0].series", [](Evidence& e) { e.metrics[0].series.clear(); }},
      {"metrics[0].series[0].absolute_limit",
       [](Evidence& e) { e.metrics[0].series[0].absolute_limit = 1; }},
      {"metrics[0].series[0].harmless_rate",
       [](Evidence& e) { e.metrics[0].series[0].harmless_rate = 0; }},
      {"metrics[0].series[0].harmless_rate",
       [](Evidence& e) {
         e.unit = RolloutUnit::kSticky;
         e.metrics[0].series[0].harmless_rate = 0.5;
       }},
      {"metrics[0].weight", [](Evidence& e) { e.metrics[0].weight = 0; }},
      {"declared_steps",
       [](Evidence& e) {
         e.steps.push_back(e.steps[0]);
         e.metrics[0].series[0].steps.push_back(Events(0, 0));
       }},
      {"alpha_rollback", [](Evidence& e) { e.alpha_rollback = 1; }},
      {"alpha_promote", [](Evidence& e) { e.alpha_promote = NAN; }},
      {"attempt", [](Evidence& e) { e.attempt = 0; }},
      {"margin", [](Evidence& e) { e.margin = 1; }},
      {"units_left", [](Evidence& e) { e.units_left = -1; }},
      {"epoch_of_step", [](Evidence& e) { e.epoch_of_step = 0; }},
      {"paired[0]", [](Evidence& e) { e.paired = {{"judge", {}, 1}}; }},
      {"steps", [](Evidence& e) { e.steps.clear(); }},
  };
  ASSERT_TRUE(Check(Errors(60, 260)));
  for (const Case& c : cases) {
    SCOPED_TRACE(c.where);
    Evidence evidence = Errors(60, 260);
    c.spoil(evidence);
    Result<Verdict> verdict = Judge(evidence);
    ASSERT_FALSE(verdict);
    EXPECT_EQ(verdict.error().where, c.where);
    EXPECT_EQ(verdict.error().code, ErrorCode::kInvalidArgument);
  }
}

TEST(Evidence, Invariant16TheLimitsAndOnePastThem) {
  Evidence evidence = Errors(0, 0);
  evidence.declared_steps = 0;
  evidence.steps.resize(limits::kMaxRolloutSteps, Units(5, 0));
  evidence.metrics[0].series[0].steps.resize(limits::kMaxRolloutSteps);
  evidence.metrics[0].series.resize(limits::kMaxMetricSeries, evidence.metrics[0].series[0]);
  EXPECT_TRUE(Check(evidence));
  evidence.metrics[0].series.push_back(evidence.metrics[0].series[0]);
  EXPECT_FALSE(Check(evidence));

  evidence = Errors(0, 0);
  evidence.declared_steps = 0;
  evidence.metrics.resize(limits::kMaxRolloutMetrics, evidence.metrics[0]);
  EXPECT_TRUE(Check(evidence));
  evidence.metrics.push_back(evidence.metrics[0]);
  EXPECT_FALSE(Check(evidence));
  evidence.metrics.resize(1);
  evidence.steps.resize(limits::kMaxRolloutSteps + 1, Units(5, 0));
  evidence.metrics[0].series[0].steps.resize(limits::kMaxRolloutSteps + 1);
  EXPECT_FALSE(Check(evidence));
}

TEST(Evidence, AMisspeltCounterIsAnErrorAndNotAZero) {
  struct Case {
    const char* json;
    const char* where;
  };
  const Case cases[] = {
      {R"([])", ""},
      {R"({"unit": "key"})", "unit"},
      {R"({"attempt": -1})", "attempt"},
      {R"({"steps": [{"share_pct": 5, "canary_unit": 3}]})", "steps[0].canary_unit"},
      {R"({"steps": [{"share_pct": 5.001}]})", "steps[0].share_pct"},
      {R"({"metrics": [{"series": [{"grid": "p95"}]}]})", "metrics[0].series[0].grid"},
      {R"({"metrics": [{"series": [{"steps": [{"events": 1.5}]}]}]})",
       "metrics[0].series[0].steps[0].events"},
      {R"({"metrics": [{"series": [{"steps": [{"closed": {"canary": [1, 2]}}]}]}]})",
       "metrics[0].series[0].steps[0].closed.canary"},
      {R"({"paired": {}})", "paired"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.json);
    Result<Evidence> evidence = ParseEvidence(c.json);
    ASSERT_FALSE(evidence);
    EXPECT_EQ(evidence.error().where, c.where);
  }
}

}  // namespace
}  // namespace podium::rollout
