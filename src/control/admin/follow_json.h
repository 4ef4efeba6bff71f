// What a route follows, and how it stands, as the API shows it.
#pragma once

#include <optional>

#include "base/clock.h"
#include "base/json.h"
#include "domain/follow.h"
#include "view/follow_port.h"

namespace podium::control {

/// {model, champion, challenger, challenger_share, on_champion, held, held_because, held_at}, with
/// null for what is usual or does not apply; null for a route that does not follow.
Json FollowJson(const std::optional<Follow>& follow);

/// {state, text, champion, challenger, behind_s}: numbers of versions or null. nullopt, for a route
/// that nobody has looked at yet, is waiting.
Json StandingJson(const std::optional<view::FollowStanding>& standing, SteadyTime now);

}  // namespace podium::control
