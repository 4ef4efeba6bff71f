// `podium serve`, `podium check`, and the settings that `serve` and `demo` start with.
#pragma once

#include "app/cli_args.h"
#include "app/cli_console.h"
#include "app/settings_load.h"

namespace podium::app {

/// Reads the file that a flag or PODIUM_CONFIG names and puts the settings together. Mistakes are
/// printed to `err` and end with kUsage; warnings are printed and do not.
CliResult<Settings> SettingsFor(const ServerFlags& flags, const Environment& environment,
                                Console& console);

/// Every mistake of a settings file and of the environment: kDone without any, kFailed with some,
/// kUsage when the file cannot be read. As JSON on `out` when asked for.
ExitCode RunCheck(const CheckArgs& args, const Environment& environment, Console& console,
                  OutputFormat format);

/// Serves until SIGINT or SIGTERM; a second one ends the process at once.
ExitCode RunServe(const ServeArgs& args, const Environment& environment, Console& console);

}  // namespace podium::app
