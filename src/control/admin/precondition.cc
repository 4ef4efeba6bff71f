#include "control/admin/precondition.h"

#include <utility>

#include "control/admin/rollout_reading.h"
#include "control/admin/standing_json.h"
#include "control/admin/version_json.h"
#include "store/cursor.h"

namespace podium::control {
namespace {

/// A resource as it is now, and the change that made it so.
struct Present {
  Json current;
  Json changed_by;
  Revision revision;
};

Result<Json> ChangeJson(store::RegistryStore& store, const RouteName& route, Revision revision) {
  // Newest first: the page that begins below the row after it begins with it.
  const store::PromotionQuery query{route, 1, store::EncodeCursor(Revision(revision.get() + 1))};
  PODIUM_TRY_ASSIGN(const store::Page<Promotion> page, store.ListPromotions(query));
  return page.items.empty() ? Json() : ToJson(page.items.front());
}

Result<Present> PresentVersion(const AdminContext& c, const ModelId& id) {
  PODIUM_TRY_ASSIGN(const ModelVersion version, c.store.FindVersion(id));
  PODIUM_TRY_ASSIGN(Json change, ChangeJson(c.store, version.route, version.revision));
  return Present{ToJson(version, StatusHere(c, version)), std::move(change), version.revision};
}

Result<Present> PresentRoute(const AdminContext& c, const RouteName& route) {
  PODIUM_TRY_ASSIGN(const store::RouteStanding standing, c.store.ReadStanding(route, {}));
  const Revision revision = standing.newest->revision;
  const Generation now = c.publisher.state().view->generation();
  return Present{ToJson(standing, EpochOf(now)), ToJson(*standing.newest), revision};
}

Result<Present> PresentRollout(const AdminContext& c, const RolloutId& id) {
  PODIUM_TRY_ASSIGN(const Rollout rollout, c.rollouts->FindRollout(id));
  PODIUM_TRY_ASSIGN(Json change, ChangeJson(c.store, rollout.route, rollout.revision));
  return Present{ToJson(rollout, NamesOf(c, rollout)), std::move(change), rollout.revision};
}

// Which resource it is, the path tells: {id} names a version, beside a route a rollout, or in the
// paths of the original request a route. A registration names its route in the body.
Result<Present> PresentOf(const AdminCall& call) {
  const AdminContext& c = call.context;
  const std::string route(call.captures.Get("route"));
  const std::string id(call.captures.Get("id"));
  if (!route.empty() && !id.empty()) return PresentRollout(c, RolloutId(id));
  if (!route.empty()) return PresentRoute(c, RouteName(route));
  const auto named = call.body.find("route");
  if (id.empty() && named != call.body.end() && named->is_string()) {
    return PresentRoute(c, RouteName(named->get<std::string>()));
  }
  Result<Present> version = PresentVersion(c, ModelId(id));
  return version ? std::move(version) : PresentRoute(c, RouteName(id));
}

}  // namespace

Task<net::Response> MismatchResponse(const AdminCall& call, Error error) {
  net::Response response = net::ProblemResponse(error, call.request_id);
  auto read = RunOn(call.context.pools.reads, [&] { return PresentOf(call); });
  const Result<Present> present = co_await std::move(read);
  if (!present) co_return response;
  Json body = ParseJson(response.body).value_or(Json::object());
  body["current"] = present->current;
  body["changed_by"] = present->changed_by;
  response.body = DumpJson(body) + '\n';
  response.headers.Add("ETag", fmt::format("\"{}\"", present->revision.get()));
  co_return response;
}

}  // namespace podium::control
