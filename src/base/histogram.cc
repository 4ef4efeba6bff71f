#include "base/histogram.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>

namespace podium {
namespace {

// One writer: a plain load and store is an increment, without a locked instruction.
void Add(std::atomic<std::uint64_t>& cell, std::uint64_t amount) {
  cell.store(cell.load(std::memory_order_relaxed) + amount, std::memory_order_relaxed);
}

}  // namespace

std::size_t Histogram::BucketOf(std::uint64_t nanoseconds) {
  if (nanoseconds < (std::uint64_t{1} << kMinExponent)) {
    return static_cast<std::size_t>(nanoseconds >> (kMinExponent - kSubBits));
  }
  const int exponent = std::min(63 - std::countl_zero(nanoseconds), kMaxExponent + 1);
  if (exponent > kMaxExponent) return kBuckets - 1;
  const std::uint64_t sub = (nanoseconds >> (exponent - kSubBits)) & ((1U << kSubBits) - 1);
  return (static_cast<std::size_t>(exponent - kMinExponent + 1) << kSubBits) + sub;
}

std::uint64_t Histogram::MiddleOf(std::size_t bucket) {
  const std::size_t octave = bucket >> kSubBits;
  const std::uint64_t sub = bucket & ((1U << kSubBits) - 1);
  if (octave == 0)
    return (sub << (kMinExponent - kSubBits)) + (1U << (kMinExponent - kSubBits - 1));
  const int shift = kMinExponent + static_cast<int>(octave) - 1 - kSubBits;
  return (((std::uint64_t{1} << kSubBits) + sub) << shift) + (std::uint64_t{1} << (shift - 1));
}

std::uint64_t Histogram::LastOf(std::size_t bucket) {
  if (bucket == kBuckets - 1) return static_cast<std::uint64_t>(INT64_MAX);
  const std::size_t octave = bucket >> kSubBits;
  const std::uint64_t after = (bucket & ((1U << kSubBits) - 1)) + 1;
  if (octave == 0) return (after << (kMinExponent - kSubBits)) - 1;
  const int shift = kMinExponent + static_cast<int>(octave) - 1 - kSubBits;
  return (((std::uint64_t{1} << kSubBits) + after) << shift) - 1;
}

void Histogram::Record(std::chrono::nanoseconds value) {
  const auto ns = static_cast<std::uint64_t>(std::max<std::int64_t>(value.count(), 0));
  Add(counts_[BucketOf(ns)], 1);
  Add(sum_ns_, ns);
}

HistogramSnapshot Histogram::Snapshot() const {
  HistogramSnapshot snapshot;
  for (std::size_t i = 0; i < kBuckets; ++i) {
    snapshot.counts_[i] = counts_[i].load(std::memory_order_relaxed);
    snapshot.count_ += snapshot.counts_[i];
  }
  snapshot.sum_ = std::chrono::nanoseconds(sum_ns_.load(std::memory_order_relaxed));
  return snapshot;
}

HistogramSnapshot::HistogramSnapshot() : counts_(Histogram::kBuckets, 0) {}

void HistogramSnapshot::Merge(const HistogramSnapshot& other) {
  for (std::size_t i = 0; i < counts_.size(); ++i) counts_[i] += other.counts_[i];
  count_ += other.count_;
  sum_ += other.sum_;
}

void HistogramSnapshot::Subtract(const HistogramSnapshot& earlier) {
  for (std::size_t i = 0; i < counts_.size(); ++i) counts_[i] -= earlier.counts_[i];
  count_ -= earlier.count_;
  sum_ -= earlier.sum_;
}

std::chrono::nanoseconds HistogramSnapshot::Quantile(double q) const {
  if (count_ == 0) return std::chrono::nanoseconds(0);
  return std::chrono::nanoseconds(
      static_cast<std::int64_t>(Histogram::MiddleOf(BucketOfQuantile(q))));
}

std::chrono::nanoseconds HistogramSnapshot::QuantileBound(double q) const {
  if (count_ == 0) return std::chrono::nanoseconds(0);
  return std::chrono::nanoseconds(
      static_cast<std::int64_t>(Histogram::LastOf(BucketOfQuantile(q))));
}

// REQUIRES: there are samples.
std::size_t HistogramSnapshot::BucketOfQuantile(double q) const {
  // 0.07 * 100 is a little above 7 in binary, and must not round up to the eighth.
  const double exact = std::ceil(q * static_cast<double>(count_) * (1.0 - 1e-12));
  const auto rank = std::clamp<std::uint64_t>(static_cast<std::uint64_t>(exact), 1, count_);
  std::size_t bucket = 0;
  for (std::uint64_t seen = counts_[0]; seen < rank && bucket + 1 < counts_.size();) {
    seen += counts_[++bucket];
  }
  return bucket;
}

std::uint64_t HistogramSnapshot::CountAtMost(std::chrono::nanoseconds bound) const {
  const std::size_t last = Histogram::BucketOf(static_cast<std::uint64_t>(bound.count()));
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i <= last; ++i) seen += counts_[i];
  return seen;
}

}  // namespace podium
