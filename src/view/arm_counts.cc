#include "view/arm_counts.h"

#include <cstddef>

namespace podium::view {

ArmCounts SumOf(std::span<const CoreCounters> cores, bool canary) {
  ArmCounts sum;
  for (const CoreCounters& core : cores) {
    const ArmCounters& arm = core.arms[canary ? 1 : 0];
    // Backwards: what is read later may be more.
    for (std::size_t i = 0; i < kRolloutSeries; ++i) {
      sum.bad[i] += arm.bad[i].load(std::memory_order_acquire);
    }
    sum.requests += arm.requests.load(std::memory_order_acquire);
    sum.units += arm.units.load(std::memory_order_acquire);
  }
  return sum;
}

std::uint64_t SumOfIneligible(std::span<const CoreCounters> cores) {
  std::uint64_t sum = 0;
  for (const CoreCounters& core : cores) sum += core.ineligible.load(std::memory_order_acquire);
  return sum;
}

}  // namespace podium::view
