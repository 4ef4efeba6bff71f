// Reads what a follower has to know of one route and its registered model. All of it blocks.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "base/result.h"
#include "control/follow/follow_plan.h"
#include "control/follow/followed_model.h"
#include "store/model_store.h"
#include "store/registry_store.h"
#include "store/rollout_store.h"

namespace podium::control {

/// One route, and what its model says, as they were read one after the other: what changes between
/// the two is seen by the next look.
struct FollowReading {
  store::RouteState state;             ///< Follows.
  std::optional<FollowedModel> model;  ///< nullopt: there is none of that name.
  FollowTargets targets;
  std::optional<Rollout> rollout;  ///< That runs on the route.
  /// The champion's newest one that says something of it, where it was rolled back or aborted.
  std::optional<Rollout> vetoed;

  const Follow& follow() const { return *state.route.follow; }
  /// nullptr when `number` is of no version.
  const RegisteredVersion* Find(const std::optional<std::int64_t>& number) const;
  const ModelVersion* Holder(VersionStatus status) const;  ///< nullptr when nobody has the role.
};

/// kNotFound without the route, kConflict when it does not follow.
Result<FollowReading> ReadFollowed(store::RegistryStore& store, store::ModelStore& models,
                                   store::RolloutStore& rollouts, const RouteName& route);

/// A model with the versions that `follow` may mean. kNotFound when there is none of that name.
Result<FollowedModel> ReadFollowedModel(store::ModelStore& models, const std::string& name,
                                        const Follow& follow);
/// Adds a version unless it is known already, or there is none of that number.
Status AlsoRead(store::ModelStore& models, const std::string& name, std::int64_t number,
                FollowedModel& model);

/// `ready` and `trouble` are asked about the versions that are to serve.
FollowFacts FactsOf(
    const FollowReading& reading, const std::function<bool(const ModelVersion&)>& ready,
    const std::function<std::optional<FollowTrouble>(const RegisteredVersion&)>& trouble);

}  // namespace podium::control
