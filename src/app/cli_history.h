// `podium version diff`, and `podium audit --as-of`: what changes, and how it once stood.
#pragma once

#include <string>

#include "app/cli_traffic.h"

namespace podium::app {

CliStatus RunDiff(CommandContext& context, const DiffArgs& args);
CliStatus RunAsOf(CommandContext& context, const std::string& route, const std::string& at);

/// For people. Pure: the answers of the API as text.
std::string DescribeDiff(const Json& diff);
std::string DescribeStanding(const Json& standing, const std::string& at);

}  // namespace podium::app
