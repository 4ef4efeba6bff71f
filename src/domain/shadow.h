// What a route's other versions get to see of its traffic, and whether one of them may answer.
//
// Both are settings of the route's row and never choose a version: the table assigns, a shadow
// watches, and a challenger is asked beside the champion (requirements D1 to D4).
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "base/money.h"
#include "base/result.h"
#include "domain/ids.h"
#include "domain/traffic.h"

namespace podium {

/// Which part of a route's traffic its shadows get copies of.
struct ShadowPlan {
  static constexpr NanoUsd kUsualCap{10 * kNanosPerUsd};
  static constexpr double kUsualTolerance = 1e-3;

  BasisPoints rate;  ///< Of the units whose calls the primary answers. 0: off.
  /// What copies to providers may cost in one day (UTC), of all replicas together. 0: none is sent.
  NanoUsd daily_cap = kUsualCap;
  /// Numbers agree that differ by no more than this part of the champion's, or of 1 if that is
  /// more. Labels agree when they are the same.
  double tolerance = kUsualTolerance;
  /// Only these; empty: every version in the role of a shadow.
  std::vector<ModelId> versions;

  bool on() const { return rate > BasisPoints(); }
  bool operator==(const ShadowPlan&) const = default;
};
/// kInvalidArgument, naming the field.
Status Validate(const ShadowPlan& plan);

/// Champion and challenger: both are asked, one of them answers.
struct ChallengerPlan {
  ModelId challenger;
  bool testing = false;  ///< Off: it stays loaded and is not called.
  /// Its answer is given when u >= 1 - weight, u uniform in [0, 1).
  BasisPoints weight = *BasisPoints::From(1000);
  bool sticky = false;  ///< u is of the call's unit, not of the call.
  /// It answers within this time or the champion does; 0: the route's own deadline.
  std::chrono::milliseconds deadline{0};

  bool operator==(const ChallengerPlan&) const = default;
};
Status Validate(const ChallengerPlan& plan);

/// Whose answer is given. Pure. `u` in [0, 1).
constexpr bool TakesChallenger(double u, BasisPoints weight) {
  return u >= 1.0 - weight.value() / static_cast<double>(BasisPoints::kWhole);
}

}  // namespace podium
