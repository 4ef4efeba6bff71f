// The verbs of the registry on a draft: what Decide dispatches to. Each either refuses or leaves
// the draft as the rows shall be. Internal to store.
#pragma once

#include <optional>

#include "base/result.h"
#include "store/decide.h"
#include "store/draft.h"

namespace podium::store {

/// What a verb says of itself for the audit trail.
struct Outcome {
  Promotion audit;                 ///< Kind, from, to, shares, undoes, evidence.
  std::optional<ModelId> subject;  ///< The version that it was about.
  std::optional<RolloutVerdict> verdict = {};
  std::string event = {};  ///< Type of the event, where the kind does not say it.
};

/// What every verb works with.
struct Work {
  const RouteSnapshot& state;
  const MutationContext& context;
  const Stamp& stamp;
  Draft& draft;
};

// version_verbs.cc. REQUIRES: the named version is on the draft's route and not deleted.
Result<Outcome> Register(const RegisterVersion& verb, Work work);
Result<Outcome> Activate(const ActivateVersion& verb, Work work);
Result<Outcome> Retire(const RetireVersion& verb, Work work);
Result<Outcome> Delete(const DeleteVersion& verb, Work work);
Result<Outcome> Promote(const PromoteVersion& verb, Work work);
/// `id` becomes primary, the incumbent a shadow; returns that one.
std::optional<ModelId> SucceedPrimary(Draft& draft, const ModelId& id);

// traffic_verbs.cc
Result<Outcome> RollBack(const RollBackRoute& verb, Work work);
Result<Outcome> Ramp(const SetCanary& verb, Work work);
Result<Outcome> Abort(const EndCanary& verb, Work work);
Result<Outcome> Split(const SetArms& verb, Work work);

// follow_verbs.cc
Result<Outcome> StartFollowing(const SetFollow& verb, Work work);
Result<Outcome> ResumeFollowing(const ResumeFollow& verb, Work work);

// rollout_verbs.cc
Result<Outcome> Start(const StartRollout& verb, Work work);
Result<Outcome> Move(const MoveRollout& verb, Work work);
// shadow_verbs.cc
Result<Outcome> Shadow(const SetShadow& verb, Work work);
Result<Outcome> Challenge(const SetChallenger& verb, Work work);

}  // namespace podium::store
