// What another policy would have earned, from a log of one that drew its arms at random. Pure.
//
// IPS, SNIPS and doubly robust, with what must be known to believe them: the effective sample size,
// the largest weight, and a refusal where the log cannot answer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/result.h"
#include "domain/off_policy_report.h"

namespace podium::control {

/// One decision that was logged with its outcome.
struct LoggedDecision {
  std::size_t arm = 0;
  double propensity = 0;  ///< Of that arm, when it was drawn. 0: not known.
  double reward = 0;
  double keep = 1;          ///< PredictionRow::keep: what was thinned counts for more.
  std::size_t stratum = 0;  ///< What the target policy may look at.
  std::uint64_t unit = 0;   ///< Of a unit all decisions stand or fall together.
};

/// Probabilities of the arms, for each stratum: [stratum][arm], each row sums to 1.
using TargetPolicy = std::vector<std::vector<double>>;

struct OffPolicyOptions {
  double clip = 0;  ///< Of the weights, for SNIPS only; 0: none. Shown with what it gives.
  double least_ess = 100;
};

/// Intervals of 95 % are by units (cluster-robust), so that a unit that comes often counts once.
/// The model of doubly robust is the mean reward of stratum and arm, cross-fitted in two halves by
/// unit. kInvalidArgument for a target that is no policy, or a decision that is outside of it;
/// kUnprocessable, with the reason, where the log cannot answer: the target wants an arm that a
/// stratum has never drawn, or the effective sample is below `least_ess`.
Result<OffPolicyReport> EvaluateOffPolicy(std::span<const LoggedDecision> log,
                                          const TargetPolicy& target,
                                          const OffPolicyOptions& options = {});

}  // namespace podium::control
