#include "testing/scenario_facts.h"

#include <fmt/ranges.h>

#include <cmath>
#include <optional>
#include <vector>

#include "testing/scenario_parse.h"

namespace podium::testing::scenario {
namespace {

const ModelVersion* Holder(const store::RouteState& state, VersionStatus status) {
  for (const ModelVersion& row : state.versions) {
    if (row.status == status) return &row;
  }
  return nullptr;
}

std::string HolderName(const store::RouteState& state, VersionStatus status) {
  const ModelVersion* row = Holder(state, status);
  return row == nullptr ? std::string(kNobody) : row->model_id.get();
}

std::string Since(WallTime start, WallTime time) {
  return FormatPass(std::chrono::duration_cast<std::chrono::milliseconds>(time - start));
}

std::string Unknown(std::string_view key) { return fmt::format("(no such fact: {})", key); }

// Of what goes on beside the split.
std::optional<std::string> BesideFact(const Route& route, std::string_view key) {
  if (key == "copies") return TextOfShare(route.shadow ? route.shadow->rate : BasisPoints());
  if (key == "watched") {
    if (!route.shadow || !route.shadow->on()) return std::string("nobody");
    std::vector<std::string> ids;
    for (const ModelId& id : route.shadow->versions) ids.push_back(id.get());
    return ids.empty() ? std::string("all") : fmt::format("{}", fmt::join(ids, ","));
  }
  const std::optional<ChallengerPlan>& challenger = route.challenger;
  if (key == "challenger") return challenger ? challenger->challenger.get() : std::string(kNobody);
  if (key == "weight") return challenger ? TextOfShare(challenger->weight) : "no challenger";
  if (key == "testing") return challenger && challenger->testing ? "yes" : "no";
  return std::nullopt;
}

}  // namespace

std::string TextOfId(const std::optional<ModelId>& id) {
  return id ? id->get() : std::string(kNobody);
}

std::string TextOfShare(BasisPoints share) { return FormatPercent(share) + "%"; }

std::string FactOf(const store::RouteState& state, std::string_view key) {
  const Route& route = state.route;
  if (const std::optional<std::string> beside = BesideFact(route, key)) return *beside;
  if (key == "primary") return HolderName(state, VersionStatus::kPrimary);
  if (key == "canary") return HolderName(state, VersionStatus::kCanary);
  if (key == "share") {
    const ModelVersion* canary = Holder(state, VersionStatus::kCanary);
    return canary == nullptr ? "no canary" : TextOfShare(canary->share);
  }
  if (key == "previous") return TextOfId(route.previous_primary);
  if (key == "policy") return std::string(NameOf(route.policy));
  if (key == "sticky") return route.sticky_on;
  if (key == "follows") return route.follow ? route.follow->model : std::string(kNobody);
  if (key == "held") return route.follow ? route.follow->held_because : "";
  if (key == "revision") return fmt::format("{}", route.revision.get());
  return Unknown(key);
}

std::string FactOf(const ModelVersion& row, std::string_view key, WallTime start) {
  if (key == "status") return std::string(NameOf(row.status));
  if (key == "share") return TextOfShare(row.share);
  if (key == "route") return row.route.get();
  if (key == "name") return row.name;
  if (key == "version") return row.version;
  if (key == "provider") return row.provider_key;
  if (key == "parent") return TextOfId(row.parent_id);
  if (key == "created") return Since(start, row.created_at);
  if (key == "updated") return Since(start, row.updated_at);
  if (key == "revision") return fmt::format("{}", row.revision.get());
  return Unknown(key);
}

std::string FactOf(const Promotion& row, std::string_view key, WallTime start) {
  if (key == "kind") return std::string(NameOf(row.kind));
  if (key == "from") return TextOfId(row.from);
  if (key == "to") return TextOfId(row.to);
  if (key == "by") return row.actor;
  if (key == "because") return row.reason;
  if (key == "before") return TextOfShare(row.share_before);
  if (key == "after") return TextOfShare(row.share_after);
  if (key == "at") return Since(start, row.at);
  if (key == "undoes") return row.undoes ? fmt::format("{}", row.undoes->get()) : "nothing";
  if (key == "revision") return fmt::format("{}", row.revision.get());
  return Unknown(key);
}

std::string FactOf(const routing::Decision& decision, std::string_view key) {
  if (key == "because") return std::string(routing::NameOf(decision.reason));
  if (key == "bucket") return fmt::format("{}", decision.bucket.coarse);
  if (key == "fine") return fmt::format("{}", decision.bucket.fine);
  if (key == "propensity") {
    const double rounded = std::round(decision.propensity * BasisPoints::kWhole);
    const Result<BasisPoints> share = BasisPoints::From(static_cast<std::int64_t>(rounded));
    return share ? TextOfShare(*share) : fmt::format("{}", decision.propensity);
  }
  if (key == "sticky") return decision.sticky ? "yes" : "no";
  if (key == "generation") return fmt::format("{}", decision.generation.get());
  return Unknown(key);
}

std::string RoleOf(const ModelVersion& row) {
  const bool canary = row.status == VersionStatus::kCanary;
  return fmt::format("{} {}{}", row.model_id.get(), NameOf(row.status),
                     canary ? " " + TextOfShare(row.share) : "");
}

std::string TextOfArms(const std::vector<RouteArm>& arms) {
  std::string text;
  for (const RouteArm& arm : arms) {
    text += fmt::format("{}{} {}", text.empty() ? "" : " ", arm.model_id.get(),
                        TextOfShare(arm.weight));
  }
  return text.empty() ? "none" : text;
}

}  // namespace podium::testing::scenario
