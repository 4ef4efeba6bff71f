// What is known of a primary before a step begins: the thresholds that are frozen for it, and how
// often the primary exceeds them.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>

#include "domain/rollout.h"
#include "view/version_stats.h"

namespace podium::view {

/// Below so many measurements of a kind nothing is said about its quantiles.
inline constexpr std::uint64_t kLeastForThresholds = 100;

/// Thresholds of latency and first token lie a tenth above the primary's quantile, and at least so
/// much: a candidate that is slower by less is slower for nobody.
inline constexpr std::chrono::milliseconds kLeastLatencySlack{1};

/// As RolloutEpoch has them.
struct RolloutBaseline {
  FrozenThresholds thresholds;
  std::array<std::uint64_t, kRolloutSeries> bad_before{};
  std::uint64_t units_before = 0;
};

/// From the calls that the primary served as such. Thresholds are the ends of the histogram's
/// buckets (at most 1.6 % above the quantile), with the slack on top: where all calls cost the
/// same, none of them exceeds it, and those of a dearer candidate do. As outcomes are counted, an
/// error exceeds every threshold that is known; one that was slow besides is counted twice here,
/// where nobody can tell any more. Pure.
RolloutBaseline BaselineOf(const StatsSnapshot& primary);

}  // namespace podium::view
