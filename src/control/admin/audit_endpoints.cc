// /api/v1/audit: who moved what, when, and why.
#include <utility>

#include "control/admin/context.h"
#include "control/admin/query.h"
#include "control/admin/version_json.h"

namespace podium::control {
namespace {

AdminReply List(AdminCall& call) {
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

}  // namespace

void AddAuditEndpoints(AdminRoutes& routes) {
  routes.Add(net::HttpMethod::kGet, "/api/v1/audit", {List});
}

}  // namespace podium::control
