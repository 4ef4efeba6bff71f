#include "control/admin/standing_json.h"

#include <algorithm>

#include "control/admin/follow_json.h"
#include "control/admin/version_json.h"

namespace podium::control {
namespace {

Json ChangeJson(const std::optional<Promotion>& change) {
  return change ? ToJson(*change) : Json();
}

// What never changes of a version; a deleted one is still named.
Json HolderJson(const store::RouteStanding& standing, const ModelId& id) {
  Json json;
  json["model_id"] = id.get();
  const auto row = std::find_if(standing.versions.begin(), standing.versions.end(),
                                [&](const ModelVersion& v) { return v.model_id == id; });
  const bool known = row != standing.versions.end();
  json["name"] = known ? Json(row->name) : Json();
  json["version"] = known ? Json(row->version) : Json();
  json["provider_key"] = known ? Json(row->provider_key) : Json();
  json["deleted_since"] = known && row->deleted;
  return json;
}

Json RoleJson(const store::RouteStanding& standing, const std::optional<ModelId>& id,
              const std::optional<Promotion>& by) {
  if (!id) return {};
  Json json = HolderJson(standing, *id);
  json["by"] = ChangeJson(by);
  return json;
}

Json ArmsJson(const store::RouteStanding& standing) {
  Json arms = Json::array();
  for (const RouteArm& arm : standing.arms) {
    Json json = HolderJson(standing, arm.model_id);
    json["slot"] = arm.slot;
    json["traffic_pct"] = arm.weight.percent();
    arms.push_back(std::move(json));
  }
  return arms;
}

}  // namespace

Json ToJson(const store::RouteStanding& standing, std::uint32_t epoch) {
  Json json;
  json["route"] = standing.route.get();
  json["revision"] = standing.revision.get();
  json["generation"] = MakeGeneration(epoch, standing.revision).get();
  json["primary"] = RoleJson(standing, standing.primary, standing.primary_by);
  json["canary"] = RoleJson(standing, standing.canary, standing.canary_by);
  json["traffic_pct"] = standing.share.percent();
  json["salt"] = standing.salt;
  json["canary_salt"] = standing.canary_salt.empty() ? Json() : Json(standing.canary_salt);
  json["arms"] = ArmsJson(standing);
  json["arms_by"] = standing.arms.empty() ? Json() : ChangeJson(standing.arms_by);
  json["follow"] = FollowJson(standing.follow);
  json["follow_by"] = ChangeJson(standing.follow_by);
  json["newest_change"] = ChangeJson(standing.newest);
  json["unknown"] = standing.unknown.empty() ? Json::array() : Json(standing.unknown);
  return json;
}

}  // namespace podium::control
