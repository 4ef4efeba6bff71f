#include "app/cli_serve.h"

#include <fmt/format.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <csignal>
#include <cstdlib>
#include <future>
#include <thread>
#include <utility>

#include "app/cli_upload.h"
#include "app/server.h"
#include "app/settings_file.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/rng.h"

namespace podium::app {
namespace {

constexpr std::size_t kMaxSecretBytes = 64 * 1024;

Result<std::string> ReadSecretFile(const std::string& path) {
  return ReadSmallFile(path, kMaxSecretBytes);
}

// The file of a flag, else that of PODIUM_CONFIG, else none.
std::optional<std::string> ConfigPath(const std::optional<std::string>& flag,
                                      const Environment& environment) {
  if (flag) return flag;
  const auto found = environment.find("PODIUM_CONFIG");
  if (found == environment.end() || found->second.empty()) return std::nullopt;
  return found->second;
}

CliStatus ReadConfig(const std::optional<std::string>& path, SettingsSources& sources) {
  if (!path) return {};
  // One byte more than is allowed, so that the parser sees and names the excess.
  Result<std::string> text = ReadSmallFile(*path, kMaxSettingsBytes + 1);
  if (!text) return UsageError(text.error().message);
  sources.file = {*path, *std::move(text)};
  return {};
}

/// Two signals: the first is waited for, the second ends the process wherever it hangs.
/// Threads: one of its own, so that a stuck shutdown cannot delay the second signal.
class StopSignals {
 public:
  StopSignals() : signals_(context_, SIGINT, SIGTERM) {
    WaitForSignal();
    thread_ = std::thread([this] { context_.run(); });
  }
  ~StopSignals() {
    context_.stop();
    thread_.join();
  }
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;

  void WaitForFirst() { first_.get_future().wait(); }

 private:
  void WaitForSignal() {
    signals_.async_wait([this](const boost::system::error_code& error, int) {
      if (error) return;
      if (++received_ == 1) {
        first_.set_value();
        WaitForSignal();
        return;
      }
      std::_Exit(static_cast<int>(ExitCode::kInterrupted));
    });
  }

  boost::asio::io_context context_{1};
  boost::asio::signal_set signals_;
  int received_ = 0;
  std::promise<void> first_;
  std::thread thread_;
};

CliError StartError(const Error& error, const Settings& settings) {
  CliError shown;
  shown.error = error.message;
  if (error.cause) shown.cause = Describe(*error.cause);
  const std::string text = Describe(error);
  if (text.find("in use") != std::string::npos) {
    shown.fix = fmt::format("stop what listens on {}, or take a free port: --listen {}:0",
                            net::ToString(settings.listen), settings.listen.host);
  }
  return shown;
}

Json ToJson(const Finding& finding) {
  Json json = {{"severity", NameOf(finding.severity)}, {"origin", finding.place.origin}};
  if (finding.place.line > 0) {
    json["line"] = finding.place.line;
    json["column"] = finding.place.column;
  }
  json["message"] = finding.message;
  return json;
}

}  // namespace

CliResult<Settings> SettingsFor(const ServerFlags& flags, const Environment& environment,
                                Console& console) {
  SettingsSources sources;
  sources.environment = environment;
  sources.flags = flags.values;
  sources.read_file = ReadSecretFile;
  if (console.err_is_terminal) sources.defaults.log_format = LogFormat::kText;
  CLI_TRY(ReadConfig(ConfigPath(flags.config, environment), sources));
  LoadedSettings loaded = LoadSettings(sources);
  for (const Finding& finding : loaded.findings) console.err << Render(finding);
  if (HasErrors(loaded.findings)) {
    return UsageError("the settings are wrong: " + Summary(loaded.findings),
                      "podium help settings");
  }
  return std::move(loaded.settings);
}

ExitCode RunCheck(const CheckArgs& args, const Environment& environment, Console& console,
                  OutputFormat format) {
  SettingsSources sources;
  sources.environment = environment;
  sources.read_file = ReadSecretFile;
  const auto path = ConfigPath(args.file, environment);
  if (const CliStatus read = ReadConfig(path, sources); !read) {
    console.err << Render(read.error());
    return ExitCode::kUsage;
  }
  const std::vector<Finding> findings = LoadSettings(sources).findings;
  if (format == OutputFormat::kJson) {
    Json list = Json::array();
    for (const Finding& finding : findings) list.push_back(ToJson(finding));
    PrintJson(console, list);
  } else {
    for (const Finding& finding : findings) console.out << Render(finding);
  }
  console.err << fmt::format("{}: {}\n", path ? *path + " and environment" : "environment",
                             Summary(findings));
  return HasErrors(findings) ? ExitCode::kFailed : ExitCode::kDone;
}

ExitCode RunServe(const ServeArgs& args, const Environment& environment, Console& console) {
  const CliResult<Settings> settings = SettingsFor(args.server, environment, console);
  if (!settings) {
    console.err << Render(settings.error());
    return settings.error().exit;
  }
  ConfigureLog(settings->log_format, settings->log_level);
  StopSignals signals;
  const SystemClock clock;
  SystemRng rng;
  Result<std::unique_ptr<Server>> server = Server::Start(*settings, clock, rng);
  if (!server) {
    FlushLog();
    console.err << Render(StartError(server.error(), *settings));
    return ExitCode::kFailed;
  }
  console.out << fmt::format("podium serving on http://{}\n", net::ToString((*server)->address()))
              << std::flush;
  if (console.err_is_terminal) {
    const net::HostPort& address = (*server)->address();
    const bool is_default = address == Settings{}.listen;
    console.err << fmt::format("data in {}; Ctrl-C stops; in another terminal: podium status{}\n",
                               settings->data_dir.string(),
                               is_default ? "" : " --server " + net::ToString(address))
                << std::flush;
  }
  signals.WaitForFirst();
  LogInfo("stopping: running requests may end; a second signal ends at once");
  (*server)->Stop();
  FlushLog();
  return ExitCode::kDone;
}

}  // namespace podium::app
