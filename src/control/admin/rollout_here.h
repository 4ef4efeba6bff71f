// The rollout that runs on a route, as this replica shows it without asking the registry: from the
// view that calls are routed by, and from what its driver has seen.
#pragma once

#include "base/json.h"
#include "control/admin/context.h"

namespace podium::control {

/// RolloutLine of the rollout on `route`, null without one. What is not known yet is null in it.
Json RolloutHere(const AdminContext& c, const view::RouteView& route);
/// The same for the version that is the candidate of one; null for all others.
Json RolloutHere(const AdminContext& c, const ModelVersion& version);

}  // namespace podium::control
