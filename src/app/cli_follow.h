// `podium route follow`, `podium route unfollow`, `podium reload`: a registered model drives a
// route; and how `podium status` tells of it.
#pragma once

#include <string>

#include "app/cli_traffic.h"

namespace podium::app {

CliStatus RunFollow(CommandContext& context, const FollowArgs& args);
CliStatus RunUnfollow(CommandContext& context, const UnfollowArgs& args);
/// Fails when what the model names cannot be served.
CliStatus RunReload(CommandContext& context, const ReloadArgs& args);

/// "ads follows ranker (@champion v3; challenger v4 at 5 %)", with how it stands unless all is as
/// the model says; empty for a route that follows nothing.
std::string FollowLine(const Json& route);
/// What a person has to know or to do about it: that the route is held, or cannot follow. Empty
/// when there is nothing.
std::string FollowWarning(const Json& route);
/// After a rollback that detached the route: what brings it back. Empty for any other change.
std::string HeldNote(const Json& answer);

}  // namespace podium::app
