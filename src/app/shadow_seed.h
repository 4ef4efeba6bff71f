// What configuration says of shadows, brought to the registry once.
#pragma once

#include "app/settings.h"
#include "store/registry_store.h"

namespace podium::app {

/// D2, D3: registers each configured shadow, unless a row has its place (which stays as it is), and
/// sets what it gets copies of, unless somebody ever said so. What the registry does not take is
/// logged; the next start tries again. Blocks.
void SeedShadows(const Settings& settings, store::RegistryStore& store);

}  // namespace podium::app
