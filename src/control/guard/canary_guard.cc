#include "control/guard/canary_guard.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/limits.h"
#include "base/log.h"

namespace podium::control {

std::vector<HarmfulCanary> HarmfulCanaries(
    const view::CoreView& view,
    const std::function<std::optional<std::string>(const ModelId&)>& harm_of) {
  std::vector<HarmfulCanary> harmful;
  for (const view::RouteView& route : view.routes()) {
    const routing::VersionIndex canary = route.route->canary;
    if (canary == routing::kNoVersion) continue;
    if (route.serving[canary].state != LoadState::kFailed) continue;
    const ModelId& id = route.route->At(canary).model_id;
    if (auto why = harm_of(id)) harmful.push_back({route.route->name, id, std::move(*why)});
  }
  return harmful;
}

int CanaryGuard::Check() {
  const auto harm_of = [this](const ModelId& id) -> std::optional<std::string> {
    const std::optional<runtime::ModelStatus> status = runtime_.StatusOf(id);
    if (!status || !status->quarantined) return std::nullopt;
    return status->error;
  };
  int aborted = 0;
  const view::ViewPtr view = publisher_.state().view;
  for (const HarmfulCanary& canary : HarmfulCanaries(*view, harm_of)) {
    const Status done = Abort(canary);
    if (done) {
      ++aborted;
      continue;
    }
    LogWarning("a harmful canary could not be ended: tried again shortly",
               {{"route", canary.route.get()}, {"error", Describe(done.error())}});
  }
  return aborted;
}

Status CanaryGuard::Abort(const HarmfulCanary& canary) {
  const auto& [route, id, why] = canary;
  PODIUM_TRY_ASSIGN(const store::RouteState state, store_.ReadRoute(route));
  const bool is_canary =
      std::any_of(state.versions.begin(), state.versions.end(), [&](const ModelVersion& version) {
        return version.model_id == canary.id && version.status == VersionStatus::kCanary;
      });
  if (!is_canary) return {};  // A person was quicker; the view will show it.
  store::MutationContext context;
  context.actor = "podium";
  context.origin = "guard";
  context.as_guard = true;
  context.reason =
      ("version " + id.get() + " is out of service: " + why).substr(0, limits::kMaxReasonBytes);
  // A person who ends it and sets another canary meanwhile must not lose theirs.
  context.if_match = state.route.revision;
  PODIUM_TRY_ASSIGN(const store::Committed committed,
                    store_.Apply(store::EndCanary{route}, context));
  LogError("canary aborted", {{"route", route.get()},
                              {"model_id", id.get()},
                              {"reason", context.reason},
                              {"revision", committed.revision.get()}});
  return publisher_.PublishAtLeast(committed.revision);
}

}  // namespace podium::control
