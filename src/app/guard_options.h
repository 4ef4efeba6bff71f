// The settings that bound models, as the runtime takes them.
#pragma once

#include <filesystem>

#include "app/settings.h"
#include "runtime/guard.h"

namespace podium::app {

/// The library that is configured, else the one beside the binary.
std::filesystem::path OrtLibrary(const Settings& settings);
/// Without a stamp: whoever keeps proofs sets it.
runtime::GuardOptions GuardOptionsOf(const Settings& settings);

}  // namespace podium::app
