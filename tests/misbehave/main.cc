// Podium's own server and its own model process, with models that crash, hang, eat memory or answer
// NaN (runtime/misbehaving_loader.h). Arguments: those of `podium serve`. Built for the tests
// alone.

#include <csignal>
#include <cstring>
#include <iostream>
#include <memory>
#include <string>

#include "app/server.h"
#include "app/settings_load.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/rng.h"
#include "runtime/misbehaving_loader.h"
#include "runtime/model_host.h"
#include "runtime/model_process.h"

namespace podium {
namespace {

int Serve(int argc, char** argv) {
  app::SettingsSources sources;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string text = *entry;
    const std::size_t equals = text.find('=');
    sources.environment[text.substr(0, equals)] = text.substr(equals + 1);
  }
  for (int i = 2; i + 1 < argc; i += 2) {
    const std::string flag = argv[i];
    sources.flags.push_back({flag, flag == "--data" ? "data_dir" : "server.listen", argv[i + 1]});
  }
  const app::LoadedSettings loaded = app::LoadSettings(sources);
  ConfigureLog(LogFormat::kJson, ErrorLog::kInfo);
  // Waited for by sigwait: blocked before there is a thread.
  sigset_t stop;
  ::sigemptyset(&stop);
  ::sigaddset(&stop, SIGTERM);
  ::sigprocmask(SIG_BLOCK, &stop, nullptr);
  const SystemClock clock;
  SystemRng rng;
  auto server =
      app::Server::Start(loaded.settings, clock, rng,
                         {std::make_shared<runtime::MisbehavingLoader>(true), "scripted"});
  if (!server) {
    std::cerr << server.error().message << '\n';
    return 1;
  }
  std::cout << "podium serving on http://" << net::ToString((*server)->address()) << std::endl;
  int signal = 0;
  ::sigwait(&stop, &signal);
  (*server)->Stop();
  return 0;
}

}  // namespace
}  // namespace podium

int main(int argc, char** argv) {
  if (argc == 2 && std::strcmp(argv[1], podium::runtime::kModelHostVerb) == 0) {
    return podium::runtime::HostModel(
        [](const podium::runtime::VerifyOrder&)
            -> podium::Result<std::shared_ptr<podium::runtime::ModelLoader>> {
          return std::shared_ptr<podium::runtime::ModelLoader>(
              std::make_shared<podium::runtime::MisbehavingLoader>(false));
        });
  }
  return podium::Serve(argc, argv);
}
