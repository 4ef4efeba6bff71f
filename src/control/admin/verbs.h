// The life of a mutation: admit, make ready, commit, publish, answer.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "control/admin/context.h"
#include "control/admin/replica_wait.h"
#include "store/mutation.h"

namespace podium::control {

/// What a verb did, and whether the cores have it.
struct VerbOutcome {
  store::Committed committed;
  /// This replica and the other live ones. One whose cores do not have it yet reads it later.
  std::vector<ReplicaApplied> replicas;
  /// False: the registry could not be asked who the others are, so they may lack it.
  bool replicas_known = true;
  bool applied() const;  ///< By all of them, as far as anybody knows.
};

/// Carries one mutation through. Errors of the store's own semantics come before anything is
/// loaded; kUnprocessable when a version that would go live does not load; nothing has changed
/// then. `force` passes the signature gate, if X-Podium-Actor names a person.
Task<Result<VerbOutcome>> CarryOut(AdminCall& call, store::Mutation mutation, std::string reason,
                                   bool force = false);

/// The same for whoever is no caller of this API. `context` says who and why; what the mutation has
/// to be pinned to is added. `c` outlives the task.
Task<Result<VerbOutcome>> CarryOutAs(const AdminContext& c, store::Mutation mutation,
                                     store::MutationContext context);
/// INV-7 before there is a mutation: returns once `version` is loaded here and on every live
/// replica. The handles keep it warm here. Errors as of CarryOut.
Task<Result<std::vector<ModelHandle>>> MakeReadyEverywhere(const AdminContext& c,
                                                           ModelVersion version);

/// The revision that If-Match names; none without it, or with "*".
Result<std::optional<Revision>> IfMatch(const net::RequestHead& head);

/// Carries out a mutation whose body may hold {"reason"} and nothing else, and answers 200. What
/// puts a version in front of traffic takes {"force"} too.
AdminReply CarryOutPlain(AdminCall& call, store::Mutation mutation);
/// Who calls, as a mutation's context names it: the principal, and the person of X-Podium-Actor.
/// kInvalidArgument for a person that is no name.
Result<store::MutationContext> ContextOf(const AdminCall& call, std::string reason, bool force);
/// Whether the registry would take `mutation` as it stands: the error that it would meet. Nothing
/// is loaded or written. Blocks: for the pool of reads.
Status Rehearsed(const AdminContext& c, const store::Mutation& mutation,
                 store::MutationContext context);
/// Adds what all verbs tell: what changed, what the signature gate found, who routes by it.
void AddOutcome(Json& json, const AdminCall& call, const VerbOutcome& outcome);
/// The answer that all verbs share (`status` 202 instead of 200 while cores have not applied it).
net::Response VerbResponse(const AdminCall& call, const VerbOutcome& outcome, int status = 200);

}  // namespace podium::control
