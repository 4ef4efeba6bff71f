// The paths of artifacts as callers write them, before anything touches a file system. Pure.
#pragma once

#include <string_view>

#include "base/result.h"
#include "runtime/artifact_tree.h"

namespace podium::runtime {

/// From text that is decoded once; "" and "/" are the tree itself. kInvalidArgument for steps that
/// lead elsewhere, however often they were decoded again, and for what no file system takes.
Result<ArtifactPath> ParseArtifactPath(std::string_view text);

}  // namespace podium::runtime
