#include "control/guard/canary_guard.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/limits.h"
#include "base/log.h"

namespace podium::control {

int CanaryGuard::Check() {
  int aborted = 0;
  const view::ViewPtr view = publisher_.state().view;
  for (const view::RouteView& route : view->routes()) {
    const routing::VersionIndex canary = route.route->canary;
    if (canary == routing::kNoVersion) continue;
    if (route.serving[canary].state != LoadState::kFailed) continue;
    const ModelId& id = route.route->At(canary).model_id;
    const std::optional<runtime::ModelStatus> status = runtime_.StatusOf(id);
    if (!status || !status->quarantined) continue;
    const Status done = Abort(route.route->name, id, status->error);
    if (done) {
      ++aborted;
      continue;
    }
    LogWarning("a harmful canary could not be ended: tried again shortly",
               {{"route", route.route->name.get()}, {"error", Describe(done.error())}});
  }
  return aborted;
}

Status CanaryGuard::Abort(const RouteName& route, const ModelId& canary, const std::string& why) {
  PODIUM_TRY_ASSIGN(const store::RouteState state, store_.ReadRoute(route));
  const bool is_canary =
      std::any_of(state.versions.begin(), state.versions.end(), [&](const ModelVersion& version) {
        return version.model_id == canary && version.status == VersionStatus::kCanary;
      });
  if (!is_canary) return {};  // A person was quicker; the view will show it.
  store::MutationContext context;
  context.actor = "podium";
  context.origin = "guard";
  context.reason =
      ("version " + canary.get() + " is out of service: " + why).substr(0, limits::kMaxReasonBytes);
  // A person who ends it and sets another canary meanwhile must not lose theirs.
  context.if_match = state.route.revision;
  PODIUM_TRY_ASSIGN(const store::Committed committed,
                    store_.Apply(store::EndCanary{route}, context));
  LogError("canary aborted", {{"route", route.get()},
                              {"model_id", canary.get()},
                              {"reason", context.reason},
                              {"revision", committed.revision.get()}});
  return publisher_.PublishAtLeast(committed.revision);
}

}  // namespace podium::control
