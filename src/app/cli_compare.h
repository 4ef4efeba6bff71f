// `podium compare`: how the versions of a route did.
#pragma once

#include <string>

#include "app/cli_log_args.h"
#include "app/cli_traffic.h"

namespace podium::app {

CliStatus RunCompare(CommandContext& context, const CompareArgs& args);

/// What the API says, as a table with one column for each version, and what must be known to read
/// it.
std::string DescribeComparison(const Json& report);

}  // namespace podium::app
