// /api/v1/metrics/versions: what each version did, for people and scripts.
#include <map>
#include <utility>

#include "control/admin/context.h"
#include "control/admin/query.h"

namespace podium::control {
namespace {

using view::Outcome;

double Milliseconds(std::chrono::nanoseconds duration) {
  // Three digits behind the point: below the histogram's resolution the rest is noise.
  const auto whole = std::chrono::duration_cast<std::chrono::microseconds>(duration);
  return static_cast<double>(whole.count()) / 1000.0;
}

std::uint64_t Count(const view::StatsSnapshot& stats, Outcome outcome) {
  const auto index = static_cast<std::size_t>(outcome);
  return stats.plain.outcomes[index] + stats.canary.outcomes[index];
}

Json ReportJson(const view::VersionReport& report) {
  const view::StatsSnapshot& stats = report.since_reset;
  HistogramSnapshot latency = stats.plain.latency;
  latency.Merge(stats.canary.latency);
  const std::uint64_t total = stats.plain.total() + stats.canary.total();
  const std::uint64_t errors = Count(stats, Outcome::kError) + Count(stats, Outcome::kTimeout);
  Json json;
  json["model_id"] = report.id.get();
  json["route"] = report.route.get();
  json["version"] = report.version;
  json["request_count"] = total;
  json["error_count"] = errors;
  json["timeout_count"] = Count(stats, Outcome::kTimeout);
  json["error_rate"] = total == 0 ? 0.0 : static_cast<double>(errors) / static_cast<double>(total);
  json["latency"] = {{"p50", Milliseconds(latency.Quantile(0.50))},
                     {"p95", Milliseconds(latency.Quantile(0.95))},
                     {"p99", Milliseconds(latency.Quantile(0.99))}};
  json["canary_request_count"] = stats.canary.total();
  json["override_request_count"] = stats.override_total();
  json["not_served_count"] = stats.not_served;
  const bool seen = stats.last_updated.time_since_epoch().count() > 0;
  json["last_updated"] = seen ? Json(FormatUtc(stats.last_updated)) : Json();
  return json;
}

Failure NoMetrics(const ModelId& id) {
  return Fail(ErrorCode::kNotFound, "there are no metrics of a version {}", id.get());
}

AdminReply ListMetrics(AdminCall& call) {
  if (Status known = CheckQuery(call.exchange.head(), {"limit", "cursor"}); !known) {
    co_return Fail(std::move(known).error());
  }
  std::map<std::string, Json> items;
  for (const view::VersionReport& report : call.context.stats.ReportAll()) {
    items.insert_or_assign(report.id.get(), ReportJson(report));
  }
  co_return KeyedPage(call, std::move(items));
}

AdminReply GetMetrics(AdminCall& call) {
  const std::optional<view::VersionReport> report = call.context.stats.Report(VersionIdOf(call));
  if (!report) co_return NoMetrics(VersionIdOf(call));
  co_return JsonResponse(ReportJson(*report));
}

AdminReply ResetMetrics(AdminCall& call) {
  if (!call.context.stats.Reset(VersionIdOf(call))) co_return NoMetrics(VersionIdOf(call));
  co_return JsonResponse(ReportJson(*call.context.stats.Report(VersionIdOf(call))));
}

}  // namespace

void AddMetricEndpoints(AdminRoutes& routes) {
  routes.Add(net::HttpMethod::kGet, "/api/v1/metrics/versions", {ListMetrics});
  routes.Add(net::HttpMethod::kGet, "/api/v1/metrics/versions/{id}", {GetMetrics});
  routes.Add(net::HttpMethod::kDelete, "/api/v1/metrics/versions/{id}",
             {.serve = ResetMetrics, .precondition = Endpoint::Precondition::kNone});
}

}  // namespace podium::control
