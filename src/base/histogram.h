// A log-linear latency histogram with one writer and any number of readers.
//
// 64 linear buckets per power of two; a quantile is answered by its bucket's middle, so its
// relative error is at most 1/128 (0.79 %), below the promised 1 %, from 256 ns to 2^40 ns. Below,
// where 2 ns are nothing that matters, the error is at most those.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace podium {

/// Counts per bucket at one moment; what quantiles are read from.
class HistogramSnapshot {
 public:
  HistogramSnapshot();
  void Merge(const HistogramSnapshot& other);
  /// REQUIRES: `earlier` was taken from the same histogram before this one.
  void Subtract(const HistogramSnapshot& earlier);
  std::uint64_t count() const { return count_; }
  std::chrono::nanoseconds sum() const { return sum_; }
  /// The `q`-quantile (0 < q <= 1), nearest-rank; 0 without samples.
  std::chrono::nanoseconds Quantile(double q) const;
  /// The greatest value that cannot be told from that quantile: nothing of its bucket is above it.
  std::chrono::nanoseconds QuantileBound(double q) const;
  /// Samples at most `bound`, to the histogram's resolution; for cumulative exposition.
  std::uint64_t CountAtMost(std::chrono::nanoseconds bound) const;

 private:
  friend class Histogram;
  std::size_t BucketOfQuantile(double q) const;
  std::vector<std::uint64_t> counts_;
  std::uint64_t count_ = 0;
  std::chrono::nanoseconds sum_{0};
};

/// Threads: Record from one thread; Snapshot from any.
class Histogram {
 public:
  static constexpr int kSubBits = 6;      ///< 64 buckets per octave.
  static constexpr int kMinExponent = 8;  ///< Below 256 ns everything is one octave.
  static constexpr int kMaxExponent =
      39;  ///< 2^40 ns (18 minutes) and above share the last bucket.
  static constexpr std::size_t kBuckets = static_cast<std::size_t>(kMaxExponent - kMinExponent + 2)
                                          << kSubBits;

  void Record(std::chrono::nanoseconds value);
  HistogramSnapshot Snapshot() const;

  static std::size_t BucketOf(std::uint64_t nanoseconds);
  static std::uint64_t MiddleOf(std::size_t bucket);
  static std::uint64_t LastOf(std::size_t bucket);  ///< The greatest value that falls into it.

 private:
  std::array<std::atomic<std::uint64_t>, kBuckets> counts_{};
  std::atomic<std::uint64_t> sum_ns_{0};
};

}  // namespace podium
