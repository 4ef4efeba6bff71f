// What a caller is told whose If-Match did not hold: the state as it is now, and who brought it
// about, so that the next attempt needs no second look.
#pragma once

#include "control/admin/context.h"

namespace podium::control {

/// The 412 of `error` with `current` (the resource that the path names, as it is now), `changed_by`
/// (its newest row of the audit trail) and its ETag; without them where they cannot be read.
Task<net::Response> MismatchResponse(const AdminCall& call, Error error);

}  // namespace podium::control
