// Events of a sliding window, counted by one thread and read by any.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>

#include "base/clock.h"

namespace podium::gateway {

/// The window is its two newest halves, the one going on and the one before: it spans between half
/// of its width and the whole. Halves begin at the same moments for all counters of one width.
/// Threads: Add on one; Sum on any.
class WindowCounter {
 public:
  using Half = std::int64_t;  ///< Number of a half, from the clock's beginning.

  /// REQUIRES: 2 ns at least.
  explicit WindowCounter(std::chrono::nanoseconds width) : half_(width / 2) {}

  Half HalfOf(SteadyTime time) const { return time.time_since_epoch() / half_; }

  /// Counts up to 2^24 - 1 in a half.
  void Add(SteadyTime now) {
    const std::uint64_t tag = TagOf(HalfOf(now));
    std::atomic<std::uint64_t>& slot = slots_[tag % 2];
    const std::uint64_t held = slot.load(std::memory_order_relaxed);
    const std::uint64_t count = held >> kCountBits == tag ? held & kMostCounted : 0;
    slot.store(tag << kCountBits | (count < kMostCounted ? count + 1 : count),
               std::memory_order_relaxed);
  }

  /// Of the window that ends at `now`, but for the halves before `first`.
  std::int64_t Sum(SteadyTime now, Half first) const {
    std::int64_t sum = 0;
    for (const Half half : {HalfOf(now), HalfOf(now) - 1}) {
      const std::uint64_t held = slots_[TagOf(half) % 2].load(std::memory_order_relaxed);
      if (half >= first && held >> kCountBits == TagOf(half)) {
        sum += static_cast<std::int64_t>(held & kMostCounted);
      }
    }
    return sum;
  }

 private:
  static constexpr unsigned kCountBits = 24;
  static constexpr std::uint64_t kMostCounted = (std::uint64_t{1} << kCountBits) - 1;
  static std::uint64_t TagOf(Half half) {
    return static_cast<std::uint64_t>(half) & (~std::uint64_t{0} >> kCountBits);
  }

  const std::chrono::nanoseconds half_;
  std::array<std::atomic<std::uint64_t>, 2> slots_{};  // Number of the half, then its count.
};

}  // namespace podium::gateway
