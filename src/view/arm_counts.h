// The sums of what cores have counted of the arms of a rollout.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "domain/rollout.h"
#include "view/tally_layout.h"

namespace podium::view {

/// One arm here, cumulative.
struct ArmCounts {
  std::uint64_t units = 0;     ///< Requests assigned; with sticky units keys at their first sight.
  std::uint64_t requests = 0;  ///< Outcomes.
  std::array<std::uint64_t, kRolloutSeries> bad{};  ///< Bad outcomes, also with sticky units.
};

/// Of all cores, while they count: never more bad outcomes than outcomes, nor of these than were
/// admitted.
ArmCounts SumOf(std::span<const CoreCounters> cores, bool canary);
std::uint64_t SumOfIneligible(std::span<const CoreCounters> cores);

}  // namespace podium::view
