// Chance in a simulation: everything that is drawn comes from one seed, in one order.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/assert.h"
#include "base/rng.h"

namespace podium::testing {

/// Threads: one at a time.
class Dice {
 public:
  explicit Dice(std::uint64_t seed) : rng_(seed) {}

  /// REQUIRES: count > 0.
  std::size_t Below(std::size_t count) { return static_cast<std::size_t>(rng_.Next64() % count); }
  int Between(int low, int high) {
    return low + static_cast<int>(Below(static_cast<std::size_t>(high - low) + 1));
  }
  bool Percent(int percent) { return Below(100) < static_cast<std::size_t>(percent); }
  template <typename T>
  const T& Pick(const std::vector<T>& items) {
    return items[Below(items.size())];
  }
  /// An index, as often as its weight says. REQUIRES: a weight above 0.
  std::size_t Weighted(std::span<const int> weights) {
    std::size_t sum = 0;
    for (const int weight : weights) sum += static_cast<std::size_t>(weight);
    std::size_t at = Below(sum);
    for (std::size_t i = 0; i < weights.size(); ++i) {
      if (at < static_cast<std::size_t>(weights[i])) return i;
      at -= static_cast<std::size_t>(weights[i]);
    }
    PODIUM_ASSERT(false);
  }

 private:
  SeededRng rng_;
};

}  // namespace podium::testing
