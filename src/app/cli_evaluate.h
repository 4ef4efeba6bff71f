// `podium log evaluate`: what another split would have earned, by the log.
#pragma once

#include <string>

#include "app/cli_log_args.h"
#include "app/cli_traffic.h"

namespace podium::app {

CliStatus RunEvaluate(CommandContext& context, const EvaluateArgs& args);

/// What the API says: the estimates, then what must be known to believe them.
std::string DescribeEvaluation(const Json& report);

}  // namespace podium::app
