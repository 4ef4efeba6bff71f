#include <cmath>

#include "base/json.h"
#include "rollout/evidence.h"

namespace podium::rollout {
namespace {

Json GridJson(const RatioGrid& grid) {
  if (grid == kErrorGrid) return "errors";  // The p99's too.
  if (grid == kP90Grid) return "p90";
  if (grid == kP50Grid) return "p50";
  return {{"octaves", grid.octaves}, {"points", grid.points}};
}

template <typename Element, typename Write>
Json ListJson(const std::vector<Element>& elements, const Write& write) {
  Json list = Json::array();
  for (const Element& each : elements) list.push_back(write(each));
  return list;
}

Json UnitsJson(const StepUnits& step) {
  return {{"share_pct", step.share.percent()},
          {"label_probability", step.label_probability},
          {"canary_units", step.canary_units},
          {"units", step.units}};
}

bool HoldsStickyCounts(const StepEvents& step) {
  StepEvents plain;
  plain.null_ratio = step.null_ratio;
  plain.canary_events = step.canary_events;
  plain.events = step.events;
  return !(plain == step);
}

Json EventsJson(const StepEvents& step) {
  Json json = {{"null_ratio", step.null_ratio},
               {"canary_events", step.canary_events},
               {"events", step.events}};
  if (!HoldsStickyCounts(step)) return json;
  json["closed"] = {{"canary", step.closed.canary}, {"active", step.closed.active}};
  json["judged"] = {{"requests", step.judged.requests}, {"repeat_share", step.judged.repeat_share}};
  json["canary_early"] = step.canary_early;
  json["early"] = step.early;
  json["canary_judged"] = step.canary_judged;
  return json;
}

Json SeriesJson(const Series& series) {
  Json json = {{"name", series.name}, {"grid", GridJson(series.grid)}};
  if (series.absolute_limit) json["absolute_limit"] = *series.absolute_limit;
  if (series.harmless_rate) json["harmless_rate"] = *series.harmless_rate;
  if (series.reported) json["reported"] = true;
  json["rate_before"] = series.rate_before;
  json["steps"] = ListJson(series.steps, EventsJson);
  return json;
}

Json MetricJson(const Metric& metric) {
  return {{"name", metric.name},
          {"weight", metric.weight},
          {"guards_promotion", metric.guards_promotion},
          {"series", ListJson(metric.series, SeriesJson)}};
}

Json PairsJson(const PairedMetric& pairs) {
  return {{"name", pairs.name},
          {"challenger_worse", pairs.counts.challenger_worse},
          {"champion_worse", pairs.counts.champion_worse},
          {"ties", pairs.counts.ties},
          {"margin", pairs.margin}};
}

}  // namespace

std::string ToJson(const Evidence& evidence) {
  Json json = {{"candidate", evidence.candidate},
               {"unit", evidence.unit == RolloutUnit::kSticky ? "sticky" : "request"},
               {"alpha_rollback", evidence.alpha_rollback},
               {"alpha_promote", evidence.alpha_promote},
               {"attempt", evidence.attempt},
               {"margin", evidence.margin},
               {"next_share_pct", evidence.next_share.percent()},
               {"declared_steps", evidence.declared_steps},
               {"epoch_of_step", evidence.epoch_of_step},
               {"epochs_in_step", evidence.epochs_in_step}};
  if (evidence.units_left) json["units_left"] = *evidence.units_left;
  // Minus infinity, before the first look, has no number in JSON: left out, it is read so.
  if (std::isfinite(evidence.log_e_peak)) json["log_e_peak"] = evidence.log_e_peak;
  json["steps"] = ListJson(evidence.steps, UnitsJson);
  json["metrics"] = ListJson(evidence.metrics, MetricJson);
  json["paired"] = ListJson(evidence.paired, PairsJson);
  return DumpJson(json);
}

}  // namespace podium::rollout
