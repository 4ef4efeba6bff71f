// Is the split the one that was asked for?
//
// statistics.md, section 1 (d): a Dirichlet-multinomial e-process over the first sight of each
// unit. An alarm means that the data cannot be trusted (a filter behind the bucket, a cache, a
// client that retries into one arm): it stops all automatic decisions and rolls nothing back. Pure.
#pragma once

#include <cstdint>
#include <span>

namespace podium::rollout {

inline constexpr double kSampleRatioAlpha = 0.001;
inline constexpr double kSampleRatioPrior = 100;  ///< K: how far off a split is looked for first.

/// ln E of one step against "units fall on the arms with these probabilities". Plus infinity when
/// an arm with probability 0 was given a unit. REQUIRES: equally many weights and counts; weights
/// >= 0 with sum 1.
double LogSampleRatioE(std::span<const double> weights, std::span<const std::uint64_t> counts);

/// The same for candidate against primary, where `share` is the probability of the candidate.
double LogSampleRatioE(double share, std::uint64_t canary_units, std::uint64_t units);

}  // namespace podium::rollout
