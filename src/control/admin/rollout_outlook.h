// What a plan can come to with the traffic that there is: how many requests each step needs, and
// which guard will never see anything. Said before a start, when it can still be changed.
//
// Pure. "About", always: by how the primary does now, and for a candidate that does as well.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/json.h"
#include "domain/rollout.h"

namespace podium::control {

/// What the primary has done lately, on this replica.
struct PrimaryTraffic {
  std::uint64_t requests = 0;
  std::uint64_t bad = 0;  ///< Errors and timeouts.
  double per_second = 0;  ///< Requests of both arms; 0: not known.
};

struct StepOutlook {
  BasisPoints share;
  /// Requests of both arms until a candidate like the primary is shown to be no worse. Infinity:
  /// never.
  double to_pass = 0;
  std::string waits_for;  ///< The guard that takes longest: "error_rate", …
  /// The same until a candidate with twice the errors is proven worse.
  double to_catch = 0;
};

struct RolloutOutlook {
  std::vector<StepOutlook> steps;     ///< Empty where nothing can be said.
  std::vector<std::string> warnings;  ///< Whole sentences.
};

/// `attempt`: of this artifact on this route, from 1.
RolloutOutlook OutlookOf(const RolloutPlan& plan, const PrimaryTraffic& primary, int attempt);

/// {"steps": […], "warnings": […], "primary": {…}}
Json ToJson(const RolloutOutlook& outlook, const PrimaryTraffic& primary);

}  // namespace podium::control
