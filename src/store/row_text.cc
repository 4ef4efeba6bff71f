#include "store/row_text.h"

#include <utility>

#include "base/json.h"

namespace podium::store {
namespace {

template <typename Map>
std::string ToText(const Map& map) {
  if (map.empty()) return "";
  Json object = Json::object();
  for (const auto& [key, value] : map) object[key] = value;
  return DumpJson(object);
}

Result<Json> ObjectFrom(std::string_view text) {
  Result<Json> parsed = ParseJson(text);
  if (!parsed) return Fail(std::move(parsed).error().Wrap(ErrorCode::kUnprocessable, "bad JSON"));
  if (!parsed->is_object()) return Fail(ErrorCode::kUnprocessable, "not a JSON object");
  return parsed;
}

}  // namespace

std::string MetricsToText(const MetricMap& metrics) { return ToText(metrics); }
std::string TagsToText(const TagMap& tags) { return ToText(tags); }

Result<MetricMap> MetricsFromText(std::string_view text) {
  MetricMap metrics;
  if (text.empty()) return metrics;
  PODIUM_TRY_ASSIGN(const Json object, ObjectFrom(text));
  for (const auto& [key, value] : object.items()) {
    if (!value.is_number()) return Fail(ErrorCode::kUnprocessable, "{} is not a number", key);
    metrics[key] = value.get<double>();
  }
  return metrics;
}

Result<TagMap> TagsFromText(std::string_view text) {
  TagMap tags;
  if (text.empty()) return tags;
  PODIUM_TRY_ASSIGN(const Json object, ObjectFrom(text));
  for (const auto& [key, value] : object.items()) {
    if (!value.is_string()) return Fail(ErrorCode::kUnprocessable, "{} is not a string", key);
    tags[key] = value.get<std::string>();
  }
  return tags;
}

Status CheckObjectText(std::string_view text) {
  if (text.empty()) return {};
  PODIUM_TRY(ObjectFrom(text));
  return {};
}

}  // namespace podium::store
