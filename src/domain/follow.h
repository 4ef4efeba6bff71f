// How a route follows a registered model: who is its champion and its challenger is said there, in
// MLflow's own terms, and the route's primary and canary come after it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "domain/traffic.h"

namespace podium {

/// What the route does when another version becomes the champion.
enum class OnChampion : std::uint8_t {
  kPromote,  ///< Promote it as soon as it is READY.
  kRollout,  ///< Lead it in step by step. Not offered before rollouts are.
};
std::string_view NameOf(OnChampion action);
std::optional<OnChampion> ParseOnChampion(std::string_view name);

/// Part of a route's row. A route without it is driven by Podium's own verbs.
struct Follow {
  std::string model;  ///< Name of the registered model.
  /// "@alias", or a stage ("Production"): the highest version there. Empty: the alias `champion` if
  /// it is set, else Production.
  std::string champion;
  /// The same with the alias `challenger` and Staging; "none" for a route without challenger.
  std::string challenger;
  BasisPoints challenger_share = BasisPoints(500);  ///< Of the canary that the challenger becomes.
  OnChampion on_champion = OnChampion::kPromote;
  /// A rollback detached the route: it stays as it is until it is told to follow again.
  bool held = false;
  std::string held_because;  ///< For people: who rolled back, and why. Empty unless held.

  bool operator==(const Follow&) const = default;
};

/// kInvalid, naming the field, for what no route can follow: an empty or impossible model name, an
/// alias or stage that cannot be, the same selector twice, a share above one.
Status Validate(const Follow& follow);

}  // namespace podium
