// /api/v1/routes: how each route stands, its canary, its arms, its rollback.
#include <set>
#include <utility>

#include "control/admin/context.h"
#include "control/admin/fields.h"
#include "control/admin/follow_json.h"
#include "control/admin/query.h"
#include "control/admin/rollout_here.h"
#include "control/admin/shadow_json.h"
#include "control/admin/verbs.h"
#include "control/admin/version_json.h"

namespace podium::control {
namespace {

using routing::kNoVersion;

RouteName NameOfRoute(const AdminCall& call) {
  return RouteName(std::string(call.captures.Get("route")));
}

Json RoleJson(const view::RouteView& route, routing::VersionIndex index) {
  if (index == kNoVersion) return {};
  Json json;
  json["model_id"] = route.route->At(index).model_id.get();
  json["version"] = route.route->At(index).version;
  json["load_state"] = NameOf(route.serving[index].state);
  return json;
}

// An arm may hold several runs of buckets; it is shown once.
Json ArmsJson(const view::RouteView& route) {
  Json arms = Json::array();
  std::set<routing::VersionIndex> shown;
  for (const routing::ArmSlot& slot : route.route->arms) {
    if (slot.version == kNoVersion || !shown.insert(slot.version).second) continue;
    Json arm = RoleJson(route, slot.version);
    arm["traffic_pct"] = slot.weight.percent();
    arms.push_back(std::move(arm));
  }
  return arms;
}

// With how it stands, as this replica saw it last.
Json FollowOf(const AdminContext& c, const routing::CompiledRoute& route) {
  Json json = FollowJson(route.follow);
  if (!route.follow || c.follow == nullptr) return json;
  json["standing"] = StandingJson(c.follow->StandingOf(route.name), c.clock.SteadyNow());
  return json;
}

Json RouteJson(const AdminContext& c, const view::RouteView& route,
               const view::PublishState& state) {
  const routing::CompiledRoute& compiled = *route.route;
  Json json;
  json["route"] = compiled.name.get();
  json["policy"] = NameOf(compiled.policy);
  json["sticky_on"] = NameOf(compiled.sticky_on);
  json["primary"] = RoleJson(route, compiled.primary);
  json["canary"] = RoleJson(route, compiled.canary);
  json["traffic_pct"] = compiled.canary_share.percent();
  json["previous_primary"] = compiled.previous_primary == kNoVersion
                                 ? Json()
                                 : Json(compiled.At(compiled.previous_primary).model_id.get());
  json["can_rollback"] =
      compiled.canary_share.value() > 0 || compiled.previous_primary != kNoVersion;
  json["arms"] = ArmsJson(route);
  json["follow"] = FollowOf(c, compiled);
  json["rollout"] = RolloutHere(c, route);
  json["shadow"] = ShadowPlanJson(compiled.shadow);
  json["challenger"] = ChallengerPlanJson(compiled.challenger);
  json["versions"] = compiled.versions.size();
  json["revision"] = compiled.revision.get();
  json["updated_at"] = FormatUtc(compiled.updated_at);
  json["generation"] = state.view->generation().get();
  json["faults"] = Json::array();
  for (const routing::CompileFault& fault : state.faults) {
    if (fault.route == compiled.name) json["faults"].push_back(fault.problem);
  }
  return json;
}

// What is shown is what the cores route by, not what the table may say meanwhile.
AdminReply ListRoutes(AdminCall& call) {
  const net::RequestHead& head = call.exchange.head();
  if (Status known = CheckQuery(head, {"limit", "cursor"}); !known) {
    co_return Fail(std::move(known).error());
  }
  const Result<int> limit = PageLimit(head);
  if (!limit) co_return Fail(limit.error());
  const std::string after = QueryText(head, "cursor").value_or("");
  const view::PublishState state = call.context.publisher.state();
  Json items = Json::array();
  std::string next;
  for (const view::RouteView& route : state.view->routes()) {
    if (!after.empty() && route.route->name.get() <= after) continue;
    if (items.size() == static_cast<std::size_t>(*limit)) {
      next = items.back()["route"].get<std::string>();
      break;
    }
    items.push_back(RouteJson(call.context, route, state));
  }
  co_return PageResponse(call, std::move(items), next);
}

AdminReply GetRoute(AdminCall& call) {
  const view::PublishState state = call.context.publisher.state();
  const RouteName name = NameOfRoute(call);
  const view::RouteView* route = state.view->Find(name.get());
  if (route == nullptr) {
    co_return Fail(ErrorCode::kNotFound, "there is no route {}", name.get());
  }
  net::Response response = JsonResponse(RouteJson(call.context, *route, state));
  response.headers.Add("ETag", fmt::format("\"{}\"", route->route->revision.get()));
  co_return response;
}

AdminReply SetCanary(AdminCall& call) {
  Fields fields(call.body);
  const ModelId id(fields.RequiredText("model_id", limits::kMaxNameBytes));
  const std::optional<double> percent = fields.Number("traffic_pct");
  if (!percent) fields.Complain("traffic_pct", "\"traffic_pct\" is required, 0 to 100");
  std::string reason = fields.Text("reason", limits::kMaxReasonBytes);
  const bool force = fields.Flag("force");
  if (Status fit = fields.Finish(); !fit) co_return Fail(std::move(fit).error());
  const Result<BasisPoints> share = BasisPoints::FromPercent(*percent);
  if (!share) co_return Fail(Error(share.error()).At("/traffic_pct"));

  auto verb =
      CarryOut(call, store::SetCanary{NameOfRoute(call), id, *share}, std::move(reason), force);
  Result<VerbOutcome> outcome = co_await std::move(verb);
  if (!outcome) co_return Fail(std::move(outcome).error());
  co_return VerbResponse(call, *outcome);
}

AdminReply EndCanary(AdminCall& call) {
  return CarryOutPlain(call, store::EndCanary{NameOfRoute(call)});
}

AdminReply RollBackRoute(AdminCall& call) {
  return CarryOutPlain(call, store::RollBackRoute{NameOfRoute(call)});
}

Result<std::vector<RouteArm>> ReadArms(const Json& list) {
  std::vector<RouteArm> arms;
  for (std::size_t i = 0; i < list.size(); ++i) {
    const std::string place = fmt::format("/arms/{}", i);
    if (!list[i].is_object()) {
      return Fail(Error{ErrorCode::kInvalidArgument, "an arm is {\"model_id\", \"weight\"}", place,
                        nullptr});
    }
    Fields fields(list[i]);
    RouteArm arm;
    arm.model_id = ModelId(fields.RequiredText("model_id", limits::kMaxNameBytes));
    const std::optional<double> weight = fields.Number("weight");
    if (!weight) fields.Complain("weight", "\"weight\" is required, 0.0 to 1.0");
    if (Status fit = fields.Finish(); !fit) {
      return Fail(Error(fit.error()).At(place + fit.error().where));
    }
    Result<BasisPoints> share = BasisPoints::FromPercent(*weight * 100.0);
    if (!share) {
      return Fail(Error{ErrorCode::kInvalidArgument,
                        fmt::format("a weight is 0.0 to 1.0 in steps of 0.0001, not {}", *weight),
                        place + "/weight", nullptr});
    }
    arm.slot = static_cast<int>(i);
    arm.weight = *share;
    arms.push_back(std::move(arm));
  }
  return arms;
}

AdminReply SetArms(AdminCall& call) {
  Fields fields(call.body);
  const Json* list = fields.Array("arms");
  if (list == nullptr)
    fields.Complain("arms", "\"arms\" is required; an empty list ends the split");
  std::string reason = fields.Text("reason", limits::kMaxReasonBytes);
  const bool force = fields.Flag("force");
  if (Status fit = fields.Finish(); !fit) co_return Fail(std::move(fit).error());
  Result<std::vector<RouteArm>> arms = ReadArms(*list);
  if (!arms) co_return Fail(std::move(arms).error());

  auto verb =
      CarryOut(call, store::SetArms{NameOfRoute(call), std::move(*arms)}, std::move(reason), force);
  Result<VerbOutcome> outcome = co_await std::move(verb);
  if (!outcome) co_return Fail(std::move(outcome).error());
  co_return VerbResponse(call, *outcome);
}

}  // namespace

void AddRouteEndpoints(AdminRoutes& routes) {
  using enum net::HttpMethod;
  constexpr auto kAdmin = Endpoint::Access::kAdmin;
  constexpr auto kJson = Endpoint::Body::kJson;
  routes.Add(kGet, "/api/v1/routes", {ListRoutes});
  routes.Add(kGet, "/api/v1/routes/{route}", {GetRoute});
  routes.Add(kPut, "/api/v1/routes/{route}/canary", {SetCanary, kAdmin, kJson});
  routes.Add(kDelete, "/api/v1/routes/{route}/canary", {EndCanary, kAdmin, kJson});
  routes.Add(kPut, "/api/v1/routes/{route}/arms", {SetArms, kAdmin, kJson});
  routes.Add(kPost, "/api/v1/routes/{route}/rollback", {RollBackRoute, kAdmin, kJson});
}

}  // namespace podium::control
