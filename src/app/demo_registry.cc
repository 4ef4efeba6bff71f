#include "app/demo_registry.h"

#include <fmt/format.h>

#include "app/chat_reply.h"
#include "app/cli_api.h"
#include "app/demo_format.h"
#include "base/json.h"

namespace podium::app {
namespace {

constexpr std::size_t kShownBodyBytes = 120;

std::int64_t WholeOf(const Json& object, const char* key) {
  const Json& value = MemberOf(object, key);
  return value.is_number_integer() ? value.get<std::int64_t>() : 0;
}

std::string ModelIn(const Json& object, const char* key) {
  return TextOf(MemberOf(object, key), "model_id");
}

template <typename T>
Result<std::vector<T>> ReadItems(std::string_view body, T (*read)(const Json&)) {
  PODIUM_TRY_ASSIGN(const Json json, ParseJson(body));
  const Json& items = MemberOf(json, "items");
  if (!items.is_array()) {
    return Fail(ErrorCode::kInternal, "the answer has no list of items");
  }
  std::vector<T> list;
  for (const Json& item : items) list.push_back(read(item));
  return list;
}

RegistryVersion ReadVersion(const Json& item) {
  return RegistryVersion{TextOf(item, "model_id"),      TextOf(item, "route"),
                         TextOf(item, "version"),       TextOf(item, "status"),
                         NumberOf(item, "traffic_pct"), TextOf(item, "load_state"),
                         TextOf(item, "load_error"),    TextOf(item, "provider_key")};
}

RegistryRoute ReadRoute(const Json& item) {
  RegistryRoute route;
  route.route = TextOf(item, "route");
  route.primary = ModelIn(item, "primary");
  route.canary = ModelIn(item, "canary");
  route.traffic_pct = NumberOf(item, "traffic_pct");
  route.revision = WholeOf(item, "revision");
  if (const Json& arms = MemberOf(item, "arms"); arms.is_array()) {
    for (const Json& arm : arms) {
      route.arms.emplace_back(TextOf(arm, "model_id"), NumberOf(arm, "traffic_pct"));
    }
  }
  if (const Json& faults = MemberOf(item, "faults"); faults.is_array()) {
    for (const Json& fault : faults) {
      if (fault.is_string()) route.faults.push_back(fault.get<std::string>());
    }
  }
  return route;
}

RegistryChange ReadChange(const Json& item) {
  RegistryChange change;
  change.revision = WholeOf(item, "revision");
  change.route = TextOf(item, "route");
  change.kind = TextOf(item, "kind");
  change.from = TextOf(item, "from");
  change.to = TextOf(item, "to");
  change.pct_before = NumberOf(item, "traffic_pct_before");
  change.pct_after = NumberOf(item, "traffic_pct_after");
  change.undoes = !MemberOf(item, "undoes").is_null();
  change.actor = TextOf(item, "actor");
  change.origin = TextOf(item, "origin");
  change.reason = TextOf(item, "reason");
  change.at = TextOf(item, "at");
  return change;
}

// What people call it; the id where the version is not listed (deleted).
std::string NameOfModel(const std::string& model_id, const std::vector<RegistryVersion>& versions) {
  for (const RegistryVersion& version : versions) {
    if (version.model_id == model_id) return version.version;
  }
  return model_id;
}

std::string What(const RegistryChange& change, const std::string& from, const std::string& to) {
  if (change.kind == "promote") {
    return from.empty() ? fmt::format("{} promoted", to)
                        : fmt::format("{} promoted over {}", to, from);
  }
  if (change.kind == "activate") return fmt::format("{} made primary", to);
  if (change.kind == "rollback" && change.undoes) return fmt::format("rolled back to {}", to);
  if (change.kind == "rollback") {
    return fmt::format("canary {} rolled back from {}% to 0%", from,
                       ShortPercent(change.pct_before));
  }
  if (change.kind == "ramp") {
    return fmt::format("canary {} from {}% to {}%", to, ShortPercent(change.pct_before),
                       ShortPercent(change.pct_after));
  }
  if (change.kind == "abort") {
    return fmt::format("canary {} ended at {}%", from, ShortPercent(change.pct_before));
  }
  if (change.kind == "arms") return "split between arms changed";
  const std::string& subject = to.empty() ? from : to;
  if (change.kind == "register") return fmt::format("{} registered", subject);
  if (change.kind == "retire") return fmt::format("{} retired", subject);
  if (change.kind == "delete") return fmt::format("{} deleted", subject);
  return fmt::format("{} {}", change.kind, subject);
}

}  // namespace

Result<std::vector<RegistryVersion>> ReadVersions(std::string_view body) {
  return ReadItems<RegistryVersion>(body, ReadVersion);
}

Result<std::vector<RegistryRoute>> ReadRoutes(std::string_view body) {
  return ReadItems<RegistryRoute>(body, ReadRoute);
}

Result<std::vector<RegistryChange>> ReadChanges(std::string_view body) {
  return ReadItems<RegistryChange>(body, ReadChange);
}

Result<std::string> ReadArtifactUri(std::string_view body) {
  PODIUM_TRY_ASSIGN(const Json json, ParseJson(body));
  std::string uri = TextOf(json, "artifact_uri");
  if (uri.empty()) return Fail(ErrorCode::kInternal, "the answer to an upload has no artifact_uri");
  return uri;
}

double ShareAsked(const RegistryRoute& route, const RegistryVersion& version) {
  double others = 0;
  for (const auto& [model_id, percent] : route.arms) {
    if (model_id == version.model_id) return percent;
    if (model_id != route.primary) others += percent;
  }
  if (version.model_id == route.canary) return route.traffic_pct;
  if (version.model_id != route.primary) return 0;
  return 100 - others - (route.canary.empty() ? 0 : route.traffic_pct);
}

std::string Sentence(const RegistryChange& change, const std::vector<RegistryVersion>& versions) {
  const std::string from = NameOfModel(change.from, versions);
  const std::string to = NameOfModel(change.to, versions);
  // 2026-03-09T14:31:07.123456Z: the time of day is what a watcher needs.
  const std::string time = change.at.size() >= 19 ? change.at.substr(11, 8) : change.at;
  std::string text =
      fmt::format("{}  {}  {} by {}", time, change.route, What(change, from, to), change.actor);
  if (!change.origin.empty()) text += fmt::format(" ({})", change.origin);
  if (!change.reason.empty()) text += fmt::format(": {}", change.reason);
  return text;
}

std::string ShowProblem(int status, std::string_view body) {
  if (const Result<Json> problem = ParseJson(body)) {
    const std::string detail = TextOf(*problem, "detail");
    if (!detail.empty()) return fmt::format("{} {}", status, detail);
    const std::string message = ErrorMessageOf(*problem);
    if (!message.empty()) return fmt::format("{} {}", status, message);
  }
  return fmt::format("{} {}", status, body.substr(0, kShownBodyBytes));
}

}  // namespace podium::app
