// How the permitted chance of error is spent: over attempts, epochs and metrics.
//
// statistics.md, section 1 ("Several metrics" and rule 6); statistics_sticky.md ("The rule",
// "Guards and retries"). Pure; natural logarithms.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace podium::rollout {

enum class Profile : std::uint8_t { kStandard, kStrict };
/// 0.05, or strict 0.01: of rolling back a candidate that is fine, and of promoting one that is
/// not.
double AlphaOf(Profile profile);

/// What the k-th attempt (1-based) of the same artifact on the same route may spend:
/// alpha 6 / (pi^2 k^2), with sum alpha. Without it, ten attempts pass a bad candidate with 40 %.
double AttemptAlpha(double alpha, int attempt);

/// w_k of the k-th epoch (1-based): 1/K where K epochs are declared, 0 beyond them; 1/(k (k+1))
/// where none are (`declared` 0). A planned hold that lasts longer keeps its last epoch open.
double EpochWeight(int epoch, int declared);

/// A hold is cut into 8 equal epochs, and into more where they would exceed an hour.
int EpochsOfHold(double planned_hours);

/// ln(1 / (weight * alpha)): what ln E must reach. Infinity for weight 0.
double LogThreshold(double alpha, double weight = 1);

/// e-BH (Wang and Ramdas 2022): which of many metrics on a dashboard may be called changed, with a
/// false discovery rate of at most alpha under any dependence. Indexes into `log_e`, ascending.
std::vector<std::size_t> Discoveries(std::span<const double> log_e, double alpha);

}  // namespace podium::rollout
