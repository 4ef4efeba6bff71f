// `podium verify-artifact`: what a server would find out about a model file, without a server.
#pragma once

#include "app/cli_args.h"
#include "app/cli_console.h"

namespace podium::app {

/// Loads and warms the file up in a process of its own, within the limits of the settings. kDone
/// and a line (or JSON) on `out` when it may serve; kFailed with the reason when it may not.
ExitCode RunVerify(const VerifyArgs& args, const Environment& environment, Console& console,
                   OutputFormat format);

}  // namespace podium::app
