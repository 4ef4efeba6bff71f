// "What makes it true in practice (each is a test case)": statistics.md, section 1. What is
// counted, for whom, is the data plane's: view/rollout_counting_test.cc has those rules.
#include "rollout/alpha.h"

#include <gtest/gtest.h>

#include <cmath>

#include "rollout/label_likelihood.h"
#include "rollout/paired.h"
#include "rollout/rate_limit.h"

namespace podium::rollout {
namespace {

// 6. "The k-th rollout of the same artifact on a route spends alpha 6/(pi^2 k^2)."
TEST(Counting, RetriesSpendAlpha) {
  EXPECT_NEAR(AttemptAlpha(0.05, 1), 0.0304, 5e-5);
  EXPECT_NEAR(AttemptAlpha(0.05, 2), 0.0076, 5e-5);
  EXPECT_NEAR(AttemptAlpha(0.05, 3), 0.0034, 5e-5);
  EXPECT_NEAR(AttemptAlpha(0.05, 10), 0.0003, 5e-5);
  EXPECT_NEAR(LogThreshold(AttemptAlpha(0.05, 10)), 8.10, 0.005);
  double sum = 0;
  for (int k = 1; k <= 100'000; ++k) sum += AttemptAlpha(0.05, k);
  EXPECT_NEAR(sum, 0.05, 1e-6);
  EXPECT_LT(sum, 0.05);
}

// "Weights w_k: 1/K when K epochs are declared, else 1/(k(k+1))."
TEST(Counting, EpochsShareAlpha) {
  double sum = 0;
  for (int k = 1; k <= 8; ++k) sum += EpochWeight(k, 8);
  EXPECT_NEAR(sum, 1, 1e-12);
  EXPECT_EQ(EpochWeight(9, 8), 0);
  EXPECT_TRUE(std::isinf(LogThreshold(0.05, EpochWeight(9, 8))));
  EXPECT_EQ(EpochWeight(1, 0), 0.5);
  EXPECT_NEAR(EpochWeight(2, 0), 1.0 / 6, 1e-12);
  EXPECT_EQ(EpochsOfHold(1), 8);
  EXPECT_EQ(EpochsOfHold(8), 8);
  EXPECT_EQ(EpochsOfHold(8.5), 9);
}

// "sort descending, largest k with e_(k) >= M/(k alpha)."
TEST(Counting, ADashboardOfManyMetricsKeepsTheFalseDiscoveryRate) {
  const double logs[] = {std::log(39.0), 0, std::log(41.0), std::log(25.0)};
  EXPECT_TRUE(Discoveries(logs, 0.05).empty());  // Needs 80, 40, 26.7, 20.
  const double more[] = {std::log(45.0), 0, std::log(41.0), std::log(25.0)};
  EXPECT_EQ(Discoveries(more, 0.05), (std::vector<std::size_t>{0, 2}));
  EXPECT_TRUE(Discoveries({}, 0.05).empty());
}

// "'+x %' -> r0 = 1 + x/100; '+y pp' -> r0 = (p + y)/p. Both given: the smaller. Default 1.1. Clamp
// to [1, 8]."
TEST(Counting, LimitsAreCompiledIntoARatioAtTheStart) {
  EXPECT_EQ(Compile({}, 10, 1000)->null_ratio, 1.1);
  EXPECT_NEAR(Compile({.percent = 10}, 10, 1000)->null_ratio, 1.1, 1e-12);
  const double p = 10.5 / 1001;
  EXPECT_NEAR(Compile({.points = 0.5}, 10, 1000)->null_ratio, (p + 0.005) / p, 1e-12);
  EXPECT_NEAR(Compile({.percent = 20, .points = 0.5}, 10, 1000)->null_ratio, 1.2, 1e-12);
  EXPECT_NEAR(Compile({.percent = 80, .points = 0.5}, 10, 1000)->null_ratio, (p + 0.005) / p,
              1e-12);
  EXPECT_EQ(Compile({.points = 50}, 0, 1000)->null_ratio, 8);  // Clamped.
  EXPECT_EQ(Compile({.percent = 0}, 0, 0)->null_ratio, 1);
  EXPECT_EQ(Compile({.percent = 0}, 0, 0)->rate, 0.5);
  EXPECT_FALSE(Compile({.percent = -1}, 10, 1000));
  EXPECT_FALSE(Compile({.points = NAN}, 10, 1000));
  EXPECT_FALSE(Compile({}, 2, 1));
}

// (e) "drop ties; label test with rho = 1/2 on the discordant pairs".
TEST(Paired, TiesSayNothing) {
  EXPECT_EQ(LogPairedRegressionE({30, 10, 0}), LogPairedRegressionE({30, 10, 100'000}));
  EXPECT_GT(LogPairedRegressionE({30, 10, 0}), 3);
  EXPECT_LT(LogPairedRegressionE({10, 30, 0}), 0);
  EXPECT_GT(LogPairedNonInferiorityE({30, 50, 0}, 1.5), 3);
  PairCounts pairs;
  AddLatencyPair(pairs, 111, 100, 0.1);
  AddLatencyPair(pairs, 109, 100, 0.1);
  AddLatencyPair(pairs, 0, 0, 0.1);
  EXPECT_EQ(pairs.challenger_worse, 1U);
  EXPECT_EQ(pairs.champion_worse, 1U);
  EXPECT_EQ(pairs.ties, 1U);
}

// "agreement rate: H0 agreement <= a0."
TEST(Paired, AgreementIsTheAbsoluteTestOfDisagreement) {
  EXPECT_GT(LogAgreementE(995, 1000, 0.98), 3);
  EXPECT_LT(LogAgreementE(980, 1000, 0.98), 0.5);
  EXPECT_EQ(LogAgreementE(0, 0, 0.98), 0);
}

TEST(Paired, BoundedDifferencesCanBeStoredAndResumed) {
  Result<BoundedDifference> whole = BoundedDifference::WithMargin(0.05);
  Result<BoundedDifference> second = BoundedDifference::WithMargin(0.05);
  ASSERT_TRUE(whole && second);
  for (int i = 0; i < 40; ++i) {
    whole->Add(0.1);
    if (i == 19) second->Resume(whole->capitals());
    if (i > 19) second->Add(0.1);
  }
  EXPECT_EQ(whole->log_e(), second->log_e());
  EXPECT_GT(whole->log_e(), 3);
  whole->Add(-1);  // The worst outcome costs, and never everything.
  EXPECT_TRUE(std::isfinite(whole->log_e()));
  EXPECT_FALSE(BoundedDifference::WithMargin(1));
  EXPECT_FALSE(BoundedDifference::WithMargin(-0.1));
}

TEST(Paired, TheAsymptoticIntervalNeedsTwoObservations) {
  EXPECT_TRUE(std::isinf(AsymptoticMean(1, 3, 0, 0.05, 100).radius));
  EXPECT_LT(AsymptoticMean(10'000, 3, 10'000, 0.05, 10'000).radius, 0.05);
}

}  // namespace
}  // namespace podium::rollout
