// Whether a verb may be carried out, judged before anything is loaded or written. Pure.
#pragma once

#include <vector>

#include "base/result.h"
#include "domain/version.h"
#include "store/decide.h"
#include "store/registry_store.h"

namespace podium::control {

/// What a rehearsal found.
struct Admission {
  std::vector<RouteArm> arms;  ///< What a new split pins.
  Revision primary_since;      ///< What promotes and rollbacks pin, and activations of the primary.
  ModelId live_canary;  ///< What a rollback pins too, and a share that is set already; empty when
                        ///< none has a share.
  std::vector<ModelVersion> goes_live;  ///< Must be READY before the commit (invariant 7).
};

/// Whether it ends a rollout by giving its traffic back to the primary, which serves already: it
/// waits for nobody.
bool TakesBack(const store::Mutation& mutation);

/// Binds the commit to what its verb was admitted on.
void Pin(const Admission& admission, const store::Mutation& mutation,
         store::MutationContext& context);

/// Rehearses `mutation` on the rows as they are now: the error it would meet, or what would go
/// live. `named` is the version that the mutation names, if it names one that exists; where it is
/// of this route and `state` knows better, `state` counts. `rollout` is the one that the mutation
/// moves, else the one that runs on the route; without the row of the one that it moves, the commit
/// alone judges.
Result<Admission> Admit(const store::RouteState& state, const std::optional<ModelVersion>& named,
                        const store::Mutation& mutation, const store::MutationContext& context,
                        const std::optional<Rollout>& rollout = std::nullopt);

}  // namespace podium::control
