// How a route stood at any moment, from the audit trail alone: the trail is append-only and says
// with each change who held which role afterwards, so it reaches back to the first of them. Pure.
//
// What SQL has changed past the trail is not in it; route_history notices that, for as long as it
// keeps its rows.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "domain/promotion.h"
#include "domain/route.h"
#include "domain/version.h"

namespace podium::store {

/// What a route was by the audit trail, and which row brought each part of it.
struct RouteStanding {
  RouteName route;
  Revision revision;  ///< Of the registry at the moment that was asked for.
  std::optional<ModelId> primary;
  std::optional<Promotion> primary_by;
  std::optional<ModelId> canary;
  BasisPoints share;                   ///< The canary's; 0 without one.
  std::optional<Promotion> canary_by;  ///< The row that set its present share.
  std::string salt;                    ///< The route's, for arms.
  std::string canary_salt;             ///< Empty without a canary.
  std::vector<RouteArm> arms;          ///< In the order of their slots.
  std::optional<Promotion> arms_by;
  /// What the route followed, and whether it was held. It decides no call, so RouteOf is without
  /// it.
  std::optional<Follow> follow;
  std::optional<Promotion> follow_by;  ///< The row that said so last.
  /// The rollout that ran: its id, unit and epoch. Frozen thresholds decide no call.
  std::optional<RolloutMark> rollout;
  std::optional<Promotion> rollout_by;  ///< The row that started it.
  std::optional<Promotion> newest;      ///< The last row of the route by then, whatever it changed.
  std::optional<Promotion> decided;     ///< The last one that changed what calls are decided by.
  std::vector<std::string> unknown;     ///< What the rows do not say, one sentence each.
  /// Those that hold a role, as the table has them now, deleted ones too: names and providers never
  /// change, statuses and shares do.
  std::vector<ModelVersion> versions;
};

/// Give it the rows of one route, oldest first, up to the moment asked for; then Take.
class AuditReplay {
 public:
  explicit AuditReplay(RouteName route) { standing_.route = std::move(route); }
  void Add(const Promotion& row);
  RouteStanding Take() && { return std::move(standing_); }

 private:
  void SetPrimary(const Promotion& row);
  void SetCanary(const Promotion& row);
  void SetArms(const Promotion& row);
  void LeaveRole(const ModelId& id);
  void DropCanary();
  void ReadSalts(const Promotion& row);
  void ReadFollow(const Promotion& row);
  void ReadRollout(const Promotion& row);

  RouteStanding standing_;
};

/// Ids of all that hold a role.
std::vector<ModelId> HoldersOf(const RouteStanding& standing);

/// Route and rows as they were, for whoever decides again by them. `sticky_on` is the route's
/// present one: no verb changes it.
Route RouteOf(const RouteStanding& standing, const std::string& sticky_on);
std::vector<ModelVersion> VersionsOf(const RouteStanding& standing);

}  // namespace podium::store
