#include "control/admin/prediction_json.h"

#include <cmath>

namespace podium::control {
namespace {

Json TextJson(const std::string& text) { return text.empty() ? Json() : Json(text); }

Json OptionalJson(const std::optional<double>& number) {
  return number ? NumberJson(*number) : Json();
}

}  // namespace

Json NumberJson(double number) { return std::isfinite(number) ? Json(number) : Json(); }

Json PredictionJson(const PredictionRow& row) {
  Json json;
  json["id"] = row.id;
  json["at"] = FormatUtc(row.at);
  json["route"] = row.route;
  json["request_id"] = row.request_id;
  json["unit_kind"] = NameOf(row.unit_kind);
  json["unit"] = TextJson(row.unit);
  json["assigned"] = TextJson(row.assigned);
  json["served"] = TextJson(row.served);
  json["arm"] = row.arm;
  json["reason"] = row.reason;
  json["propensity"] = NumberJson(row.propensity);
  json["keep"] = NumberJson(row.keep);
  json["bucket"] = row.bucket;
  json["generation"] = row.generation.get();
  json["outcome"] = NameOf(row.outcome);
  json["status"] = row.status;
  json["latency_us"] = row.latency.count();
  json["cost_usd"] = row.cost ? Json(static_cast<double>(row.cost->value) / kNanosPerUsd) : Json();
  json["rows"] = row.rows;
  Json scores = Json::array();
  for (const double score : row.scores) scores.push_back(NumberJson(score));
  json["scores"] = std::move(scores);
  json["challenger"] = row.challenger ? ChallengerJson(*row.challenger) : Json();
  json["replica"] = row.replica;
  json["segment"] = row.segment;
  json["offset"] = row.offset;
  return json;
}

Json FeedbackJson(const Feedback& feedback) {
  Json json;
  json["route"] = feedback.route;
  json["request_id"] = feedback.request_id;
  json["row"] = feedback.row;
  json["label"] = OptionalJson(feedback.label);
  json["score"] = OptionalJson(feedback.score);
  json["prediction"] = OptionalJson(feedback.prediction);
  json["actor"] = feedback.actor;
  json["at"] = FormatUtc(feedback.at);
  return json;
}

Json EstimateJson(const std::optional<Estimate>& estimate) {
  if (!estimate) return {};
  Json json;
  json["value"] = NumberJson(estimate->value);
  json["low"] = NumberJson(estimate->low);
  json["high"] = NumberJson(estimate->high);
  json["n"] = estimate->n;
  return json;
}

}  // namespace podium::control
