// How a route follows a registered model: who is its champion and its challenger is said there, in
// MLflow's own terms, and the route's primary and canary come after it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "domain/registered_model.h"
#include "domain/traffic.h"

namespace podium {

/// What the route does when another version becomes the champion.
enum class OnChampion : std::uint8_t {
  kPromote,  ///< Promote it as soon as it is READY.
  kRollout,  ///< Lead it in by a rollout, which promotes it by proof.
};
std::string_view NameOf(OnChampion action);
std::optional<OnChampion> ParseOnChampion(std::string_view name);

/// Part of a route's row. A route without it is driven by Podium's own verbs.
struct Follow {
  std::string model;  ///< Registered in this registry: others are not followed.
  /// "@alias", or a stage ("Production", in any case of letters): the highest version there. Empty:
  /// the alias `champion` if it is set, else Production.
  std::string champion;
  /// The same with the alias `challenger` and Staging; "none" for a route without challenger.
  std::string challenger;
  BasisPoints challenger_share = *BasisPoints::From(500);  ///< Of the canary it becomes.
  OnChampion on_champion = OnChampion::kPromote;
  /// A rollback detached the route: it stays as it is until it is told to follow again.
  bool held = false;
  std::string held_because;  ///< For people: who rolled back, and why. Empty unless held.
  WallTime held_at;          ///< Zero unless held.

  bool operator==(const Follow&) const = default;
};

/// kInvalidArgument, naming the field, for what no route can follow: a model name that cannot be,
/// an alias or stage that cannot be or never serves (None, Archived), the same alias or stage for
/// champion and challenger.
Status Validate(const Follow& follow);

/// Whether both say the same but for being held.
bool SameAims(const Follow& one, const Follow& other);

/// Where a champion or a challenger is looked up: the alias if it is asked for and set, else the
/// highest version in the stage if one is asked for. Neither: there is none on purpose.
struct FollowSelector {
  std::optional<std::string> alias;  ///< Without the '@'.
  std::optional<ModelStage> stage;
  bool operator==(const FollowSelector&) const = default;
};
FollowSelector ChampionOf(const Follow& follow);    ///< REQUIRES: Validate(follow).
FollowSelector ChallengerOf(const Follow& follow);  ///< REQUIRES: Validate(follow).
/// For people: "alias champion or stage Production", "alias blue", "stage Staging", "none".
std::string Describe(const FollowSelector& selector);

}  // namespace podium
