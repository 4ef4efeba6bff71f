// The one place that touches the process: its arguments, environment, terminal and signals.

#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "app/cli_run.h"
#include "base/clock.h"
#include "runtime/model_host.h"
#include "runtime/model_process.h"
#include "runtime/onnx_loader.h"

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

// Whoever presses Ctrl-C gets 130 and no further word: no verb leaves anything to clean up. The
// server and the demo bring handlers of their own.
extern "C" void ExitInterrupted(int) { ::_exit(static_cast<int>(ExitCode::kInterrupted)); }

// False when Ctrl-C came before the time was over. The signal is blocked while it is waited for, so
// that it comes either here or to the handler, whenever it is sent.
bool PauseUnlessInterrupted(std::chrono::milliseconds duration) {
  sigset_t interrupt;
  sigset_t before;
  ::sigemptyset(&interrupt);
  ::sigaddset(&interrupt, SIGINT);
  ::pthread_sigmask(SIG_BLOCK, &interrupt, &before);
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(duration);
  const timespec limit{seconds.count(), std::chrono::nanoseconds(duration - seconds).count()};
  const bool is_interrupted = ::sigtimedwait(&interrupt, nullptr, &limit) == SIGINT;
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return !is_interrupted;
}

/// The child that holds one model; see runtime/model_process.h.
int HostOneModel(const Clock& clock) {
  return runtime::HostModel(
      [&](const runtime::VerifyOrder& order) -> Result<std::shared_ptr<runtime::ModelLoader>> {
        return runtime::OnnxLoader::Open(order.ort_library, clock,
                                         static_cast<std::size_t>(order.call_memory_bytes));
      });
}

int Main(int argc, char** argv) {
  const SystemClock clock;
  if (argc == 2 && std::string_view(argv[1]) == runtime::kModelHostVerb) return HostOneModel(clock);
  const SteadyTime started = clock.SteadyNow();
  // Releases of ONNX Runtime with telemetry obey this. Set before there is a thread.
  ::setenv("ORT_DISABLE_TELEMETRY", "1", /*replace=*/1);
  ::signal(SIGINT, ExitInterrupted);
  // A file at its size limit is an error like a full disk, not the end.
  ::signal(SIGXFSZ, SIG_IGN);
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
                 },
                 [&clock](const SourceAddress& address) { return ConnectSource(address, clock); }};
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
