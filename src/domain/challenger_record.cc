#include "domain/challenger_record.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "domain/prediction.h"

namespace podium {
namespace {

constexpr std::array<std::string_view, kChallengerChoices> kChoiceWords = {
    "champion", "challenger", "late", "failed", "busy"};
constexpr std::array<std::string_view, 4> kSideWords = {"answered", "failed", "not_asked",
                                                        "unknown"};

template <typename Enum, std::size_t Count>
std::optional<Enum> Named(const std::array<std::string_view, Count>& words, const Json& json,
                          const char* key) {
  const auto found = json.find(key);
  if (found == json.end() || !found->is_string()) return std::nullopt;
  const auto* word = std::ranges::find(words, found->get<std::string>());
  if (word == words.end()) return std::nullopt;
  return static_cast<Enum>(word - words.begin());
}

double NumberIn(const Json& json, const char* key) {
  const auto found = json.find(key);
  return found != json.end() && found->is_number() ? found->get<double>() : std::nan("");
}

Json SideJson(const ChallengerSide& side) {
  Json json;
  json["version"] = side.version;
  json["outcome"] = NameOf(side.outcome);
  json["latency_us"] = side.latency ? Json(side.latency->count()) : Json();
  json["scores"] = Json::array();
  for (const double score : side.scores) {
    json["scores"].push_back(std::isfinite(score) ? Json(score) : Json());
  }
  return json;
}

std::optional<ChallengerSide> SideIn(const Json& json, const char* key) {
  const auto found = json.find(key);
  if (found == json.end() || !found->is_object()) return std::nullopt;
  const auto version = found->find("version");
  const auto outcome = Named<SideOutcome>(kSideWords, *found, "outcome");
  if (version == found->end() || !version->is_string() || !outcome) return std::nullopt;
  ChallengerSide side;
  side.version = version->get<std::string>();
  side.outcome = *outcome;
  const auto latency = found->find("latency_us");
  if (latency != found->end() && latency->is_number_integer()) {
    side.latency = std::chrono::microseconds(latency->get<std::int64_t>());
  }
  const auto scores = found->find("scores");
  if (scores == found->end() || !scores->is_array()) return side;
  for (const Json& each : *scores) {
    if (side.scores.size() == limits::kPredictionScores) break;
    side.scores.push_back(each.is_number() ? each.get<double>() : std::nan(""));
  }
  return side;
}

}  // namespace

std::string_view NameOf(ChallengerChoice choice) {
  return kChoiceWords[static_cast<std::size_t>(choice)];
}

std::string_view NameOf(SideOutcome outcome) {
  return kSideWords[static_cast<std::size_t>(outcome)];
}

Json ChallengerJson(const ChallengerRecord& record) {
  Json json;
  json["choice"] = NameOf(record.choice);
  json["u"] = record.u;
  json["weight"] = record.weight;
  json["agrees"] = record.agrees ? Json(*record.agrees) : Json();
  json["champion"] = SideJson(record.champion);
  json["challenger"] = SideJson(record.challenger);
  return json;
}

Result<ChallengerRecord> ParseChallenger(const Json& json) {
  const auto choice = Named<ChallengerChoice>(kChoiceWords, json, "choice");
  std::optional<ChallengerSide> champion = SideIn(json, "champion");
  std::optional<ChallengerSide> challenger = SideIn(json, "challenger");
  if (!choice || !champion || !challenger) {
    return Fail(ErrorCode::kUnprocessable, "it is no record of champion and challenger");
  }
  ChallengerRecord record;
  record.choice = *choice;
  record.u = NumberIn(json, "u");
  record.weight = NumberIn(json, "weight");
  const auto agrees = json.find("agrees");
  if (agrees != json.end() && agrees->is_boolean()) record.agrees = agrees->get<bool>();
  record.champion = *std::move(champion);
  record.challenger = *std::move(challenger);
  return record;
}

}  // namespace podium
