// Shadow and challenger of a route as the API shows them.
#pragma once

#include <optional>

#include "base/json.h"
#include "control/admin/context.h"
#include "domain/shadow.h"

namespace podium::control {

/// What was set; null when nothing was.
Json ShadowPlanJson(const std::optional<ShadowPlan>& plan);
Json ChallengerPlanJson(const std::optional<ChallengerPlan>& plan);

/// The same with what this replica has counted since it started. REQUIRES: c.shadows.
Json ShadowStandingJson(const AdminContext& c, const view::RouteView& route);
Json ChallengerStandingJson(const AdminContext& c, const view::RouteView& route);

/// Counters of all shadows and challengers, for a scrape.
void WriteShadowMetrics(Exposition& out, const AdminContext& c, const view::CoreView& view);

}  // namespace podium::control
