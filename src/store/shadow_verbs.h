// What follows for a route's shadows when its primary changes. Internal to store.
#pragma once

#include "store/decide.h"
#include "store/draft.h"

namespace podium::store {

/// Where the list of a route's shadows names the version that is its primary now, the one that made
/// room takes its place: nobody watches itself, and the demoted one goes on being watched (C1).
void KeepShadows(const RouteSnapshot& before, Draft& draft);

}  // namespace podium::store
