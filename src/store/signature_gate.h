// Who may be put in front of a route's callers: a version whose signature contradicts the
// primary's is refused, unless a named person forces it. Pure.
#pragma once

#include <vector>

#include "base/result.h"
#include "store/decide.h"

namespace podium::store {

/// Compares every version that `mutation` would put in front of traffic with the primary that
/// serves now: of canaries and candidates of rollouts those that get a share for the first time, of
/// arms those that gain a weight. A rollback is never asked. kConflict, with what differs, for one
/// that does not fit, and when it is forced by nobody in particular.
Result<std::vector<SignatureFinding>> CheckSignatures(const RouteSnapshot& state,
                                                      const Mutation& mutation,
                                                      const MutationContext& context);

/// `evidence` (a JSON object, or empty) with what was forced added to it.
std::string WithForced(const std::string& evidence, const std::vector<SignatureFinding>& findings);

}  // namespace podium::store
