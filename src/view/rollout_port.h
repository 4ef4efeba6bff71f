// The port through which control's folders ask how the rollouts that run stand.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "domain/ids.h"
#include "domain/rollout.h"
#include "domain/traffic.h"

namespace podium::view {

/// A rollout that runs, as this replica saw it last. What the verdict says is known to the replica
/// that drives it; for all others the store has it (RolloutVerdict, number 0).
struct RolloutStanding {
  RolloutId id;
  RouteName route;
  ModelId candidate;
  RolloutPhase phase = RolloutPhase::kRunning;
  std::uint32_t step = 0;
  std::uint32_t steps = 0;  ///< Of the plan.
  BasisPoints share;
  bool overdue = false;  ///< That the step's deadline has passed has been told.
  std::string said;      ///< The last sentence of its row.
  bool driven_here = false;
  // Of the latest look from here; `decision` is empty before there was one.
  std::string decision;  ///< "hold", "step-up", …
  std::string sentence;
  double log_e = 0;  ///< Of the alarm, and what it needs.
  double log_e_needs = std::numeric_limits<double>::infinity();
  double log_e_sample_ratio = 0;
  double sample_ratio_needs = std::numeric_limits<double>::infinity();
  std::uint64_t canary_units = 0;  ///< Of the present epoch, all replicas.
  std::uint64_t units = 0;
  WallTime looked_at;   ///< The database's clock.
  std::string trouble;  ///< Why the latest look or move did not come through; empty when it did.
  /// Its row cannot be read, so nobody drives it. What is said of it is of before that, or nothing.
  bool unread = false;
};

/// Threads: any.
class RolloutPort {
 public:
  virtual ~RolloutPort() = default;
  /// By id.
  virtual std::vector<RolloutStanding> Standings() const = 0;
  /// nullopt: it does not run, or has not been seen from here yet.
  virtual std::optional<RolloutStanding> StandingOf(const RolloutId& id) const = 0;
};

}  // namespace podium::view
