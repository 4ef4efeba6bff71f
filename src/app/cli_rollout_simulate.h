// `podium rollout simulate`: how often rules are wrong in worlds whose truth is known.
#pragma once

#include "app/cli_console.h"
#include "app/cli_rollout_args.h"

namespace podium::app {

/// Podium beside fixed thresholds, a peeking z-test and Mann-Whitney, on `out`; how far it is, on
/// `err` where that is a terminal. kUsage for a scenario that there is not.
CliStatus RunRolloutSimulate(const RolloutSimulateArgs& args, Console& console,
                             OutputFormat format);

}  // namespace podium::app
