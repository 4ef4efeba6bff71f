#include "app/demo.h"

#include <unistd.h>

#include <algorithm>
#include <boost/asio/basic_signal_set.hpp>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <future>
#include <optional>
#include <utility>
#include <vector>

#include "app/demo_examples.h"
#include "app/demo_format.h"
#include "app/demo_providers.h"
#include "app/demo_session.h"
#include "app/server.h"
#include "base/log.h"
#include "base/rng.h"
#include "net/core_pool.h"
#include "net/listener.h"

namespace podium::app {
namespace {

namespace fs = std::filesystem;

constexpr int kExitFailed = 1;
constexpr int kExitUsage = 2;
/// The demo's own requests are the only ones that matter, and they have ended by then.
constexpr std::chrono::milliseconds kDrainTimeout{1'000};

int Complain(int exit_code, const std::string& text) {
  std::fputs(fmt::format("podium demo: {}\n", text).c_str(), stderr);
  return exit_code;
}

/// The data directory: the one that was asked for, or a fresh one that goes with the demo.
class DemoDirectory {
 public:
  static Result<DemoDirectory> Make(const DemoOptions& options) {
    if (options.data_chosen) return DemoDirectory(options.settings.data_dir, false);
    std::error_code failed;
    std::string name = (fs::temp_directory_path(failed) / "podium-demo-XXXXXX").string();
    if (failed || ::mkdtemp(name.data()) == nullptr) {
      return Fail(ErrorCode::kUnavailable,
                  "no temporary directory can be made: name one with --data, or set TMPDIR");
    }
    return DemoDirectory(name, !options.keep);
  }
  DemoDirectory(DemoDirectory&& other) noexcept
      : path_(std::move(other.path_)), remove_(std::exchange(other.remove_, false)) {}
  DemoDirectory& operator=(DemoDirectory&&) = delete;
  ~DemoDirectory() {
    std::error_code ignored;
    if (remove_) fs::remove_all(path_, ignored);
  }

  const fs::path& path() const { return path_; }
  bool kept() const { return !remove_; }

 private:
  DemoDirectory(fs::path path, bool remove) : path_(std::move(path)), remove_(remove) {}

  fs::path path_;
  bool remove_;
};

/// Everything that runs on the demo's own core, beside the server's.
class DemoCore {
 public:
  DemoCore() : pool_(1) {
    pool_.Run(0, [this] {
      tasks_.emplace(executor());
      signals_.emplace(executor());
      signals_->Spawn(AwaitSignal());
    });
  }

  ~DemoCore() {
    std::promise<void> over;
    pool_.Post(0, [this, &over] {
      signals_->Cancel();
      tasks_->Spawn(JoinSignals(over));
    });
    over.get_future().wait();
    pool_.Stop();  // Joins: the members are then nobody's but this thread's.
  }

  /// Blocks until the session has ended.
  Status Run(DemoSessionOptions options, std::vector<DemoRoute> routes, const Clock& clock,
             Rng& rng) {
    std::promise<Status> ended;
    pool_.Post(0, [&] {
      session_.emplace(std::move(options), std::move(routes), clock, rng, executor());
      if (signalled_) session_->Stop();
      tasks_->Spawn(RunSession(ended));
    });
    return ended.get_future().get();
  }

 private:
  using SignalSet = boost::asio::basic_signal_set<Executor>;

  Executor executor() const { return pool_.executor(0); }

  Task<void> AwaitSignal() {
    SignalSet signals(executor(), SIGINT, SIGTERM, SIGHUP);
    const auto [error, number] = co_await signals.async_wait(kAwaitTuple);
    if (error) co_return;
    signalled_ = true;
    if (session_) session_->Stop();
  }

  Task<void> RunSession(std::promise<Status>& ended) {
    auto run = session_->Run();
    Status status = co_await std::move(run);
    ended.set_value(std::move(status));
  }

  Task<void> JoinSignals(std::promise<void>& over) {
    auto join = signals_->Join();
    co_await std::move(join);
    over.set_value();
  }

  net::CorePool pool_;
  std::optional<TaskGroup> tasks_;
  std::optional<TaskGroup> signals_;
  std::optional<DemoSession> session_;
  bool signalled_ = false;
};

Status CheckOptions(const DemoOptions& options) {
  if (!(options.rate > 0 && options.rate <= kDemoMaxRate)) {
    return Fail(ErrorCode::kInvalidArgument, "--rate {} is not above 0 and at most {}",
                options.rate, kDemoMaxRate);
  }
  if (options.duration && options.duration->count() <= 0) {
    return Fail(ErrorCode::kInvalidArgument, "--duration must be more than 0 seconds");
  }
  return {};
}

/// Where to send to when the server listens there.
net::HostPort Reachable(net::HostPort address) {
  if (address.host == "0.0.0.0") address.host = "127.0.0.1";
  if (address.host == "::") address.host = "::1";
  return address;
}

// Logs would tear the live view apart; what matters of them is part of it.
void QuietenLog(const Settings& settings) {
  const bool beside_view = DemoScreen().live() && ::isatty(STDERR_FILENO) == 1;
  ConfigureLog(settings.log_format,
               std::max(settings.log_level, beside_view ? ErrorLog::kError : ErrorLog::kWarning));
}

Status WriteExample(const fs::path& file, const DemoRoute& route) {
  std::ofstream out(file, std::ios::binary);
  out << RowBody(route.rows.front()) << '\n';
  out.close();
  if (out) return {};
  return Fail(ErrorCode::kUnavailable, "{} cannot be written", file.string());
}

const DemoRoute& RouteOfExample(const std::vector<DemoRoute>& routes) {
  const auto found = std::find_if(routes.begin(), routes.end(),
                                  [](const DemoRoute& route) { return route.route == "digits"; });
  return found == routes.end() ? routes.front() : *found;
}

// One run, with everything that it needs in place until its end.
class Demo {
 public:
  explicit Demo(const DemoOptions& options) : options_(options), settings_(options.settings) {}

  Status Run() {
    PODIUM_TRY_ASSIGN(std::vector<DemoRoute> routes, ReadDemoRoutes());
    DemoCore core;  // First, so that from here on a signal ends all of this in order.
    PODIUM_TRY_ASSIGN(const DemoDirectory directory, DemoDirectory::Make(options_));
    settings_.data_dir = directory.path();
    settings_.drain_timeout = std::min(settings_.drain_timeout, kDrainTimeout);
    AvoidTakenPort();
    PODIUM_TRY_ASSIGN(const std::unique_ptr<DemoProviders> providers, DemoProviders::Start(clock_));
    providers->AddTo(settings_);
    PODIUM_TRY_ASSIGN(std::unique_ptr<Server> server, Server::Start(settings_, clock_, rng_));
    DemoBanner banner = Banner(directory, server->address());
    const DemoRoute& example = RouteOfExample(routes);
    banner.example_file = (directory.path() / "digits.json").string();
    banner.example_label = example.label_names.at(static_cast<std::size_t>(example.labels.front()));
    PODIUM_TRY(WriteExample(banner.example_file, example));
    if (options_.shuffle_labels) {
      for (DemoRoute& route : routes) ShuffleLabels(route, rng_);
    }
    DemoSessionOptions session{Reachable(server->address()), settings_.admin_token,
                               options_.candidate, std::move(banner), options_.started};
    Status ended = core.Run(std::move(session), std::move(routes), clock_, rng_);
    server->Stop();
    return ended;
  }

 private:
  void AvoidTakenPort() {
    const bool chosen = options_.listen_chosen || settings_.listen != Settings().listen;
    if (chosen || net::Listeners::Open(settings_.listen, 1)) return;
    notice_ = fmt::format("Port {} is taken, so this is another one (--listen chooses).",
                          settings_.listen.port);
    settings_.listen.port = 0;
  }

  DemoBanner Banner(const DemoDirectory& directory, const net::HostPort& address) const {
    DemoBanner banner;
    const std::string reachable = net::ToString(Reachable(address));
    banner.url = "http://" + reachable;
    // The command line looks there by itself, unless the environment sends it elsewhere.
    const bool usual =
        Reachable(address) == Settings().listen && std::getenv("PODIUM_ADDR") == nullptr;
    if (!usual) banner.server_flag = " --server " + reachable;
    std::error_code ignored;
    banner.program = ShownProgram(options_.program, fs::current_path(ignored).string());
    banner.data_dir = directory.path().string();
    banner.kept = directory.kept();
    banner.rate = options_.rate;
    banner.candidate = options_.candidate;
    banner.duration = options_.duration;
    banner.needs_token = !settings_.admin_token.empty();
    banner.notice = notice_;
    if (options_.shuffle_labels) {
      if (!notice_.empty()) banner.notice += ' ';
      banner.notice += "Labels are shuffled: accuracies must be poor.";
    }
    return banner;
  }

  const DemoOptions& options_;
  Settings settings_;
  SystemClock clock_;
  SystemRng rng_;
  std::string notice_;
};

}  // namespace

int RunDemo(const DemoOptions& options) {
  if (const Status checked = CheckOptions(options); !checked) {
    return Complain(kExitUsage, checked.error().message);
  }
  // A reader that went away is seen when writing, not felt as a signal.
  std::signal(SIGPIPE, SIG_IGN);
  QuietenLog(options.settings);
  if (const Status ended = Demo(options).Run(); !ended) {
    return Complain(ended.error().code == ErrorCode::kInvalidArgument ? kExitUsage : kExitFailed,
                    Describe(ended.error()));
  }
  return 0;
}

}  // namespace podium::app
