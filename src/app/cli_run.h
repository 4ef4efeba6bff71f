// Carries out what a command line asks for.
#pragma once

#include <string>
#include <vector>

#include "app/cli_api.h"
#include "app/cli_console.h"
#include "app/cli_versions.h"
#include "app/settings_load.h"
#include "app/source_client.h"
#include "base/clock.h"

namespace podium::app {

/// All that a command touches outside itself.
struct CliWorld {
  Environment environment;
  Console& console;
  const Clock& clock;
  CommandPause pause;
  SteadyTime started;
  std::string program = "podium";  ///< argv[0]
  /// Makes the way to a server; net::SendBlocking unless a test brings its own.
  std::function<Transport(const net::HostPort&)> connect;
  /// The same for the server that an import reads from.
  SourceConnect connect_source = {};
};

/// `arguments` without the program's name.
ExitCode RunCli(const std::vector<std::string>& arguments, CliWorld& world);

/// "HOST:PORT", "http://HOST:PORT" or the same with a slash behind it.
CliResult<net::HostPort> ParseServer(const std::string& text);

}  // namespace podium::app
