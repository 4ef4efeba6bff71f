// The next single step that brings a route to what its registered model says, and how the route
// stands, for people.
//
// Pure, and level-triggered: the same facts give the same step, so that a follower that died half
// way, or another replica's, may simply ask again.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "domain/follow.h"
#include "domain/ids.h"
#include "domain/rollout.h"
#include "domain/version.h"
#include "view/follow_port.h"

namespace podium::control {

/// Why a version was not brought further when that was tried last.
struct FollowTrouble {
  std::string why;
  bool passes = false;   ///< Of the moment, such as a registry that was away.
  bool of_load = false;  ///< Its file could not be found or loaded: whoever is primary, it cannot.
};

/// A version of the registered model that the route is to serve, as far as it has come.
struct FollowCandidate {
  std::int64_t number = 0;
  const ModelVersion* row = nullptr;  ///< Of this route; nullptr: it is not registered here.
  bool ready = false;                 ///< On this replica, and kept so.
  std::optional<FollowTrouble> trouble;
};

/// All that a step depends on.
struct FollowFacts {
  RouteName route;
  Follow follow;
  bool model_exists = true;
  bool has_arms = false;
  std::optional<FollowCandidate> champion;
  std::optional<FollowCandidate> challenger;
  const ModelVersion* primary = nullptr;  ///< nullptr: the route has none.
  const ModelVersion* canary = nullptr;
  const Rollout* rollout = nullptr;  ///< That runs on the route.
  /// The champion's newest one, where it ended without making it the primary: it is not led in
  /// again. nullptr: there is none, or somebody wants it all the same.
  const Rollout* vetoed = nullptr;
};

enum class FollowStepKind : std::uint8_t {
  kNothing,
  kRegister,   ///< Make the version `number` one of the route's.
  kLoad,       ///< Have `row` loaded, here and on the other replicas.
  kPromote,    ///< Make `row` the primary.
  kSetCanary,  ///< Make `row` the canary, with the follow's share.
  kEndCanary,
  kStartRollout,  ///< Lead `row` in.
  kAbortRollout,  ///< End the one that runs.
};
std::string_view NameOf(FollowStepKind kind);

struct FollowStep {
  FollowStepKind kind = FollowStepKind::kNothing;
  std::int64_t number = 0;            ///< Of the version it is about; 0 for what ends something.
  const ModelVersion* row = nullptr;  ///< The same, once it is the route's.
};

struct FollowPlan {
  FollowStep step;
  view::FollowState state = view::FollowState::kFollowing;
  std::string text;
};

/// First what takes traffic away, then the champion, then the challenger. What cannot be served is
/// left alone and said; what serves goes on.
FollowPlan PlanFollow(const FollowFacts& facts);

}  // namespace podium::control
