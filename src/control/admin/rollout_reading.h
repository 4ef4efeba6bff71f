// What the endpoints of rollouts read from the registry. Everything here blocks: for the pool of
// reads.
#pragma once

#include <optional>
#include <string>

#include "control/admin/context.h"
#include "control/admin/rollout_json.h"
#include "store/registry_store.h"

namespace podium::control {

/// kNotFound too when it is of another route.
Result<Rollout> FindRolloutOf(store::RolloutStore& store, const RouteName& route,
                              const RolloutId& id);

/// How candidate and primary are called; what is not in the view has no name.
RolloutBeside NamesOf(const AdminContext& c, const Rollout& rollout);
/// The same, `with_look` the newest verdict and who drives too; what cannot be read is left out.
RolloutBeside BesideOf(const AdminContext& c, const Rollout& rollout, bool with_look);

/// The version of the route that `word` names: by its id, else by its version. kNotFound;
/// kConflict when several that are not retired are called so.
Result<ModelVersion> CandidateIn(const store::RouteState& state, const std::string& word);

/// The number that the next rollout of `candidate` gets: 1 + those of the same artifact (or
/// upstream model) on the route. For previews: the commit counts for itself.
Result<int> NextAttemptOf(const AdminContext& c, const store::RouteState& state,
                          const ModelVersion& candidate);

/// Of the latest look and the latest decision, the newer one; none where there is neither. Pure.
std::optional<store::RolloutVerdict> NewestOf(const Rollout& rollout, store::LatestVerdicts latest);

/// The latest verdict, if it proves that the candidate may take all traffic: positive, at the last
/// step, and with evidence of this part of it.
Result<std::optional<store::RolloutProof>> ProofOfPromotion(store::RolloutStore& store,
                                                            const Rollout& rollout);

}  // namespace podium::control
