// /admin/ai-quality/models: the paths of the original request, twins of those under /api/v1.
#include <map>
#include <utility>

#include "control/admin/context.h"
#include "control/admin/query.h"
#include "control/admin/verbs.h"
#include "control/admin/version_json.h"

namespace podium::control {
namespace {

Json ModelJson(const routing::CompiledRoute& route, const ModelVersion& version) {
  const bool primary = version.status == VersionStatus::kPrimary;
  Json json;
  json["id"] = version.model_id.get();
  json["feature"] = route.name.get();
  json["provider_key"] = version.provider_key;
  json["version"] = version.version;
  json["status"] = NameOf(version.status);
  json["traffic_pct"] = version.share.percent();
  json["updated_at"] = FormatUtc(version.updated_at);
  json["can_promote"] =
      version.status == VersionStatus::kShadow || version.status == VersionStatus::kCanary;
  json["can_rollback"] =
      primary && (route.canary_share.value() > 0 || route.previous_primary != routing::kNoVersion);
  return json;
}

AdminReply ListModelsOfFeatures(AdminCall& call) {
  const net::RequestHead& head = call.exchange.head();
  if (Status known = CheckQuery(head, {"feature", "limit", "cursor"}); !known)
    co_return Fail(std::move(known).error());
  const std::optional<std::string> feature = QueryText(head, "feature");
  const view::PublishState state = call.context.publisher.state();
  std::map<std::string, Json> items;
  for (const view::RouteView& route : state.view->routes()) {
    if (feature && route.route->name.get() != *feature) continue;
    for (const ModelVersion& version : route.route->versions) {
      items.insert_or_assign(version.model_id.get(), ModelJson(*route.route, version));
    }
  }
  co_return KeyedPage(call, std::move(items));
}

AdminReply PromoteModel(AdminCall& call) {
  return CarryOutPlain(call, store::PromoteVersion{VersionIdOf(call)});
}

AdminReply RollBackFeature(AdminCall& call) {
  return CarryOutPlain(call, store::RollBackRoute{RouteName(std::string(call.captures.Get("id")))});
}

}  // namespace

void AddQualityEndpoints(AdminRoutes& routes) {
  using enum net::HttpMethod;
  constexpr auto kAdmin = Endpoint::Access::kAdmin;
  constexpr auto kJson = Endpoint::Body::kJson;
  routes.Add(kGet, "/admin/ai-quality/models", {ListModelsOfFeatures});
  routes.Add(kPost, "/admin/ai-quality/models/{id}/promote", {PromoteModel, kAdmin, kJson});
  routes.Add(kPost, "/admin/ai-quality/models/{id}/rollback", {RollBackFeature, kAdmin, kJson});
}

}  // namespace podium::control
