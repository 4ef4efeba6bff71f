// The life of a mutation: admit, make ready, commit, publish, answer.
#pragma once

#include <string>

#include "control/admin/context.h"
#include "store/mutation.h"

namespace podium::control {

/// What a verb did, and whether the cores have it.
struct VerbOutcome {
  store::Committed committed;
  bool applied =
      true;  ///< False when the table could not be read back yet: the poll will bring it.
};

/// Carries one mutation through. Errors of the store's own semantics come before anything is
/// loaded; kUnprocessable when a version that would go live does not load; nothing has changed
/// then.
Task<Result<VerbOutcome>> CarryOut(AdminCall& call, store::Mutation mutation, std::string reason);

/// Carries out a mutation whose body may hold {"reason"} and nothing else, and answers 200.
AdminReply CarryOutPlain(AdminCall& call, store::Mutation mutation);
/// The answer that all verbs share (`status` 202 instead of 200 while cores have not applied it).
net::Response VerbResponse(const AdminCall& call, const VerbOutcome& outcome, int status = 200);

}  // namespace podium::control
