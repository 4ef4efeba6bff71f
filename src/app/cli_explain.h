// `podium explain`: why a key gets, or a request got, its version.
#pragma once

#include <string>

#include "app/cli_traffic.h"

namespace podium::app {

CliStatus RunExplain(CommandContext& context, const ExplainArgs& args);

/// One sentence with the answer, the steps to it, and what would change it, from the API's object.
std::string DescribeReplay(const Json& replay);
/// What became of a request, and whether the table of then says the same.
std::string DescribeRequest(const Json& answer);

}  // namespace podium::app
