// What configuration says of routes, brought to the registry once.
#pragma once

#include "app/settings.h"
#include "store/registry_store.h"

namespace podium::app {

/// B5: what configuration says of a route becomes its first row, so that switching the registry on
/// changes no routing. A registry that does not take it costs nothing: the chain has the setting.
/// Blocks.
void SeedRoutes(const Settings& settings, store::RegistryStore& store);

}  // namespace podium::app
