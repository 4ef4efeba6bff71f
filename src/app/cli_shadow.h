// `podium shadow set|show|off` and `podium challenger set|show|end`: who watches a route's traffic,
// and who is asked beside its primary.
#pragma once

#include "app/cli_traffic.h"

namespace podium::app {

CliStatus RunShadow(CommandContext& context, const ShadowArgs& args);
CliStatus RunChallenger(CommandContext& context, const ChallengerArgs& args);

/// What GET …/shadow and …/challenger say, for people.
std::string ShadowText(const Json& standing);
std::string ChallengerText(const Json& standing);

}  // namespace podium::app
