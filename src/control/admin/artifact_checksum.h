// What a registration that names an artifact is fixed to: the bytes that are there now.
#pragma once

#include "control/admin/context.h"

namespace podium::control {

/// A version is the bytes it was registered with: a file that changes afterwards is another one.
/// Fills in the checksum of a version with an artifact and without one. A file that is not there
/// yet may still come: then it stays empty, and the version shows as failed with the reason.
/// kInvalidArgument for where artifacts may not come from. `version` outlives the task.
Task<Status> FixChecksum(const AdminContext& context, ModelVersion& version);

}  // namespace podium::control
