#include "control/mlflow/shapes.h"

#include <chrono>
#include <cstdint>
#include <string>

namespace podium::control {
namespace {

std::int64_t Milliseconds(WallTime time) {
  return std::chrono::floor<std::chrono::milliseconds>(time.time_since_epoch()).count();
}

Json TagsJson(const TagMap& tags) {
  Json list = Json::array();
  for (const auto& [key, value] : tags) list.push_back({{"key", key}, {"value", value}});
  return list;
}

}  // namespace

Json MlflowJson(const RegisteredVersion& version) {
  Json json;
  json["name"] = version.name;
  json["version"] = std::to_string(version.number);
  json["creation_timestamp"] = Milliseconds(version.created_at);
  json["last_updated_timestamp"] = Milliseconds(version.updated_at);
  json["user_id"] = version.user;
  json["current_stage"] = NameOf(version.stage);
  json["description"] = version.description;
  json["source"] = version.source;
  json["run_id"] = version.run_id;
  json["run_link"] = version.run_link;
  json["status"] = "READY";
  if (!version.model_id.empty()) json["model_id"] = version.model_id;
  if (!version.tags.empty()) json["tags"] = TagsJson(version.tags);
  if (!version.aliases.empty()) json["aliases"] = version.aliases;
  return json;
}

Json MlflowJson(const store::ModelListing& listing) {
  const RegisteredModel& model = listing.model;
  Json json;
  json["name"] = model.name;
  json["creation_timestamp"] = Milliseconds(model.created_at);
  json["last_updated_timestamp"] = Milliseconds(model.updated_at);
  if (model.description) json["description"] = *model.description;
  if (!listing.latest.empty()) {
    Json latest = Json::array();
    for (const RegisteredVersion& version : listing.latest) latest.push_back(MlflowJson(version));
    json["latest_versions"] = std::move(latest);
  }
  if (!model.tags.empty()) json["tags"] = TagsJson(model.tags);
  if (!model.aliases.empty()) {
    Json aliases = Json::array();
    for (const auto& [alias, number] : model.aliases) {
      aliases.push_back({{"alias", alias}, {"version", std::to_string(number)}});
    }
    json["aliases"] = std::move(aliases);
  }
  return json;
}

const std::string& DownloadUri(const RegisteredVersion& version) {
  return version.storage_location.empty() ? version.source : version.storage_location;
}

}  // namespace podium::control
