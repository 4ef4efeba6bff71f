// `podium predict`: one request, and who answered it.
#pragma once

#include "app/cli_traffic.h"

namespace podium::app {

CliStatus RunPredict(CommandContext& context, const PredictArgs& args);

/// The request body for what was typed: {"rows": …} as it is; a list of rows, one row of numbers or
/// one row as an object are wrapped.
CliResult<Json> PredictBody(const std::string& text);

}  // namespace podium::app
