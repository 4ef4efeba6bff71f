// The label test decides who is rolled back. What must hold of it besides its numbers
// (golden_test.cc): what it ignores, what it is monotone in, and what the documents promise of it.
#include "rollout/label_likelihood.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "rollout/absolute_rate.h"
#include "rollout/log_space.h"
#include "rollout/power.h"
#include "rollout/sample_ratio.h"

namespace podium::rollout {
namespace {

std::vector<LabelCounts> One(double rho, std::uint64_t canary, std::uint64_t all, double r0 = 1) {
  return {{.label_probability = rho, .null_ratio = r0, .canary = canary, .all = all}};
}

// E[E] = 1 at the null and at most 1 below it, over every outcome of n labels: the property that
// all guarantees rest on.
TEST(LabelLikelihood, IsAnEVariableForEveryRatioUnderTheNull) {
  constexpr int kLabels = 12;
  const auto mean = [](double rho, double r0, double true_ratio, RatioGrid grid) {
    const double p = LabelShare(rho, true_ratio);
    double sum = 0;
    for (int s = 0; s <= kLabels; ++s) {
      const double ways =
          std::exp(std::lgamma(kLabels + 1) - std::lgamma(s + 1) - std::lgamma(kLabels - s + 1));
      sum += ways * std::pow(p, s) * std::pow(1 - p, kLabels - s) *
             std::exp(LogLabelE(One(rho, static_cast<std::uint64_t>(s), kLabels, r0), grid));
    }
    return sum;
  };
  for (const double rho : {0.01, 0.05, 0.5}) {
    for (const double r0 : {1.0, 1.1, 2.0}) {
      EXPECT_NEAR(mean(rho, r0, r0, kErrorGrid), 1, 1e-9);
      EXPECT_LE(mean(rho, r0, 0.5 * r0, kErrorGrid), 1);
      EXPECT_GT(mean(rho, r0, 1.5 * r0, kErrorGrid), 1);
      EXPECT_NEAR(mean(rho, r0, r0, kNonInferiorityGrid), 1, 1e-9);
      EXPECT_LT(mean(rho, 1, 2, kNonInferiorityGrid), 1);
    }
  }
}

TEST(LabelLikelihood, StepsAtShareZeroOrWholeCarryNoInformation) {
  const std::vector<LabelCounts> steps = {{.label_probability = 0, .canary = 0, .all = 900},
                                          {.label_probability = 1, .canary = 900, .all = 900}};
  EXPECT_EQ(LogLabelE(steps, kErrorGrid), 0);
  EXPECT_EQ(RatioConfidence(steps, 3, 3).estimate, 1);
}

// A pooled test across ramp steps is Simpson's paradox: the error rate rises while the share does.
TEST(LabelLikelihood, ARampWithAChangingBaseRateIsNoRegression) {
  const std::vector<LabelCounts> ramp = {{.label_probability = 0.01, .canary = 1, .all = 100},
                                         {.label_probability = 0.5, .canary = 500, .all = 1000}};
  EXPECT_LT(LogLabelE(ramp, kErrorGrid), 0);
  // As one step, at the mean share of the traffic, the same counts look like proof.
  EXPECT_GT(LogLabelE(One(0.255, 501, 1100), kErrorGrid), 3);
}

// "Late regressions: mix start points": a good record must not buy the right to be bad.
TEST(LabelLikelihood, RestartsFindALateRegressionThatTheWholeRecordHides) {
  const std::vector<LabelCounts> steps = {{.label_probability = 0.25, .canary = 150, .all = 1000},
                                          {.label_probability = 0.25, .canary = 110, .all = 300}};
  EXPECT_LT(LogLabelE(steps, kErrorGrid), 0);
  EXPECT_GT(LogRegressionE(steps, {2}), 3);
  EXPECT_GT(LogRegressionE(steps, {0}), 3);
}

// "A start that has not happened yet counts as 1": what is ahead neither helps nor hurts.
TEST(LabelLikelihood, StartsThatHaveNotHappenedCountAsOne) {
  EXPECT_EQ(LogRegressionE({}, {4}), 0);
  EXPECT_NEAR(LogRegressionE(One(0.05, 0, 0), {4}), 0, 1e-12);
  EXPECT_NEAR(LogRegressionE(One(0.05, 0, 0), {0}), 0, 1e-12);
  // However good the record, half of E is ahead.
  EXPECT_NEAR(LogRegressionE(One(0.5, 0, 100'000), {4}), std::log(0.5), 1e-6);
}

// A bound of the ratio says exactly what the test says: it excludes a null ratio that is rejected.
TEST(LabelLikelihood, AConfidenceBoundIsTheTestTurnedRound) {
  const auto steps = One(0.05, 90, 900);
  const RatioInterval interval = RatioConfidence(steps, 3, 3);
  EXPECT_NEAR(LogLabelE(One(0.05, 90, 900, interval.lower), kErrorGrid), 3, 1e-9);
  EXPECT_NEAR(LogNonInferiorityE(steps, interval.upper), 3, 1e-9);
  EXPECT_LT(interval.lower, interval.estimate);
  EXPECT_LT(interval.estimate, interval.upper);
}

TEST(LabelLikelihood, WithoutEventsNothingIsExcluded) {
  const RatioInterval none = RatioConfidence(One(0.05, 0, 0), 3, 3);
  EXPECT_EQ(none.lower, 0);
  EXPECT_TRUE(std::isinf(none.upper));
  // Events of one arm alone bound one side alone.
  const RatioInterval good = RatioConfidence(One(0.25, 0, 200), 3, 3);
  EXPECT_EQ(good.estimate, 0);
  EXPECT_EQ(good.lower, 0);
  EXPECT_LT(good.upper, 1);
  const RatioInterval bad = RatioConfidence(One(0.25, 200, 200), 3, 3);
  EXPECT_TRUE(std::isinf(bad.estimate));
  EXPECT_GT(bad.lower, 1);
  EXPECT_TRUE(std::isinf(bad.upper));
}

// "Never form E itself": ten million events, ln E in the thousands.
TEST(LabelLikelihood, TenMillionEventsStayFinite) {
  const double log_e = LogLabelE(One(0.05, 700'000, 10'000'000), kErrorGrid);
  EXPECT_TRUE(std::isfinite(log_e));
  EXPECT_GT(log_e, 9'000);
}

// The document's example of rare errors: the relative test alone could never promote.
TEST(AbsoluteRate, AThousandCallsWithoutAnErrorPassAgainstHalfAPercent) {
  const AbsoluteCounts counts{.limit = 0.005, .bad = 0, .units = 1000};
  EXPECT_NEAR(LogAbsoluteE(counts), 3.99, 0.005);
  EXPECT_NEAR(LogPromotionE(One(0.05, 0, 0), 3, counts), 3.30 + std::log1p(std::exp(-3.99)), 0.01);
  EXPECT_GT(LogPromotionE(One(0.05, 0, 0), 3, counts), std::log(20.0));
  EXPECT_EQ(LogPromotionE(One(0.05, 0, 0), 3, std::nullopt), 0);
}

TEST(SampleRatio, AUnitOnAnArmThatMustHaveNoneIsProof) {
  EXPECT_TRUE(std::isinf(LogSampleRatioE(0, 1, 100)));
  EXPECT_TRUE(std::isinf(LogSampleRatioE(1, 99, 100)));
  EXPECT_EQ(LogSampleRatioE(0, 0, 100), 0);
  EXPECT_NEAR(LogSampleRatioE(0.05, 0, 0), 0, 1e-12);
}

TEST(SampleRatio, FindsTheSplitThatIsOffAndKeepsTheOneThatIsNot) {
  EXPECT_GT(LogSampleRatioE(0.05, 6'000, 100'000), std::log(1000.0));
  EXPECT_LT(LogSampleRatioE(0.05, 5'050, 100'000), 0);
}

TEST(LogSpace, SumsOfWhatNoDoubleHolds) {
  const double big[] = {10'000, 10'000, -10'000};
  EXPECT_NEAR(LogSumExp(big), 10'000 + std::log(2.0), 1e-9);
  EXPECT_EQ(LogSumExp({}), -INFINITY);
  const double with_infinity[] = {1, INFINITY};
  EXPECT_EQ(LogSumExp(with_infinity), INFINITY);
  EXPECT_EQ(LogAddExp(-INFINITY, -INFINITY), -INFINITY);
}

// The table of statistics_sticky.md, "When nothing can be found": 4 epochs, one metric, alpha 0.05.
TEST(Power, KeysThatMustBeHitToSeeARatio) {
  struct Case {
    double share;
    double ratio;
    double keys;
  };
  const Case cases[] = {{0.01, 1.5, 6179}, {0.01, 2, 1742}, {0.01, 3, 526}, {0.01, 5, 172},
                        {0.05, 1.5, 1321}, {0.05, 2, 382},  {0.05, 3, 121}, {0.05, 5, 43},
                        {0.25, 1.5, 378},  {0.25, 2, 122},  {0.25, 3, 46},  {0.25, 5, 21},
                        {0.50, 1.5, 327},  {0.50, 2, 116},  {0.50, 3, 50},  {0.50, 5, 27}};
  for (const Case& c : cases) {
    SCOPED_TRACE(testing::Message() << c.share << " at " << c.ratio);
    EXPECT_NEAR(EventsNeeded(std::log(2 * 4 / 0.05), c.share, c.ratio), c.keys, 0.01 * c.keys + 1);
  }
  EXPECT_TRUE(std::isinf(EventsNeeded(3, 0, 2)));
  EXPECT_TRUE(std::isinf(EventsNeeded(3, 0.05, 1)));
}

TEST(Power, AttainableCountsTheKeysThatMayStillFail) {
  // 4 of 100 active keys were hit; 500 keys are still unhit.
  EXPECT_NEAR(Attainable({5, 4, 100, 500, 0.01}), 5 + 500 * 0.04, 1e-9);
  // Before anything was seen, the primary's rate from before the rollout.
  EXPECT_NEAR(Attainable({0, 0, 0, 500, 0.01}), 5, 1e-9);
  EXPECT_TRUE(OutOfReach(0, 3, {0, 0, 0, 500, 0.01}, 0.05));
  EXPECT_FALSE(OutOfReach(0, 3, {0, 0, 0, 50'000, 0.01}, 0.05));
  EXPECT_FALSE(OutOfReach(3, 3, {0, 0, 0, 0, 0}, 0.05));  // There already.
}

TEST(Power, WhatAStickyPlanIsToldBeforeItStarts) {
  const StickyPlan fine{.keys_per_epoch = 2'000, .repeat_share = 0.1, .least_margin = 1.5};
  EXPECT_TRUE(StickyObjections(fine).empty());
  StickyPlan plan = fine;
  plan.keys_per_epoch = 1'999;
  EXPECT_EQ(StickyObjections(plan).size(), 1U);
  plan = fine;
  plan.repeat_share = 0.11;
  EXPECT_EQ(StickyObjections(plan).size(), 1U);
  plan.keys_per_epoch = 20'000;
  EXPECT_TRUE(StickyObjections(plan).empty());
  plan = fine;
  plan.guards_median = true;
  EXPECT_EQ(StickyObjections(plan).size(), 1U);
  plan = fine;
  plan.least_margin = 1.49;
  EXPECT_EQ(StickyObjections(plan).size(), 1U);
  plan = fine;
  plan.traffic_by_answer = true;
  EXPECT_EQ(StickyObjections(plan).size(), 1U);
}

}  // namespace
}  // namespace podium::rollout
