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

/// The revision that If-Match names; none without it, or with "*".
Result<std::optional<Revision>> IfMatch(const net::RequestHead& head);

/// Carries out a mutation whose body may hold {"reason"} and nothing else, and answers 200. What
/// puts a version in front of traffic takes {"force"} too.
AdminReply CarryOutPlain(AdminCall& call, store::Mutation mutation);
/// The answer that all verbs share (`status` 202 instead of 200 while cores have not applied it).
net::Response VerbResponse(const AdminCall& call, const VerbOutcome& outcome, int status = 200);

}  // namespace podium::control
