// /api/v1/routes/{route}/follow and /reload: a registered model drives the route, or does not.
#include <utility>

#include "control/admin/context.h"
#include "control/admin/fields.h"
#include "control/admin/follow_json.h"
#include "control/admin/verbs.h"
#include "domain/model_limits.h"

namespace podium::control {
namespace {

RouteName FollowedRoute(const AdminCall& call) {
  return RouteName(std::string(call.captures.Get("route")));
}

Result<OnChampion> ReadOnChampion(const std::string& text) {
  if (text.empty()) return OnChampion::kPromote;
  if (const auto action = ParseOnChampion(text)) return *action;
  return Fail(Error{ErrorCode::kInvalidArgument,
                    fmt::format("on_champion is \"{}\", must be promote or rollout", text),
                    "/on_champion", nullptr});
}

// {"model", "champion", "challenger", "challenger_share", "on_champion"}, and why.
AdminReply SetFollow(AdminCall& call) {
  constexpr std::size_t kMostBytes = 4 * limits::kMaxModelNameChars;
  Fields fields(call.body);
  Follow follow;
  follow.model = fields.RequiredText("model", kMostBytes);
  follow.champion = fields.Text("champion", kMostBytes);
  follow.challenger = fields.Text("challenger", kMostBytes);
  const std::optional<double> percent = fields.Number("challenger_share");
  const std::string action = fields.Text("on_champion", limits::kMaxNameBytes);
  std::string reason = fields.Text("reason", limits::kMaxReasonBytes);
  if (Status fit = fields.Finish(); !fit) co_return Fail(std::move(fit).error());
  if (percent) {
    const Result<BasisPoints> share = BasisPoints::FromPercent(*percent);
    if (!share) co_return Fail(Error(share.error()).At("/challenger_share"));
    follow.challenger_share = *share;
  }
  const Result<OnChampion> on_champion = ReadOnChampion(action);
  if (!on_champion) co_return Fail(on_champion.error());
  follow.on_champion = *on_champion;

  auto verb =
      CarryOut(call, store::SetFollow{FollowedRoute(call), std::move(follow)}, std::move(reason));
  Result<VerbOutcome> outcome = co_await std::move(verb);
  if (!outcome) co_return Fail(std::move(outcome).error());
  co_return VerbResponse(call, *outcome);
}

AdminReply EndFollow(AdminCall& call) {
  return CarryOutPlain(call, store::SetFollow{FollowedRoute(call), std::nullopt});
}

AdminReply ResumeFollow(AdminCall& call) {
  return CarryOutPlain(call, store::ResumeFollow{FollowedRoute(call)});
}

// A look now, and what it brings about. `force` passes a signature that does not fit, if
// X-Podium-Actor names a person.
AdminReply Reload(AdminCall& call) {
  const AdminContext& c = call.context;
  Fields fields(call.body);
  std::string reason = fields.Text("reason", limits::kMaxReasonBytes);
  const bool force = fields.Flag("force");
  if (Status fit = fields.Finish(); !fit) co_return Fail(std::move(fit).error());
  Result<store::MutationContext> asked = ContextOf(call, std::move(reason), force);
  if (!asked) co_return Fail(std::move(asked).error());
  view::FollowCaller caller{std::move(asked->actor), std::move(asked->reason), call.request_id,
                            asked->force, asked->named_person};
  auto look = c.follow->Look(FollowedRoute(call), std::move(caller));
  const Result<view::FollowStanding> standing = co_await std::move(look);
  if (!standing) co_return Fail(standing.error());
  const view::RouteView* route = c.publisher.state().view->Find(FollowedRoute(call).get());
  Json json;
  json["route"] = FollowedRoute(call).get();
  json["follow"] = FollowJson(route == nullptr ? std::nullopt : route->route->follow);
  json["standing"] = StandingJson(*standing, c.clock.SteadyNow());
  co_return JsonResponse(json);
}

}  // namespace

void AddFollowEndpoints(AdminRoutes& routes) {
  using enum net::HttpMethod;
  constexpr auto kAdmin = Endpoint::Access::kAdmin;
  constexpr auto kJson = Endpoint::Body::kJson;
  routes.Add(kPut, "/api/v1/routes/{route}/follow", {SetFollow, kAdmin, kJson});
  routes.Add(kDelete, "/api/v1/routes/{route}/follow", {EndFollow, kAdmin, kJson});
  routes.Add(kPost, "/api/v1/routes/{route}/follow/resume", {ResumeFollow, kAdmin, kJson});
  routes.Add(kPost, "/api/v1/routes/{route}/reload",
             {Reload, kAdmin, kJson, Endpoint::Precondition::kNone});
}

}  // namespace podium::control
