#include "control/admin/rollout_here.h"

#include "control/admin/rollout_json.h"

namespace podium::control {

Json RolloutHere(const AdminContext& c, const view::RouteView& route) {
  const routing::CompiledRoute& compiled = *route.route;
  if (!compiled.rollout) return {};
  const RolloutId& id = compiled.rollout->id;
  std::optional<view::RolloutStanding> standing;
  if (c.driver != nullptr) standing = c.driver->StandingOf(id);
  const bool unknown = !standing;
  if (unknown) standing.emplace().id = id;
  // What the cores route by, not what the table may say meanwhile.
  standing->share = compiled.canary_share;
  if (compiled.canary != routing::kNoVersion) {
    standing->candidate = compiled.At(compiled.canary).model_id;
  }
  Json json = RolloutLine(*standing);
  if (unknown) {
    for (const char* key : {"phase", "step", "steps", "overdue"}) json[key] = nullptr;
  }
  return json;
}

Json RolloutHere(const AdminContext& c, const ModelVersion& version) {
  const view::ViewPtr view = c.publisher.state().view;
  const view::RouteView* route = view->Find(version.route.get());
  if (route == nullptr || route->route->canary == routing::kNoVersion) return {};
  const bool is_candidate = route->route->At(route->route->canary).model_id == version.model_id;
  return is_candidate ? RolloutHere(c, *route) : Json();
}

}  // namespace podium::control
