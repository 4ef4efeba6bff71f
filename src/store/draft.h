// A route and its versions while one mutation works on them. Side effects that follow from a change
// of role (salts, arms, primary_since) are in Place and nowhere else, so no verb can forget one.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "store/decide.h"

namespace podium::store {

class Draft {
 public:
  Draft(Route route, std::vector<ModelVersion> rows, const Stamp& stamp);

  const Route& route() const { return route_; }
  const ModelVersion* Find(const ModelId& id) const;       ///< nullptr when not on this route.
  const ModelVersion* Holder(VersionStatus status) const;  ///< First in this role, or nullptr.
  std::vector<ModelId> Ids() const;                        ///< In the order of the rows given.

  /// Moves a version to a role. Rows are written in the order in which they are first placed.
  void Place(const ModelId& id, VersionStatus status, BasisPoints share = {});
  void Add(ModelVersion row);
  void Bury(const ModelId& id);  ///< Retired for good: leaves a tombstone.
  /// The list as given; those that leave it are for the caller to place elsewhere first.
  void ReplaceArms(std::vector<RouteArm> arms);
  void ReplaceFollow(std::optional<Follow> follow);
  /// With its mark in the route's row, which is gone once it has ended.
  void ReplaceRollout(Rollout rollout);
  const std::optional<Rollout>& rollout() const { return rollout_; }  ///< Given so; else nullopt.
  void ReplaceShadow(std::optional<ShadowPlan> plan);
  void ReplaceChallenger(std::optional<ChallengerPlan> plan);
  void SetPreviousPrimary(std::optional<ModelId> id);
  /// That a rollback cannot go to a version any more.
  void ForgetPreviousPrimary(const ModelId& id);

  /// The rows touched, stamped; `audit` gets revision, route and time. `changed` is false when none
  /// was touched.
  Changes Take(Promotion audit, const std::optional<ModelId>& subject) &&;

 private:
  ModelVersion* Row(const ModelId& id);
  void Touch(const ModelId& id);
  void LeaveRole(const ModelVersion& row);

  const Stamp& stamp_;
  Route route_;
  std::vector<ModelVersion> rows_;
  std::vector<ModelId> touched_;
  bool route_touched_ = false;
  std::optional<Rollout> rollout_;
};

}  // namespace podium::store
