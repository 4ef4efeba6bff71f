#include "control/admin/version_diff.h"

#include <set>
#include <string>
#include <utility>

#include "control/admin/version_json.h"

namespace podium::control {
namespace {

Json Named(const ModelVersion& version) {
  return {{"model_id", version.model_id.get()},
          {"route", version.route.get()},
          {"name", version.name},
          {"version", version.version},
          {"status", NameOf(version.status)},
          {"revision", version.revision.get()}};
}

// Of the fields that a version is registered with; roles and times say nothing of the model.
Json FieldsJson(const ModelVersion& from, const ModelVersion& to) {
  const std::pair<const char*, std::string ModelVersion::*> fields[] = {
      {"name", &ModelVersion::name},
      {"version", &ModelVersion::version},
      {"provider_key", &ModelVersion::provider_key},
      {"upstream_model", &ModelVersion::upstream_model},
      {"format", &ModelVersion::format},
      {"artifact_uri", &ModelVersion::artifact_uri},
      {"stage", &ModelVersion::stage},
      {"catalogue_id", &ModelVersion::catalogue_id},
      {"experiment_id", &ModelVersion::experiment_id},
  };
  Json list = Json::array();
  const auto add = [&](const char* name, Json before, Json after) {
    if (before == after) return;
    list.push_back({{"name", name}, {"from", std::move(before)}, {"to", std::move(after)}});
  };
  add("route", from.route.get(), to.route.get());
  for (const auto& [name, field] : fields) add(name, OrNull(from.*field), OrNull(to.*field));
  add("load", NameOf(from.load), NameOf(to.load));
  return list;
}

template <typename Map>
std::set<std::string> KeysOf(const Map& one, const Map& other) {
  std::set<std::string> keys;
  for (const auto& [key, value] : one) keys.insert(key);
  for (const auto& [key, value] : other) keys.insert(key);
  return keys;
}

template <typename Map>
Json ValueOf(const Map& map, const std::string& key) {
  const auto found = map.find(key);
  return found == map.end() ? Json() : Json(found->second);
}

template <typename Map>
Json MapJson(const Map& from, const Map& to) {
  Json list = Json::array();
  for (const std::string& key : KeysOf(from, to)) {
    Json before = ValueOf(from, key);
    Json after = ValueOf(to, key);
    if (before == after) continue;
    list.push_back({{"name", key}, {"from", std::move(before)}, {"to", std::move(after)}});
  }
  return list;
}

Json MetricsJson(const MetricMap& from, const MetricMap& to) {
  Json list = MapJson(from, to);
  for (Json& metric : list) {
    const bool both = metric["from"].is_number() && metric["to"].is_number();
    const double before = both ? metric["from"].get<double>() : 0.0;
    const double after = both ? metric["to"].get<double>() : 0.0;
    metric["difference"] = both ? Json(after - before) : Json();
    metric["ratio"] = both && before != 0.0 ? Json(after / before) : Json();
  }
  return list;
}

Json ArtifactJson(const ModelVersion& from, const ModelVersion& to) {
  const bool known = !from.artifact_sha256.empty() && !to.artifact_sha256.empty();
  return {{"same", known ? Json(from.artifact_sha256 == to.artifact_sha256) : Json()},
          {"from", OrNull(from.artifact_sha256)},
          {"to", OrNull(to.artifact_sha256)}};
}

const char* RelationOf(const ModelVersion& from, const ModelVersion& to) {
  if (from.model_id == to.model_id) return "the same version";
  if (to.parent_id == from.model_id) return "made from it";
  if (from.parent_id == to.model_id) return "its parent";
  if (from.parent_id && from.parent_id == to.parent_id) return "made from the same version";
  return nullptr;
}

Json LineageJson(const ModelVersion& from, const ModelVersion& to) {
  const auto of = [](const ModelVersion& version) {
    return Json{{"parent_id", ToJson(version.parent_id)},
                {"source_run", OrNull(version.source_run)}};
  };
  const char* relation = RelationOf(from, to);
  return {{"relation", relation == nullptr ? Json() : Json(relation)},
          {"from", of(from)},
          {"to", of(to)}};
}

}  // namespace

Json DiffVersions(const ModelVersion& from, const ModelVersion& to, const SignatureFit& fit) {
  Json json;
  json["from"] = Named(from);
  json["to"] = Named(to);
  json["artifact"] = ArtifactJson(from, to);
  json["signature"] = ToJson(fit);
  json["signature"]["declared_same"] = from.signature == to.signature;
  json["fields"] = FieldsJson(from, to);
  json["metrics"] = MetricsJson(from.metrics, to.metrics);
  json["tags"] = MapJson(from.tags, to.tags);
  json["lineage"] = LineageJson(from, to);
  return json;
}

}  // namespace podium::control
