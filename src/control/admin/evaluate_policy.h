// The split that an evaluation asks about, as people type it: "1=50,2=50".
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "domain/off_policy_report.h"
#include "domain/version.h"

namespace podium::control {

/// Versions of a route, or their ids, with percent that add up to 100 (to 1e-6; the shares then add
/// up to 1 exactly). kInvalidArgument names what is wrong; kNotFound a version that the route does
/// not have.
Result<std::vector<PolicyShare>> ReadPolicy(const std::vector<ModelVersion>& versions,
                                            const std::string& text);

}  // namespace podium::control
