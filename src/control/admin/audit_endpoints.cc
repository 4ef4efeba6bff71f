// /api/v1/audit, /api/v1/audit/models: who moved what, when, and why;
// /api/v1/routes/{route}/as-of: what that came to.
#include <utility>

#include "control/admin/context.h"
#include "control/admin/query.h"
#include "control/admin/standing_json.h"
#include "control/admin/version_json.h"

namespace podium::control {
namespace {

AdminReply ListChanges(AdminCall& call) {
  const net::RequestHead& head = call.exchange.head();
  if (Status known = CheckQuery(head, {"route", "limit", "cursor"}); !known) {
    co_return Fail(std::move(known).error());
  }
  const Result<int> limit = PageLimit(head);
  if (!limit) co_return Fail(limit.error());
  store::PromotionQuery query;
  if (auto route = QueryText(head, "route")) query.route = RouteName(std::move(*route));
  query.limit = *limit;
  query.cursor = QueryText(head, "cursor").value_or("");
  auto read =
      RunOn(call.context.pools.reads, [&] { return call.context.store.ListPromotions(query); });
  const Result<store::Page<Promotion>> page = co_await std::move(read);
  if (!page) co_return Fail(page.error());
  Json items = Json::array();
  for (const Promotion& promotion : page->items) items.push_back(ToJson(promotion));
  co_return PageResponse(call, std::move(items), page->next_cursor);
}

Json RowJson(const store::ModelAudit& row) {
  Json json;
  json["number"] = row.number;
  json["model"] = row.model;
  json["version"] = row.version > 0 ? Json(std::to_string(row.version)) : Json();
  json["kind"] = row.kind;
  json["before"] = Json::parse(row.before, nullptr, false);
  json["after"] = Json::parse(row.after, nullptr, false);
  json["actor"] = row.actor;
  json["origin"] = row.origin;
  json["request_id"] = row.request_id.empty() ? Json() : Json(row.request_id);
  json["at"] = FormatUtc(row.at);
  json["hash"] = row.hash;
  return json;
}

// Of MLflow's registry: its changes take no revision, and have a trail of their own.
AdminReply ListModels(AdminCall& call) {
  const net::RequestHead& head = call.exchange.head();
  if (Status known = CheckQuery(head, {"model", "limit", "cursor"}); !known) {
    co_return Fail(std::move(known).error());
  }
  const Result<int> limit = PageLimit(head);
  if (!limit) co_return Fail(limit.error());
  const store::ModelAuditQuery query{QueryText(head, "model").value_or(""), *limit,
                                     QueryText(head, "cursor").value_or("")};
  // A row of an import holds many versions: it is read and written where it holds up no other call.
  auto read = RunOn(call.context.pools.reads, [&]() -> Result<net::Response> {
    PODIUM_TRY_ASSIGN(const auto page, call.context.models->ListModelAudit(query));
    Json items = Json::array();
    for (const store::ModelAudit& row : page.items) items.push_back(RowJson(row));
    return PageResponse(call, std::move(items), page.next_cursor);
  });
  co_return co_await std::move(read);
}

// What all changes up to a moment have left; up to now without one.
AdminReply AsOf(AdminCall& call) {
  const net::RequestHead& head = call.exchange.head();
  if (Status known = CheckQuery(head, {"at"}); !known) co_return Fail(std::move(known).error());
  store::HistoryPoint point;
  if (const auto text = QueryText(head, "at")) {
    const Result<WallTime> at = ReadTime("at", *text);
    if (!at) co_return Fail(at.error());
    point.at = *at;
  }
  const RouteName route(std::string(call.captures.Get("route")));
  auto read = RunOn(call.context.pools.reads,
                    [&] { return call.context.store.ReadStanding(route, point); });
  const Result<store::RouteStanding> standing = co_await std::move(read);
  if (!standing) co_return Fail(standing.error());
  const Generation now = call.context.publisher.state().view->generation();
  co_return JsonResponse(ToJson(*standing, EpochOf(now)));
}

}  // namespace

void AddAuditEndpoints(AdminRoutes& routes) {
  routes.Add(net::HttpMethod::kGet, "/api/v1/audit", {ListChanges});
  routes.Add(net::HttpMethod::kGet, "/api/v1/routes/{route}/as-of", {AsOf});
}

void AddModelAuditEndpoints(AdminRoutes& routes) {
  routes.Add(net::HttpMethod::kGet, "/api/v1/audit/models", {ListModels});
}

}  // namespace podium::control
