// Whom a registered model names as champion and challenger, now and after a change of it. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "domain/follow.h"
#include "domain/registered_model.h"
#include "store/model_mutation.h"

namespace podium::control {

/// A registered model as far as a follower has to know it: its aliases, and of its versions at
/// least those that have one and the highest of each stage.
struct FollowedModel {
  AliasMap aliases;
  std::vector<RegisteredVersion> versions;

  const RegisteredVersion* Find(std::int64_t number) const;  ///< nullptr when it is not known.
};

/// Numbers of versions.
struct FollowTargets {
  std::optional<std::int64_t> champion;
  std::optional<std::int64_t> challenger;  ///< Never the champion.
  bool operator==(const FollowTargets&) const = default;
};

/// An alias beats a stage; in a stage the highest version counts. REQUIRES: Validate(follow).
FollowTargets TargetsOf(const Follow& follow, const FollowedModel& model);

/// The model as it will be; nullopt when it is gone. A rename is for the caller: the name decides
/// who follows. What the store will refuse may come out as anything.
std::optional<FollowedModel> After(FollowedModel model, const store::ModelMutation& mutation);

/// The stage whose highest version `mutation` takes away, so that a lower one counts from then on:
/// whoever asks has to know that one too. nullopt when no stage loses its highest.
std::optional<ModelStage> StageThatLosesItsHighest(const FollowedModel& model,
                                                   const store::ModelMutation& mutation);

}  // namespace podium::control
