#include "store/shadow_row.h"

#include <utility>

namespace podium::store {
namespace {

Failure BadShadowMember(const char* key, std::string_view wanted) {
  return Fail(ErrorCode::kUnprocessable, "{} is not {}", key, wanted);
}

// nlohmann throws on a wrong type; what follows must not.
Result<std::int64_t> ShadowNumber(const Json& json, const char* key, std::int64_t usual) {
  const auto found = json.find(key);
  if (found == json.end()) return usual;
  if (!found->is_number_integer()) return BadShadowMember(key, "an integer");
  return found->get<std::int64_t>();
}

Result<bool> ShadowFlag(const Json& json, const char* key) {
  const auto found = json.find(key);
  if (found == json.end()) return false;
  if (!found->is_boolean()) return BadShadowMember(key, "true or false");
  return found->get<bool>();
}

Result<std::vector<ModelId>> ShadowVersions(const Json& json) {
  std::vector<ModelId> ids;
  const auto found = json.find("versions");
  if (found == json.end()) return ids;
  if (!found->is_array()) return BadShadowMember("versions", "a list");
  for (const Json& id : *found) {
    if (!id.is_string()) return BadShadowMember("versions", "a list of ids");
    ids.emplace_back(id.get<std::string>());
  }
  return ids;
}

Result<ShadowPlan> ReadShadow(const Json& json) {
  if (!json.is_object()) return Fail(ErrorCode::kUnprocessable, "not a JSON object");
  ShadowPlan plan;
  PODIUM_TRY_ASSIGN(const std::int64_t rate, ShadowNumber(json, "rate_bp", -1));
  PODIUM_TRY_ASSIGN(plan.rate, BasisPoints::From(rate));
  PODIUM_TRY_ASSIGN(plan.daily_cap.value,
                    ShadowNumber(json, "daily_cap_nano_usd", ShadowPlan::kUsualCap.value));
  if (const auto found = json.find("tolerance"); found != json.end()) {
    if (!found->is_number()) return BadShadowMember("tolerance", "a number");
    plan.tolerance = found->get<double>();
  }
  PODIUM_TRY_ASSIGN(plan.versions, ShadowVersions(json));
  PODIUM_TRY(Validate(plan));
  return plan;
}

Result<ChallengerPlan> ReadChallenger(const Json& json) {
  if (!json.is_object()) return Fail(ErrorCode::kUnprocessable, "not a JSON object");
  ChallengerPlan plan;
  const auto id = json.find("challenger");
  if (id == json.end() || !id->is_string()) return BadShadowMember("challenger", "the id of one");
  plan.challenger = ModelId(id->get<std::string>());
  PODIUM_TRY_ASSIGN(plan.testing, ShadowFlag(json, "testing"));
  PODIUM_TRY_ASSIGN(const std::int64_t weight,
                    ShadowNumber(json, "weight_bp", plan.weight.value()));
  PODIUM_TRY_ASSIGN(plan.weight, BasisPoints::From(weight));
  PODIUM_TRY_ASSIGN(plan.sticky, ShadowFlag(json, "sticky"));
  PODIUM_TRY_ASSIGN(const std::int64_t deadline, ShadowNumber(json, "deadline_ms", 0));
  plan.deadline = std::chrono::milliseconds(deadline);
  PODIUM_TRY(Validate(plan));
  return plan;
}

template <typename Plan>
Result<Plan> FromShadowText(const char* column, std::string_view text,
                            Result<Plan> (*read)(const Json&)) {
  const Result<Json> json = ParseJson(text);
  if (!json) return Fail(ErrorCode::kUnprocessable, "{}: {}", column, Describe(json.error()));
  Result<Plan> plan = read(*json);
  if (plan) return plan;
  return Fail(ErrorCode::kUnprocessable, "{}: {}", column, Describe(plan.error()));
}

}  // namespace

Json ShadowToJson(const ShadowPlan& plan) {
  Json json = Json::object();
  json["rate_bp"] = plan.rate.value();
  json["daily_cap_nano_usd"] = plan.daily_cap.value;
  json["tolerance"] = plan.tolerance;
  json["versions"] = Json::array();
  for (const ModelId& id : plan.versions) json["versions"].push_back(id.get());
  return json;
}

Json ChallengerToJson(const ChallengerPlan& plan) {
  Json json = Json::object();
  json["challenger"] = plan.challenger.get();
  json["testing"] = plan.testing;
  json["weight_bp"] = plan.weight.value();
  json["sticky"] = plan.sticky;
  json["deadline_ms"] = plan.deadline.count();
  return json;
}

std::string ShadowToText(const ShadowPlan& plan) { return DumpJson(ShadowToJson(plan)); }

std::string ChallengerToText(const ChallengerPlan& plan) {
  return DumpJson(ChallengerToJson(plan));
}

Result<ShadowPlan> ShadowFromText(std::string_view text) {
  return FromShadowText<ShadowPlan>("shadow", text, ReadShadow);
}

Result<ChallengerPlan> ChallengerFromText(std::string_view text) {
  return FromShadowText<ChallengerPlan>("challenger", text, ReadChallenger);
}

Json ShadowEvidence(const std::optional<ShadowPlan>& plan) {
  Json evidence = Json::object();
  evidence["shadow"] = plan ? ShadowToJson(*plan) : Json();
  return evidence;
}

Json ChallengerEvidence(const std::optional<ChallengerPlan>& plan) {
  Json evidence = Json::object();
  evidence["challenger"] = plan ? ChallengerToJson(*plan) : Json();
  return evidence;
}

}  // namespace podium::store
