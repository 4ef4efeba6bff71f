// What operators and their machines ask: /healthz, /readyz, /metrics, /api/v1/status.
#include <chrono>
#include <utility>

#include "control/admin/context.h"
#include "control/admin/query.h"
#include "control/admin/scrape.h"

namespace podium::control {
namespace {

std::chrono::nanoseconds ViewAge(const AdminContext& c, const view::PublishState& state) {
  return c.clock.SteadyNow() - state.confirmed_at;
}

struct ModelCounts {
  std::size_t versions = 0;
  std::size_t ready = 0;
  std::size_t failed = 0;
  std::size_t primaries = 0;
  std::size_t primaries_ready = 0;
  std::size_t primaries_pending = 0;
};

ModelCounts CountModels(const view::CoreView& view) {
  ModelCounts counts;
  for (const view::RouteView& route : view.routes()) {
    for (std::size_t i = 0; i < route.serving.size(); ++i) {
      const view::VersionServing& serving = route.serving[i];
      ++counts.versions;
      if (serving.ready()) ++counts.ready;
      const bool failed = serving.state == LoadState::kFailed;
      if (failed) ++counts.failed;
      if (i != route.route->primary) continue;
      ++counts.primaries;
      if (serving.ready()) ++counts.primaries_ready;
      if (!serving.ready() && !failed) ++counts.primaries_pending;
    }
  }
  return counts;
}

// Empty while beats come through: then there is nothing to tell.
std::string ReplicaTrouble(const AdminContext& c) {
  return c.place == nullptr ? "" : c.place->trouble();
}

std::string ReplicaLine(const AdminContext& c) {
  if (c.place == nullptr) return "";
  const auto silence = c.place->Silence(c.clock.SteadyNow());
  const std::string told = silence
                               ? fmt::format("told the registry {:.1f} s ago", SecondsOf(*silence))
                               : "has not told the registry yet";
  return fmt::format("{} replica {} {}\n", ReplicaTrouble(c).empty() ? "[+]" : "[-]",
                     c.options.replica, told);
}

AdminReply Health(AdminCall&) {
  net::Response response;
  response.content_type = "text/plain; charset=utf-8";
  response.body = "ok\n";
  co_return response;
}

AdminReply Ready(AdminCall& call) {
  const AdminContext& c = call.context;
  const view::PublishState state = c.publisher.state();
  const ModelCounts counts = CountModels(*state.view);
  const bool ready = IsReady(c, *state.view);
  const auto mark = [](bool good) { return good ? "[+]" : "[-]"; };
  net::Response response;
  response.status = ready ? 200 : 503;
  response.content_type = "text/plain; charset=utf-8";
  response.body = fmt::format(
      "{} view generation {} age {:.1f} s\n{} table {}\n{} models {} ready, {} failed, {} "
      "primaries "
      "loading\n{}{}{}",
      mark(state.publishes > 0), state.view->generation().get(), SecondsOf(ViewAge(c, state)),
      mark(state.trouble.empty()),
      state.trouble.empty() ? "readable" : "not readable, serving from the last good view",
      mark(counts.failed == 0 && counts.primaries_pending == 0), counts.ready, counts.failed,
      counts.primaries_pending, ReplicaLine(c),
      c.last_write.trouble().empty() ? "" : "[-] registry could not take the last change\n",
      c.draining ? "[-] draining\n" : (ready ? "ready\n" : "not ready\n"));
  if (!ready) response.headers.Add("Retry-After", "1");
  co_return response;
}

AdminReply Scrape(AdminCall& call) {
  net::Response response;
  response.content_type = "text/plain; version=0.0.4; charset=utf-8";
  response.body = ScrapeText(call.context);
  co_return response;
}

AdminReply ShowStatus(AdminCall& call) {
  const AdminContext& c = call.context;
  const view::PublishState state = c.publisher.state();
  const ModelCounts counts = CountModels(*state.view);
  Json json;
  json["version"] = c.options.build;
  json["replica"] = c.options.replica;
  json["generation"] = state.view->generation().get();
  json["uptime_s"] = SecondsOf(c.clock.SteadyNow() - c.started);
  json["view_age_s"] = SecondsOf(ViewAge(c, state));
  json["stale"] = ViewAge(c, state) > c.options.cache_ttl;
  json["trouble"] = state.trouble.empty() ? Json() : Json(state.trouble);
  const std::string write_trouble = c.last_write.trouble();
  json["write_trouble"] = write_trouble.empty() ? Json() : Json(write_trouble);
  const std::string replica_trouble = ReplicaTrouble(c);
  json["replica_trouble"] = replica_trouble.empty() ? Json() : Json(replica_trouble);
  json["routes"] = state.view->routes().size();
  json["versions"] = counts.versions;
  json["ready"] = counts.ready;
  json["failed"] = counts.failed;
  json["faults"] = Json::array();
  for (const routing::CompileFault& fault : state.faults) {
    json["faults"].push_back(
        {{"route", fault.route.get()}, {"row", fault.row}, {"problem", fault.problem}});
  }
  co_return JsonResponse(json);
}

}  // namespace

bool IsReady(const AdminContext& c, const view::CoreView& view) {
  if (c.draining) return false;
  if (c.was_ready) return true;
  if (view.sequence() == 0) return false;
  const ModelCounts counts = CountModels(view);
  const bool can_serve = counts.primaries == 0 || counts.primaries_ready > 0;
  if (counts.primaries_pending == 0 && can_serve) c.was_ready = true;
  return c.was_ready;
}

void AddOperationEndpoints(AdminRoutes& routes) {
  using enum net::HttpMethod;
  constexpr auto kOpen = Endpoint::Access::kOpen;
  routes.Add(kGet, "/healthz", {Health, kOpen});
  routes.Add(kGet, "/readyz", {Ready, kOpen});
  routes.Add(kGet, "/metrics", {Scrape, kOpen});
  routes.Add(kGet, "/api/v1/status", {ShowStatus});
}

}  // namespace podium::control
