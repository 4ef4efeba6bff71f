// `podium log` and `podium feedback`: the prediction log from the command line.
#pragma once

#include <string>

#include "app/cli_log_args.h"
#include "app/cli_traffic.h"
#include "app/cli_versions.h"

namespace podium::app {

CliStatus RunLog(CommandContext& context, const LogArgs& args, const Waiting& waiting);
CliStatus RunFeedback(CommandContext& context, const FeedbackArgs& args);

/// The list's target for the filters of `args`, the version found. Asks the server only for that.
CliResult<std::string> LogTarget(Api& api, const LogArgs& args);
/// One prediction as a line of CSV; `CsvHead` names the columns. A text that holds a comma, a quote
/// or a line end is quoted, as RFC 4180 has it.
std::string CsvLine(const Json& prediction);
std::string CsvHead();

}  // namespace podium::app
