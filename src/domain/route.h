// A route: what callers ask for, and how its traffic is split.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "domain/follow.h"
#include "domain/ids.h"
#include "domain/rollout.h"
#include "domain/shadow.h"
#include "domain/traffic.h"

namespace podium {

enum class RoutePolicy : std::uint8_t {
  kFixed,  ///< The primary, with at most one canary as a layer before it.
  kAb,     ///< Arms in fixed slots.
};
std::string_view NameOf(RoutePolicy policy);
std::optional<RoutePolicy> ParseRoutePolicy(std::string_view name);

/// One arm of an A/B split. A slot is a fixed origin among the buckets (routing/arm_layout.h); what
/// the arms leave free is the control's (the primary's).
struct RouteArm {
  ModelId model_id;
  int slot = 0;
  BasisPoints weight;

  bool operator==(const RouteArm&) const = default;
};

/// A row of `routes`, with its arms.
struct Route {
  RouteName name;
  std::string task_type;
  RoutePolicy policy = RoutePolicy::kFixed;
  std::string sticky_on;    ///< "session" (session, else request) or "user" (user, else those).
  std::string salt;         ///< For arms; minted with the route.
  std::string canary_salt;  ///< Minted when a version enters the canary role; empty without canary.
  std::vector<RouteArm> arms;
  /// Revision of the last change of the primary: what a promote pins when it is admitted.
  Revision primary_since;
  /// Target of a rollback: primary before the newest promotion not yet undone.
  std::optional<ModelId> previous_primary;
  std::optional<Follow> follow;        ///< Empty: driven by Podium's own verbs.
  std::optional<RolloutMark> rollout;  ///< Of the rollout that runs, if one does.
  std::optional<ShadowPlan> shadow;    ///< Empty: nobody ever said anything about it.
  std::optional<ChallengerPlan> challenger;
  WallTime created_at;
  WallTime updated_at;
  Revision revision;  ///< Of the last change of the route or of any of its versions.
};

}  // namespace podium
