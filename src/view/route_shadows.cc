#include "view/route_shadows.h"

#include <algorithm>

#include "base/limits.h"
#include "view/core_view.h"

namespace podium::view {
namespace {

bool IsNamed(const ShadowPlan& plan, const ModelId& id) {
  return plan.versions.empty() ||
         std::find(plan.versions.begin(), plan.versions.end(), id) != plan.versions.end();
}

}  // namespace

bool InShadowSample(const routing::CompiledRoute& route, BasisPoints rate, std::string_view unit) {
  if (rate.value() == BasisPoints::kWhole) return true;
  return routing::BucketOf(routing::Layer::kShadow, route.salt, unit).fine < rate.value();
}

double ChallengerDraw(const routing::CompiledRoute& route, std::string_view unit) {
  const int fine = routing::BucketOf(routing::Layer::kChallenger, route.salt, unit).fine;
  return fine / static_cast<double>(BasisPoints::kWhole);
}

std::shared_ptr<const RouteShadows> ShadowsOf(const RouteView& view, ShadowTallies& tallies) {
  const routing::CompiledRoute& route = *view.route;
  if (!route.shadow || !route.shadow->on() || route.primary == routing::kNoVersion) return nullptr;
  RouteShadows shadows{
      route.shadow->rate, route.shadow->tolerance, route.shadow->daily_cap, {}, nullptr};
  const ModelId& champion = route.versions[route.primary].model_id;
  for (std::size_t i = 0; i < route.versions.size(); ++i) {
    const ModelVersion& row = route.versions[i];
    const bool watches = row.status == VersionStatus::kShadow && i != route.primary &&
                         IsNamed(*route.shadow, row.model_id) && view.serving[i].ready();
    if (!watches || shadows.targets.size() == limits::kMaxShadows) continue;
    shadows.targets.push_back({static_cast<routing::VersionIndex>(i),
                               tallies.Against(champion, route.name, row.model_id)});
  }
  if (shadows.targets.empty()) return nullptr;
  shadows.budget = tallies.BudgetOf(route.name);
  return std::make_shared<const RouteShadows>(std::move(shadows));
}

std::shared_ptr<const RouteChallenger> ChallengerOf(const RouteView& view, ShadowTallies& tallies) {
  const routing::CompiledRoute& route = *view.route;
  if (!route.challenger || !route.challenger->testing) return nullptr;
  const ChallengerPlan& plan = *route.challenger;
  RouteChallenger challenger;
  bool is_there = false;
  for (std::size_t i = 0; i < route.versions.size(); ++i) {
    if (route.versions[i].model_id != plan.challenger) continue;
    // One that has become primary, canary or arm has traffic of its own.
    const VersionStatus status = route.versions[i].status;
    is_there = status == VersionStatus::kShadow || status == VersionStatus::kStandby;
    if (is_there && view.serving[i].ready()) {
      challenger.version = static_cast<routing::VersionIndex>(i);
    }
  }
  if (!is_there || route.primary == routing::kNoVersion) return nullptr;
  challenger.weight = plan.weight;
  challenger.sticky = plan.sticky;
  challenger.deadline = plan.deadline;
  if (route.shadow) challenger.tolerance = route.shadow->tolerance;
  challenger.tally = tallies.ChallengerAgainst(route.versions[route.primary].model_id, route.name,
                                               plan.challenger);
  return std::make_shared<const RouteChallenger>(std::move(challenger));
}

}  // namespace podium::view
