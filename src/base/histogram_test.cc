// The promise is 1 %: percentiles decide whether a rollout goes on.
#include "base/histogram.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "base/rng.h"

namespace podium {
namespace {

using std::chrono::nanoseconds;

constexpr std::uint64_t kFirstPrecise = std::uint64_t{1} << Histogram::kMinExponent;
constexpr std::uint64_t kEnd = std::uint64_t{1} << (Histogram::kMaxExponent + 1);

double RelativeError(std::uint64_t value) {
  const auto shown = static_cast<double>(Histogram::MiddleOf(Histogram::BucketOf(value)));
  return std::abs(shown - static_cast<double>(value)) / static_cast<double>(value);
}

// The error of a bucket is largest at its ends; so the ends of every bucket prove the whole range.
TEST(Histogram, ErrorIsAtMostOnePercentFrom256NanosecondsOn) {
  std::uint64_t first = kFirstPrecise;
  std::size_t buckets = 0;
  while (first < kEnd) {
    const std::size_t bucket = Histogram::BucketOf(first);
    const std::uint64_t width = std::uint64_t{1}
                                << (63 - __builtin_clzll(first) - Histogram::kSubBits);
    const std::uint64_t last = first + width - 1;
    ASSERT_EQ(Histogram::BucketOf(last), bucket);
    ASSERT_EQ(Histogram::BucketOf(first - 1), bucket - 1) << "buckets touch";
    ASSERT_LE(RelativeError(first), 0.01) << first;
    ASSERT_LE(RelativeError(last), 0.01) << last;
    first = last + 1;
    ++buckets;
  }
  EXPECT_EQ(first, kEnd);
  EXPECT_EQ(buckets + (1U << Histogram::kSubBits), Histogram::kBuckets) << "no bucket is unused";
}

TEST(Histogram, BelowThatTheErrorIsAtMostTwoNanoseconds) {
  for (std::uint64_t value = 0; value < kFirstPrecise; ++value) {
    const std::uint64_t shown = Histogram::MiddleOf(Histogram::BucketOf(value));
    EXPECT_LE(std::max(shown, value) - std::min(shown, value), 2U) << value;
  }
}

TEST(Histogram, WhatIsTooLongSharesTheLastBucket) {
  EXPECT_LT(Histogram::BucketOf(kEnd - 1), Histogram::kBuckets);
  EXPECT_EQ(Histogram::BucketOf(kEnd), Histogram::kBuckets - 1);
  EXPECT_EQ(Histogram::BucketOf(UINT64_MAX), Histogram::kBuckets - 1);
}

TEST(Histogram, QuantilesAreThoseOfTheSortedSamples) {
  SeededRng rng(1);
  Histogram histogram;
  std::vector<std::int64_t> samples;
  for (int i = 0; i < 20'000; ++i) {
    // Over nine powers of ten, as evenly as chance has it.
    const double exponent = 3.0 + 9.0 * static_cast<double>(rng.Next64() >> 11) * 0x1p-53;
    samples.push_back(static_cast<std::int64_t>(std::pow(10.0, exponent)));
    histogram.Record(nanoseconds(samples.back()));
  }
  std::sort(samples.begin(), samples.end());
  const HistogramSnapshot snapshot = histogram.Snapshot();
  for (const double q : {0.0001, 0.01, 0.25, 0.5, 0.9, 0.95, 0.99, 0.999, 1.0}) {
    const auto rank = static_cast<std::size_t>(std::ceil(q * 20'000));
    const auto want = static_cast<double>(samples[rank - 1]);
    EXPECT_NEAR(static_cast<double>(snapshot.Quantile(q).count()), want, 0.01 * want) << q;
  }
}

// Ranks that binary fractions would round up: the 7th of 100 is not the 8th.
// A threshold between what was seen and what is more than that: nothing of its bucket is above it.
TEST(Histogram, TheBoundOfAQuantileIsTheEndOfItsBucket) {
  for (const std::uint64_t value : {0U, 3U, 255U, 256U, 1000U, 123'457U, 4'000'000'000U}) {
    SCOPED_TRACE(value);
    const std::size_t bucket = Histogram::BucketOf(value);
    EXPECT_LE(value, Histogram::LastOf(bucket));
    EXPECT_EQ(Histogram::BucketOf(Histogram::LastOf(bucket)), bucket);
    EXPECT_EQ(Histogram::BucketOf(Histogram::LastOf(bucket) + 1), bucket + 1);
    Histogram histogram;
    const std::chrono::nanoseconds seen(static_cast<std::int64_t>(value));
    histogram.Record(seen);
    const std::chrono::nanoseconds bound = histogram.Snapshot().QuantileBound(0.5);
    EXPECT_GE(bound, seen);
    EXPECT_LE(bound.count(), std::max(seen.count() + 4, seen.count() * 1016 / 1000));
  }
  EXPECT_EQ(Histogram::LastOf(Histogram::kBuckets - 1), static_cast<std::uint64_t>(INT64_MAX));
  EXPECT_EQ(HistogramSnapshot().QuantileBound(0.5).count(), 0);
}

TEST(Histogram, RanksAreExact) {
  Histogram histogram;
  for (int i = 1; i <= 100; ++i) histogram.Record(std::chrono::milliseconds(i * i));
  const HistogramSnapshot snapshot = histogram.Snapshot();
  for (int percent = 1; percent <= 100; ++percent) {
    const double want = 1e6 * percent * percent;
    EXPECT_NEAR(static_cast<double>(snapshot.Quantile(percent / 100.0).count()), want, 0.01 * want)
        << percent;
  }
}

TEST(Histogram, WithoutSamplesEverythingIsZero) {
  const HistogramSnapshot snapshot = Histogram().Snapshot();
  EXPECT_EQ(snapshot.count(), 0U);
  EXPECT_EQ(snapshot.sum(), nanoseconds(0));
  EXPECT_EQ(snapshot.Quantile(0.99), nanoseconds(0));
}

TEST(Histogram, SumIsExactAndNegativeTimesCountAsZero) {
  Histogram histogram;
  histogram.Record(nanoseconds(1'000'003));
  histogram.Record(nanoseconds(2));
  histogram.Record(nanoseconds(-5));
  const HistogramSnapshot snapshot = histogram.Snapshot();
  EXPECT_EQ(snapshot.sum(), nanoseconds(1'000'005));
  EXPECT_EQ(snapshot.count(), 3U);
  EXPECT_LE(snapshot.Quantile(0.3), nanoseconds(2));
}

TEST(Histogram, CountAtMostIsCumulative) {
  Histogram histogram;
  for (const int micros : {50, 100, 500, 20'000})
    histogram.Record(std::chrono::microseconds(micros));
  const HistogramSnapshot snapshot = histogram.Snapshot();
  EXPECT_EQ(snapshot.CountAtMost(std::chrono::microseconds(49)), 0U);
  EXPECT_EQ(snapshot.CountAtMost(std::chrono::microseconds(100)), 2U) << "the bound itself counts";
  EXPECT_EQ(snapshot.CountAtMost(std::chrono::milliseconds(1)), 3U);
  EXPECT_EQ(snapshot.CountAtMost(std::chrono::hours(1)), 4U);
}

// Cores are merged for a scrape; a window is a difference of two snapshots.
TEST(Histogram, MergesAndSubtracts) {
  Histogram one;
  Histogram other;
  one.Record(std::chrono::milliseconds(1));
  const HistogramSnapshot early = one.Snapshot();
  one.Record(std::chrono::milliseconds(9));
  other.Record(std::chrono::milliseconds(5));
  HistogramSnapshot both = one.Snapshot();
  both.Merge(other.Snapshot());
  EXPECT_EQ(both.count(), 3U);
  EXPECT_EQ(both.sum(), std::chrono::milliseconds(15));
  EXPECT_NEAR(static_cast<double>(both.Quantile(0.5).count()), 5e6, 5e4);
  both.Subtract(early);
  EXPECT_EQ(both.count(), 2U);
  EXPECT_EQ(both.sum(), std::chrono::milliseconds(14));
  EXPECT_NEAR(static_cast<double>(both.Quantile(0.5).count()), 5e6, 5e4);
}

}  // namespace
}  // namespace podium
