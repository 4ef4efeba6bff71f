// As whom an import asks the other server. Pure.
#pragma once

#include <string>
#include <string_view>

#include "app/cli_exit.h"
#include "app/cli_import_args.h"
#include "app/settings_load.h"
#include "base/secret.h"

namespace podium::app {

/// The value of the header Authorization; empty: none is sent. Flags win over MLflow's own
/// variables: MLFLOW_TRACKING_USERNAME with _PASSWORD, else MLFLOW_TRACKING_TOKEN.
CliResult<Secret> SourceAuthorization(const ImportArgs& args, const Environment& environment);

/// RFC 4648, with padding.
std::string Base64Of(std::string_view bytes);

}  // namespace podium::app
