// `podium db`: the registry's database without a server. What the settings name, SQLite file or
// PostgreSQL; other commands ask a server, these must work when none runs.
#pragma once

#include "app/cli_args.h"
#include "app/cli_console.h"

namespace podium::app {

/// status, migrate, backup, restore and verify: data on `out`, as JSON when asked for, a bar on a
/// terminal's `err` while it takes long. kFailed when `verify` finds something.
ExitCode RunDb(const DbArgs& args, const Environment& environment, Console& console,
               OutputFormat format, bool yes);

}  // namespace podium::app
