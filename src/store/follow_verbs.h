// Who drives a route: its own verbs, or a registered model that it follows. Pure. Internal to
// store.
#pragma once

#include <string_view>

#include "base/result.h"
#include "store/verbs.h"

namespace podium::store {

/// kConflict, saying who owns the route, for a mutation that would move traffic of a route that
/// somebody else drives. `state.route` may be missing.
Status CheckDriver(const RouteSnapshot& state, const Mutation& mutation,
                   const MutationContext& context);

/// "rolled back" and the like, for a mutation after which a route that follows is held; else empty.
std::string_view HoldsFollow(const Mutation& mutation, const MutationContext& context);
/// After a rollback: a route that follows stays as it is now, until it is told to follow again. The
/// same audit row says so; `did` is what its actor did.
void HoldFollow(Draft& draft, const Stamp& stamp, const MutationContext& context,
                std::string_view did, Promotion& audit);

}  // namespace podium::store
