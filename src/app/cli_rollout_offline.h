// The verbs of `podium rollout` that need no server: anybody can check a decision by them.
#pragma once

#include <string>

#include "app/cli_console.h"
#include "app/cli_rollout_args.h"
#include "rollout/verdict.h"

namespace podium::app {

/// The verdict on a file of counters, on `out`. The exit code says whether it could be computed,
/// not what it is. kFailed for counters that cannot be, with the place in the file.
CliStatus RunRolloutEvidence(const RolloutEvidenceArgs& args, Console& console,
                             OutputFormat format);

/// The sentence, a row for each series of events, and what the pairs say.
std::string DescribeVerdict(const rollout::Verdict& verdict);

}  // namespace podium::app
