#include "store/follow_row.h"

#include <utility>

namespace podium::store {
namespace {

Failure BadMember(const char* key, std::string_view wanted) {
  return Fail(ErrorCode::kUnprocessable, "{} is not {}", key, wanted);
}

// nlohmann throws on a wrong type; what follows must not.
Result<std::string> FollowText(const Json& json, const char* key) {
  const auto found = json.find(key);
  if (found == json.end()) return std::string();
  if (!found->is_string()) return BadMember(key, "a string");
  return found->get<std::string>();
}

Result<std::int64_t> FollowNumber(const Json& json, const char* key, std::int64_t usual) {
  const auto found = json.find(key);
  if (found == json.end()) return usual;
  if (!found->is_number_integer()) return BadMember(key, "an integer");
  return found->get<std::int64_t>();
}

Result<bool> FollowFlag(const Json& json, const char* key) {
  const auto found = json.find(key);
  if (found == json.end()) return false;
  if (!found->is_boolean()) return BadMember(key, "true or false");
  return found->get<bool>();
}

Result<Follow> ReadFollow(const Json& json) {
  if (!json.is_object()) return Fail(ErrorCode::kUnprocessable, "not a JSON object");
  Follow follow;
  PODIUM_TRY_ASSIGN(follow.model, FollowText(json, "model"));
  PODIUM_TRY_ASSIGN(follow.champion, FollowText(json, "champion"));
  PODIUM_TRY_ASSIGN(follow.challenger, FollowText(json, "challenger"));
  const std::int64_t usual_share = follow.challenger_share.value();
  PODIUM_TRY_ASSIGN(const std::int64_t share,
                    FollowNumber(json, "challenger_share_bp", usual_share));
  PODIUM_TRY_ASSIGN(follow.challenger_share, BasisPoints::From(share));
  PODIUM_TRY_ASSIGN(const std::string action, FollowText(json, "on_champion"));
  if (!action.empty()) {
    const std::optional<OnChampion> known = ParseOnChampion(action);
    if (!known) return BadMember("on_champion", "promote or rollout");
    follow.on_champion = *known;
  }
  PODIUM_TRY_ASSIGN(follow.held, FollowFlag(json, "held"));
  PODIUM_TRY_ASSIGN(follow.held_because, FollowText(json, "held_because"));
  PODIUM_TRY_ASSIGN(const std::int64_t held_at, FollowNumber(json, "held_at", 0));
  follow.held_at = WallTime(WallTime::duration(held_at));
  PODIUM_TRY(Validate(follow));
  return follow;
}

}  // namespace

Json FollowToJson(const Follow& follow) {
  Json json = Json::object();
  json["model"] = follow.model;
  json["champion"] = follow.champion;
  json["challenger"] = follow.challenger;
  json["challenger_share_bp"] = follow.challenger_share.value();
  json["on_champion"] = NameOf(follow.on_champion);
  if (!follow.held) return json;
  json["held"] = true;
  json["held_because"] = follow.held_because;
  json["held_at"] = follow.held_at.time_since_epoch().count();
  return json;
}

Result<Follow> FollowFromJson(const Json& json) {
  Result<Follow> follow = ReadFollow(json);
  if (follow) return follow;
  return Fail(ErrorCode::kUnprocessable, "follow: {}", Describe(follow.error()));
}

std::string FollowToText(const Follow& follow) { return DumpJson(FollowToJson(follow)); }

Result<Follow> FollowFromText(std::string_view text) {
  const Result<Json> json = ParseJson(text);
  if (!json) return Fail(ErrorCode::kUnprocessable, "follow: {}", Describe(json.error()));
  return FollowFromJson(*json);
}

Json FollowEvidence(const std::optional<Follow>& follow) {
  Json evidence = Json::object();
  evidence["follow"] = follow ? FollowToJson(*follow) : Json();
  return evidence;
}

}  // namespace podium::store
