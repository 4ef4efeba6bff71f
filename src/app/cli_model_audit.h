// `podium audit --model`: who changed what in MLflow's registry.
#pragma once

#include <cstddef>
#include <string>

#include "app/cli_run.h"

namespace podium::app {

/// Of one registered model, or of all when `model` is empty; newest first.
CliStatus RunModelAudit(CommandContext& context, const std::string& model, std::size_t most);

}  // namespace podium::app
