// `podium import mlflow`: reads another registry page by page and sends it on, a page a call.
//
// Nothing is remembered here between two runs: each page that is there already is passed over by
// the server, so an import that was cut off anywhere is simply run again.
#pragma once

#include "app/cli_import_args.h"
#include "app/cli_status.h"
#include "app/settings_load.h"
#include "app/source_client.h"

namespace podium::app {

/// What an import needs besides the way to Podium.
struct ImportWorld {
  const Waiting& waiting;
  const Environment& environment;
  const SourceConnect& connect;
};

/// The report goes to `out`, progress to `err`. kUsage for an address or a sign-in that cannot be;
/// as MlflowSource for the source, as every verb for Podium; ImportReport::Verdict at the end.
CliStatus RunImport(CommandContext& context, const ImportArgs& args, const ImportWorld& world);

}  // namespace podium::app
