#include "gateway/active_endpoint.h"

#include <string>
#include <utility>

#include "base/json.h"
#include "net/target.h"

namespace podium::gateway {
namespace {

using routing::kNoVersion;

Json Shown(const routing::CompiledRoute& route, routing::VersionIndex index) {
  if (index == kNoVersion) return {};
  const ModelVersion& version = route.At(index);
  Json json;
  json["model_id"] = version.model_id.get();
  json["name"] = version.name;
  json["version"] = version.version;
  json["artifact_uri"] = version.artifact_uri;
  return json;
}

Result<Json> Active(const view::CoreView& view, const net::RequestHead& head) {
  const std::optional<std::string> type = net::QueryValue(head.query, "type");
  if (!type || type->empty()) {
    return Fail(ErrorCode::kInvalidArgument,
                "say which model type is meant: /internal/models/active?type=ROUTE");
  }
  const view::RouteView* found = view.Find(*type);
  if (found == nullptr || found->route->primary == kNoVersion) {
    return Fail(ErrorCode::kNotFound, "{} has no active version", *type);
  }
  const routing::CompiledRoute& route = *found->route;
  const bool has_canary = route.canary != kNoVersion;
  Json json;
  json["type"] = *type;
  json["active_version"] = route.At(route.primary).version;
  json["canary_version"] = has_canary ? Json(route.At(route.canary).version) : Json();
  json["traffic_pct"] = route.canary_share.percent();
  json["updated_at"] = FormatUtc(route.updated_at);
  json["active"] = Shown(route, route.primary);
  json["canary"] = Shown(route, route.canary);
  json["generation"] = view.generation().get();
  json["salt"] = route.canary_salt;
  return json;
}

}  // namespace

Status AnswerActive(GatewayCore& core, net::Exchange& exchange, net::Response& response) {
  const view::ViewPtr view = core.cell.Pin();
  PODIUM_TRY_ASSIGN(const Json active, Active(*view, exchange.head()));
  response.body = DumpJson(active);
  response.body += '\n';
  return {};
}

}  // namespace podium::gateway
