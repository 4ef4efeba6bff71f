// How a route stood at a past moment, as the API shows it.
#pragma once

#include "base/json.h"
#include "store/registry_store.h"

namespace podium::control {

/// Each role with the version that held it and the change that brought it: who, when, from where,
/// why. `epoch` is the registry's, for the generation.
Json ToJson(const store::RouteStanding& standing, std::uint32_t epoch);

}  // namespace podium::control
