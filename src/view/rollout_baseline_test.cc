#include "view/rollout_baseline.h"

#include <gtest/gtest.h>

#include <cmath>

#include "view/rollout_counting.h"

namespace podium::view {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

// A tenth above them, and a millisecond at least: latencies here reach from 1 to 1000 ms, first
// tokens from 10 us to 10 ms.
TEST(RolloutBaseline, FreezesTheQuantilesOfThePrimaryWithTheirSlack) {
  VersionStats stats(2);
  for (int i = 1; i <= 1000; ++i) {
    const auto core = static_cast<std::size_t>(i % 2);
    stats.Record(core, false, i % 100 == 0 ? Outcome::kError : Outcome::kOk, milliseconds(i), {});
    stats.Record(core, true, Outcome::kTimeout, milliseconds(5000), {});
    stats.RecordFirstToken(core, false, microseconds(10 * i));
    stats.RecordCost(core, false, 7'000'000);
  }
  const RolloutBaseline baseline = BaselineOf(stats.Snapshot());
  EXPECT_EQ(baseline.units_before, 1000U) << "as canary it served under other odds";
  const FrozenThresholds& thresholds = baseline.thresholds;
  const double latency[] = {550, 990, 1089};
  const double first_token[] = {6, 10, 10.9};
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_NEAR(thresholds.latency_ms[i], latency[i], 0.016 * latency[i]);
    EXPECT_NEAR(thresholds.first_token_ms[i], first_token[i], 0.016 * first_token[i]);
    EXPECT_NEAR(thresholds.cost_nano_usd[i], 7e6, 0.016 * 7e6);
  }
  EXPECT_EQ(baseline.bad_before[0], 10U);
  EXPECT_NEAR(static_cast<double>(baseline.bad_before[1]), 450 + 10, 16);
  EXPECT_NEAR(static_cast<double>(baseline.bad_before[2]), 10 + 10, 16);
  EXPECT_NEAR(static_cast<double>(baseline.bad_before[3]), 10, 1);
  EXPECT_NEAR(static_cast<double>(baseline.bad_before[4]), 400 + 10, 16);
}

// Where every call costs the same the threshold must lie between that and what is dearer: a bar
// that all of the primary's calls exceed cannot show that the candidate's do.
TEST(RolloutBaseline, WhatAlwaysCostsTheSameExceedsNothing) {
  VersionStats stats(1);
  for (int i = 0; i < 100; ++i) {
    stats.Record(0, false, Outcome::kOk, milliseconds(1), {});
    stats.RecordCost(0, false, 123'457);
  }
  const RolloutBaseline baseline = BaselineOf(stats.Snapshot());
  const SeriesLimits limits(baseline.thresholds);
  EXPECT_EQ(limits.Bad({.cost_nano_usd = 123'457}), 0);
  EXPECT_NE(limits.Bad({.cost_nano_usd = 126'000}), 0);
  EXPECT_EQ(baseline.bad_before, (std::array<std::uint64_t, kRolloutSeries>{}));
}

TEST(RolloutBaseline, NothingIsSaidOfFewerThanAHundred) {
  VersionStats stats(1);
  for (int i = 0; i < 99; ++i) stats.Record(0, false, Outcome::kError, milliseconds(1), {});
  RolloutBaseline baseline = BaselineOf(stats.Snapshot());
  EXPECT_EQ(baseline.thresholds, FrozenThresholds());
  EXPECT_EQ(baseline.units_before, 99U);
  EXPECT_EQ(baseline.bad_before[0], 99U);
  EXPECT_EQ(baseline.bad_before[1], 0U);
  stats.Record(0, false, Outcome::kOk, milliseconds(1), {});
  baseline = BaselineOf(stats.Snapshot());
  EXPECT_TRUE(std::isfinite(baseline.thresholds.latency_ms[2]));
  EXPECT_EQ(baseline.bad_before[1], 99U);
  EXPECT_TRUE(std::isinf(baseline.thresholds.first_token_ms[0]));
  EXPECT_TRUE(std::isinf(baseline.thresholds.cost_nano_usd[0]));
}

}  // namespace
}  // namespace podium::view
