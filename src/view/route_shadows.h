// Who watches a route here, and who may be asked beside its primary.
//
// Compiled with each view from the route's row and from what is ready on this replica, so that a
// call finds nothing, or all that it needs.
#pragma once

#include <chrono>
#include <memory>
#include <string_view>
#include <vector>

#include "base/money.h"
#include "domain/traffic.h"
#include "routing/table.h"
#include "view/shadow_tallies.h"

namespace podium::view {

struct RouteView;

struct ShadowTarget {
  routing::VersionIndex version = routing::kNoVersion;  ///< READY here, and not the primary.
  std::shared_ptr<ShadowTally> tally;
};

/// Never empty.
struct RouteShadows {
  BasisPoints rate;  ///< Above 0.
  double tolerance = 0;
  NanoUsd daily_cap;
  std::vector<ShadowTarget> targets;
  std::shared_ptr<ShadowBudget> budget;
};

/// Of a route that tests its challenger.
struct RouteChallenger {
  /// kNoVersion while it is not READY here: the champion answers, and that is counted.
  routing::VersionIndex version = routing::kNoVersion;
  BasisPoints weight;
  bool sticky = false;
  std::chrono::milliseconds deadline{0};  ///< 0: the route's.
  double tolerance = ShadowPlan::kUsualTolerance;
  std::shared_ptr<ChallengerTally> tally;
};

/// Whether a unit is in the sample of a route's shadows: by a hash of its own, so that it says
/// nothing about the unit's place in a canary. The same on every replica. Pure.
bool InShadowSample(const routing::CompiledRoute& route, BasisPoints rate, std::string_view unit);
/// u of a unit, in [0, 1): whose answer a sticky challenger's route gives. Pure.
double ChallengerDraw(const routing::CompiledRoute& route, std::string_view unit);

/// Both null when nobody watches, nobody is ready to, or the only one who would is the primary
/// itself. `view` has its route and serving.
std::shared_ptr<const RouteShadows> ShadowsOf(const RouteView& view, ShadowTallies& tallies);
std::shared_ptr<const RouteChallenger> ChallengerOf(const RouteView& view, ShadowTallies& tallies);

}  // namespace podium::view
