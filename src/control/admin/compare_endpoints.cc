// GET /api/v1/routes/{route}/compare: how the versions of a route did, the same from any replica.
#include <optional>
#include <utility>

#include "control/admin/context.h"
#include "control/admin/period.h"
#include "control/admin/prediction_json.h"
#include "control/admin/query.h"
#include "domain/compare_report.h"

namespace podium::control {
namespace {

constexpr double kUsualThreshold = 0.5;

Json ComparisonJson(const VersionComparison& version, const Result<ModelVersion>& row) {
  Json json;
  json["model_id"] = version.model_id;
  json["version"] = row ? Json(row->version) : Json();
  json["status"] = row ? Json(NameOf(row->status)) : Json();
  json["n"] = version.n;
  json["not_served"] = version.not_served;
  json["refused"] = version.refused;
  json["labelled"] = version.labelled;
  json["unscored"] = version.unscored;
  json["least_keep"] = NumberJson(version.least_keep);
  json["latency_of"] = version.beside ? "model" : "call";
  const std::pair<const char*, const std::optional<Estimate>*> figures[] = {
      {"error_rate", &version.error_rate},
      {"latency_p50_ms", &version.latency_p50_ms},
      {"latency_p90_ms", &version.latency_p90_ms},
      {"latency_p99_ms", &version.latency_p99_ms},
      {"cost_usd", &version.cost_usd},
      {"auc", &version.auc},
      {"precision", &version.precision},
      {"recall", &version.recall},
      {"log_loss", &version.log_loss},
      {"accuracy", &version.accuracy},
      {"absolute_error", &version.absolute_error},
      {"squared_error", &version.squared_error},
      {"feedback_score", &version.feedback_score}};
  for (const auto& [name, estimate] : figures) json[name] = EstimateJson(*estimate);
  return json;
}

// Which interval is whose: a reader must be able to compute them again.
Json IntervalsJson() {
  return {{"level", 0.95},
          {"shares", "Wilson (error_rate, accuracy, precision, recall)"},
          {"auc", "DeLong; Wilson of the smaller class where its variance is 0"},
          {"means", "normal (cost_usd, log_loss, absolute_error, squared_error, feedback_score)"},
          {"quantiles", "order statistics (latency)"},
          {"assumes", "predictions are independent: where units come often they are too narrow"}};
}

Result<CompareQuestion> ReadQuestion(const AdminCall& call) {
  const net::RequestHead& head = call.exchange.head();
  PODIUM_TRY(CheckQuery(head, {"since", "until", "threshold"}));
  CompareQuestion question;
  question.route = std::string(call.captures.Get("route"));
  PODIUM_TRY_ASSIGN(const Period period, ReadPeriod(head, call.context.clock.Now()));
  question.since = period.since;
  question.until = period.until;
  PODIUM_TRY_ASSIGN(const std::optional<double> threshold, QueryNumber(head, "threshold"));
  question.threshold = threshold.value_or(kUsualThreshold);
  return question;
}

Result<Json> ComparedJson(const AdminContext& context, const CompareQuestion& question) {
  PODIUM_TRY(context.store.ReadRoute(RouteName(question.route)));
  PODIUM_TRY_ASSIGN(const CompareReport report, context.compare(question));
  Json json;
  json["route"] = report.route;
  json["since"] = FormatUtc(report.since);
  json["until"] = FormatUtc(report.until);
  json["threshold"] = report.threshold;
  json["labels"] = NameOf(report.labels);
  json["overrides"] = report.overrides;
  json["complete"] = report.complete;
  json["versions"] = Json::array();
  for (const VersionComparison& version : report.versions) {
    json["versions"].push_back(
        ComparisonJson(version, context.store.FindVersion(ModelId(version.model_id))));
  }
  json["intervals"] = IntervalsJson();
  return json;
}

AdminReply Compare(AdminCall& call) {
  const Result<CompareQuestion> question = ReadQuestion(call);
  if (!question) co_return Fail(question.error());
  auto compare =
      RunOn(call.context.pools.reads, [&] { return ComparedJson(call.context, *question); });
  const Result<Json> json = co_await std::move(compare);
  if (!json) co_return Fail(json.error());
  co_return JsonResponse(*json);
}

}  // namespace

void AddCompareEndpoints(AdminRoutes& routes) {
  routes.Add(net::HttpMethod::kGet, "/api/v1/routes/{route}/compare", {Compare});
}

}  // namespace podium::control
