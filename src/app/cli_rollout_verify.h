// `podium rollout verify`: every verdict that the server kept, computed again here from the
// evidence that was kept with it.
#pragma once

#include <string>

#include "app/cli_rollout_verb_args.h"
#include "app/cli_traffic.h"

namespace podium::app {

/// kFailed when one of them does not come out again.
CliStatus RunRolloutVerify(CommandContext& context, const RolloutVerifyArgs& args);

/// How a stored verdict ({decision, sentence, evidence, verdict}) differs from what its evidence
/// gives; empty when it does not. Numbers may differ by 1e-9 of themselves: another machine's
/// logarithms. Pure.
std::string DifferenceOf(const Json& stored);

}  // namespace podium::app
