// Thompson sampling for two arms as a committed share: the candidate gets the probability that it
// succeeds more often than the primary, by what is known now.
//
// Nothing is drawn at random. The probability is computed, becomes a share, and the buckets do the
// drawing, so that each decision's propensity is the share itself and anybody can compute a move
// again. Unlike the tests beside it this bounds no chance of error: it trades outcomes now against
// knowledge, and has to be watched by an alarm that does. Pure.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "domain/traffic.h"

namespace podium::rollout {

/// Outcomes of one arm while the share stayed the same.
struct ArmOutcomes {
  std::uint64_t successes = 0;
  std::uint64_t failures = 0;
};
/// Both arms' in one epoch.
struct EpochOutcomes {
  ArmOutcomes candidate;
  ArmOutcomes primary;
};

/// A Beta distribution of a rate of success.
struct BetaPosterior {
  double alpha = 1;
  double beta = 1;
};
struct Posteriors {
  BetaPosterior candidate;
  BetaPosterior primary;
};

/// From the uniform prior, oldest epoch first. Each later outcome, of either arm, makes an earlier
/// one weigh `discount` of what it did; within an epoch outcomes are taken to be evenly mixed.
/// REQUIRES: 0 < discount <= 1.
Posteriors PosteriorsOf(std::span<const EpochOutcomes> epochs, double discount);

/// P(a rate of `a` > a rate of `b`), by Gauss-Legendre quadrature over the logit: to 1e-9 for
/// parameters from 1 to 10^7. REQUIRES: all parameters are at least 1.
double ProbabilityAbove(const BetaPosterior& a, const BetaPosterior& b);

/// What a plan says of it.
struct ThompsonPlan {
  BasisPoints most;           ///< Never above it.
  double exploration = 0.02;  ///< Split evenly, so that each arm keeps half of it.
  double discount = 0.9999;
  std::chrono::microseconds interval{};  ///< Between moves at least; see ThompsonInterval.
};

/// The share of a candidate that is better with this probability: (1 - exploration) P +
/// exploration / 2 in whole basis points, at least 1, at most `most`.
BasisPoints ThompsonShare(double probability, const ThompsonPlan& plan);

/// Shares that differ by less stay, so that the table does not change for nothing; but the least
/// and the most share are always gone to.
inline constexpr int kLeastThompsonMove = 200;
/// A rollout has only so many epochs: after each kThompsonEpochsPerPace of them, moves come half as
/// often. So 10 s become 21 minutes, and it lasts for 90 hours if it moves whenever it may.
inline constexpr std::chrono::seconds kLeastThompsonInterval{10};
inline constexpr std::size_t kThompsonEpochsPerPace = 128;
/// Least time between moves behind so many epochs.
std::chrono::microseconds ThompsonInterval(const ThompsonPlan& plan, std::size_t epochs);

struct ThompsonMove {
  BasisPoints share;
  std::string reason;  ///< One sentence with the numbers.
};
/// nullopt: it stays as it is. `in_share`: how long it has had `share`.
std::optional<ThompsonMove> NextThompsonMove(std::span<const EpochOutcomes> epochs,
                                             BasisPoints share, std::chrono::microseconds in_share,
                                             const ThompsonPlan& plan);

}  // namespace podium::rollout
