// The one place that touches the process: its arguments, environment, terminal and signals.

#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <csignal>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <string>
#include <vector>

#include "app/cli_run.h"
#include "base/clock.h"

extern char** environ;

namespace podium::app {
namespace {

Environment ReadEnvironment() {
  Environment environment;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string text = *entry;
    const std::size_t equals = text.find('=');
    if (equals != std::string::npos) environment[text.substr(0, equals)] = text.substr(equals + 1);
  }
  return environment;
}

// False when Ctrl-C came before the time was over.
bool PauseUnlessInterrupted(std::chrono::milliseconds duration) {
  boost::asio::io_context context(1);
  boost::asio::signal_set signals(context, SIGINT, SIGTERM);
  boost::asio::steady_timer timer(context, duration);
  bool is_interrupted = false;
  signals.async_wait([&](const boost::system::error_code& error, int) {
    if (error) return;
    is_interrupted = true;
    timer.cancel();
  });
  timer.async_wait([&](const boost::system::error_code&) { signals.cancel(); });
  context.run();
  return !is_interrupted;
}

int Main(int argc, char** argv) {
  const SystemClock clock;
  const SteadyTime started = clock.SteadyNow();
  // Releases of ONNX Runtime with telemetry obey this. Set before there is a thread.
  ::setenv("ORT_DISABLE_TELEMETRY", "1", /*replace=*/1);
  Console console{std::cout,
                  std::cerr,
                  std::cin,
                  ::isatty(STDOUT_FILENO) == 1,
                  ::isatty(STDERR_FILENO) == 1,
                  ::isatty(STDIN_FILENO) == 1};
  CliWorld world{ReadEnvironment(),
                 console,
                 clock,
                 PauseUnlessInterrupted,
                 started,
                 argc > 0 ? argv[0] : "podium",
                 [](const net::HostPort& server) -> Transport {
                   return [server](net::ClientRequest request) {
                     return net::SendBlocking(server, std::move(request));
                   };
                 }};
  const std::vector<std::string> arguments(argv + (argc > 0 ? 1 : 0), argv + argc);
  const ExitCode code = RunCli(arguments, world);
  std::cout.flush();
  if (!std::cout && code == ExitCode::kDone) {
    std::cerr << "error: the output could not be written\n";
    return static_cast<int>(ExitCode::kFailed);
  }
  return static_cast<int>(code);
}

}  // namespace
}  // namespace podium::app

int main(int argc, char** argv) {
  try {
    return podium::app::Main(argc, argv);
  } catch (const std::exception& error) {
    // Nothing of ours throws across a module: this is out of memory, or a fault of ours.
    std::cerr << "error: " << error.what() << '\n';
    return 1;
  }
}
