#include "store/route_history.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "base/json.h"

namespace podium::store {
namespace {

bool MayBeAssigned(const Route& route, const ModelVersion& row) {
  if (row.deleted || row.status == VersionStatus::kRetired) return false;
  switch (row.status) {
    case VersionStatus::kPrimary:
    case VersionStatus::kCanary:
    case VersionStatus::kArm:
      return true;
    default:
      break;
  }
  // By SQL an arm may name a version in any role, and then gets its traffic.
  return std::any_of(route.arms.begin(), route.arms.end(),
                     [&](const RouteArm& arm) { return arm.model_id == row.model_id; });
}

Json ArmsJson(const Route& route) {
  Json arms = Json::array();
  for (const RouteArm& arm : route.arms) {
    arms.push_back({{"id", arm.model_id.get()}, {"slot", arm.slot}, {"bp", arm.weight.value()}});
  }
  return arms;
}

Json VersionJson(const ModelVersion& row) {
  return {{"id", row.model_id.get()},
          {"name", row.name},
          {"version", row.version},
          {"provider", row.provider_key},
          {"status", NameOf(row.status)},
          {"bp", row.share.value()},
          {"created_at", row.created_at.time_since_epoch().count()}};
}

// Whose coins were thrown, and for what. Epochs and thresholds decide no call: a new epoch with the
// same share adds no row.
Json RolloutJson(const RolloutMark& mark) {
  return {{"id", mark.id.get()}, {"unit", NameOf(mark.unit)}};
}

// nlohmann throws on a missing member or a wrong type; what follows must not.
Result<std::string> TextAt(const Json& object, const char* key) {
  const auto found = object.find(key);
  if (found != object.end() && found->is_string()) return found->get<std::string>();
  return Fail(ErrorCode::kUnprocessable, "{} is missing", key);
}

Result<std::int64_t> NumberAt(const Json& object, const char* key) {
  const auto found = object.find(key);
  if (found != object.end() && found->is_number_integer()) return found->get<std::int64_t>();
  return Fail(ErrorCode::kUnprocessable, "{} is missing", key);
}

Result<Json> ListAt(const Json& object, const char* key) {
  const auto found = object.find(key);
  if (found != object.end() && found->is_array()) return *found;
  return Fail(ErrorCode::kUnprocessable, "{} is missing", key);
}

template <typename T>
Result<T> Known(std::optional<T> parsed, const std::string& text) {
  if (parsed) return *parsed;
  return Fail(ErrorCode::kUnprocessable, "'{}' is not known", text);
}

Result<RouteArm> ReadArm(const Json& json) {
  RouteArm arm;
  PODIUM_TRY_ASSIGN(std::string id, TextAt(json, "id"));
  PODIUM_TRY_ASSIGN(const std::int64_t slot, NumberAt(json, "slot"));
  PODIUM_TRY_ASSIGN(const std::int64_t weight, NumberAt(json, "bp"));
  PODIUM_TRY_ASSIGN(arm.weight, BasisPoints::From(weight));
  arm.model_id = ModelId(std::move(id));
  arm.slot = static_cast<int>(slot);
  return arm;
}

Result<ModelVersion> ReadVersion(const RouteName& route, const Json& json) {
  ModelVersion row;
  row.route = route;
  PODIUM_TRY_ASSIGN(std::string id, TextAt(json, "id"));
  row.model_id = ModelId(std::move(id));
  PODIUM_TRY_ASSIGN(row.name, TextAt(json, "name"));
  PODIUM_TRY_ASSIGN(row.version, TextAt(json, "version"));
  PODIUM_TRY_ASSIGN(row.provider_key, TextAt(json, "provider"));
  PODIUM_TRY_ASSIGN(const std::string status, TextAt(json, "status"));
  PODIUM_TRY_ASSIGN(row.status, Known(ParseVersionStatus(status), status));
  PODIUM_TRY_ASSIGN(const std::int64_t share, NumberAt(json, "bp"));
  PODIUM_TRY_ASSIGN(row.share, BasisPoints::From(share));
  PODIUM_TRY_ASSIGN(const std::int64_t created, NumberAt(json, "created_at"));
  row.created_at = WallTime(WallTime::duration(created));
  return row;
}

Result<RolloutMark> ReadRollout(const Json& json) {
  RolloutMark mark;
  PODIUM_TRY_ASSIGN(std::string id, TextAt(json, "id"));
  PODIUM_TRY_ASSIGN(const std::string unit, TextAt(json, "unit"));
  PODIUM_TRY_ASSIGN(mark.unit, Known(ParseSplitUnit(unit), unit));
  mark.id = RolloutId(std::move(id));
  return mark;
}

Result<RouteState> ReadInput(const RouteName& name, std::string_view text) {
  PODIUM_TRY_ASSIGN(const Json json, ParseJson(text));
  RouteState input;
  Route& route = input.route;
  route.name = name;
  PODIUM_TRY_ASSIGN(const std::string policy, TextAt(json, "policy"));
  PODIUM_TRY_ASSIGN(route.policy, Known(ParseRoutePolicy(policy), policy));
  PODIUM_TRY_ASSIGN(route.sticky_on, TextAt(json, "sticky_on"));
  PODIUM_TRY_ASSIGN(route.salt, TextAt(json, "salt"));
  PODIUM_TRY_ASSIGN(route.canary_salt, TextAt(json, "canary_salt"));
  if (const auto rollout = json.find("rollout"); rollout != json.end()) {
    PODIUM_TRY_ASSIGN(route.rollout, ReadRollout(*rollout));
  }
  PODIUM_TRY_ASSIGN(const Json arms, ListAt(json, "arms"));
  for (const Json& arm : arms) {
    PODIUM_TRY_ASSIGN(RouteArm read, ReadArm(arm));
    route.arms.push_back(std::move(read));
  }
  PODIUM_TRY_ASSIGN(const Json versions, ListAt(json, "versions"));
  for (const Json& version : versions) {
    PODIUM_TRY_ASSIGN(ModelVersion read, ReadVersion(name, version));
    input.versions.push_back(std::move(read));
  }
  return input;
}

}  // namespace

RouteState RoutingInput(const Route& route, const std::vector<ModelVersion>& rows) {
  RouteState input{route, {}};
  for (const ModelVersion& row : rows) {
    if (MayBeAssigned(route, row)) input.versions.push_back(row);
  }
  std::sort(input.versions.begin(), input.versions.end(),
            [](const ModelVersion& a, const ModelVersion& b) {
              return std::tie(a.created_at, a.model_id) < std::tie(b.created_at, b.model_id);
            });
  std::sort(input.route.arms.begin(), input.route.arms.end(),
            [](const RouteArm& a, const RouteArm& b) {
              return std::tie(a.slot, a.model_id) < std::tie(b.slot, b.model_id);
            });
  return input;
}

std::string InputToText(const RouteState& input) {
  Json json;
  json["policy"] = NameOf(input.route.policy);
  json["sticky_on"] = input.route.sticky_on;
  json["salt"] = input.route.salt;
  json["canary_salt"] = input.route.canary_salt;
  if (input.route.rollout) json["rollout"] = RolloutJson(*input.route.rollout);
  json["arms"] = ArmsJson(input.route);
  json["versions"] = Json::array();
  for (const ModelVersion& row : input.versions) json["versions"].push_back(VersionJson(row));
  return DumpJson(json);
}

Result<RouteState> InputFromText(const RouteName& route, std::string_view text) {
  Result<RouteState> input = ReadInput(route, text);
  if (input) return input;
  return Fail(std::move(input).error().Wrap(
      ErrorCode::kUnprocessable,
      fmt::format("a row of route {}'s history cannot be read", route.get())));
}

std::optional<std::string> InputBefore(const RouteSnapshot& state) {
  if (!state.route) return std::nullopt;
  return InputToText(RoutingInput(*state.route, state.versions));
}

std::string InputAfter(const RouteSnapshot& state, const Changes& changes) {
  std::vector<ModelVersion> rows = changes.versions;
  for (const ModelVersion& row : state.versions) {
    const bool replaced =
        std::any_of(changes.versions.begin(), changes.versions.end(),
                    [&](const ModelVersion& now) { return now.model_id == row.model_id; });
    if (!replaced) rows.push_back(row);
  }
  return InputToText(RoutingInput(changes.route, rows));
}

HistoryStep NextStep(const std::optional<HistoryRow>& newest,
                     const std::optional<std::string>& before, const std::string& after) {
  HistoryStep step;
  std::optional<std::string> last;
  if (newest) last = newest->input;
  if (newest && !newest->input) last = step.fill = before;
  if (last != after) step.add = after;
  return step;
}

HistoryRange RangeOf(const Head& head, Revision start) {
  const std::int64_t floor = head.revision.get() - (limits::kRouteHistoryGenerations - 1);
  return {head.epoch, std::max(start, Revision(floor)), head.revision};
}

Result<Revision> RevisionIn(const Head& head, Generation asked) {
  const Generation oldest = MakeGeneration(head.epoch, Revision(0));
  const Generation newest = MakeGeneration(head.epoch, head.revision);
  if (asked > newest) {
    return Fail(ErrorCode::kUnprocessable, "generation {} is still to come: the table is at {}",
                asked.get(), newest.get());
  }
  if (asked < oldest) {
    return Fail(ErrorCode::kUnprocessable,
                "generation {} is of before the registry was restored: it now has {} to {}",
                asked.get(), oldest.get(), newest.get());
  }
  return RevisionOf(asked);
}

RouteAt AsRouteAt(const RouteStanding& standing, std::uint32_t epoch,
                  const std::string& sticky_on) {
  RouteAt found;
  found.input = RoutingInput(RouteOf(standing, sticky_on), VersionsOf(standing));
  found.generation = MakeGeneration(epoch, standing.revision);
  found.since = MakeGeneration(epoch, standing.decided->revision);
  found.since_at = standing.decided->at;
  return found;
}

Failure NotYetThere(const RouteName& route, Generation asked, Generation first) {
  return Fail(ErrorCode::kNotFound, "route {} did not exist at generation {}: its first is {}",
              route.get(), asked.get(), first.get());
}

Failure OverwrittenUnread(const RouteName& route, Generation asked) {
  return Fail(ErrorCode::kUnprocessable,
              "how route {} stood at generation {} is not known: its rows were changed by SQL, "
              "and again before podium could record them",
              route.get(), asked.get());
}

}  // namespace podium::store
