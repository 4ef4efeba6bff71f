#include "app/cli_run.h"

#include <fmt/format.h>

#include <type_traits>
#include <utility>

#include "app/cli_args.h"
#include "app/cli_chat.h"
#include "app/cli_compare.h"
#include "app/cli_costs.h"
#include "app/cli_db.h"
#include "app/cli_evaluate.h"
#include "app/cli_explain.h"
#include "app/cli_follow.h"
#include "app/cli_history.h"
#include "app/cli_import.h"
#include "app/cli_log.h"
#include "app/cli_predict.h"
#include "app/cli_replicas.h"
#include "app/cli_rollout.h"
#include "app/cli_rollout_offline.h"
#include "app/cli_rollout_simulate.h"
#include "app/cli_rollout_verify.h"
#include "app/cli_serve.h"
#include "app/cli_shadow.h"
#include "app/cli_status.h"
#include "app/cli_traffic.h"
#include "app/cli_upload.h"
#include "app/cli_verify.h"
#include "app/demo.h"

namespace podium::app {
namespace {

constexpr const char* kDefaultServer = "127.0.0.1:8080";
constexpr std::chrono::minutes kDefaultTimeout{2};
constexpr std::chrono::minutes kChatTimeout{15};  // The server's own limits end an answer sooner.
constexpr std::chrono::seconds kDefaultWait{60};  // Of `version register --wait`.

std::string Variable(const Environment& environment, const char* name) {
  const auto found = environment.find(name);
  return found == environment.end() ? "" : found->second;
}

// What an operator on the server's own machine has set already will do as well.
CliResult<Secret> TokenOf(const Environment& environment) {
  for (const char* name : {"PODIUM_TOKEN", "PODIUM_ADMIN_TOKEN"}) {
    if (std::string token = Variable(environment, name); !token.empty()) {
      return Secret(std::move(token));
    }
  }
  const std::string path = Variable(environment, "PODIUM_ADMIN_TOKEN_FILE");
  if (path.empty()) return Secret();
  Result<std::string> token = ReadSmallFile(path, 64 * 1024);
  if (!token) return LocalError(token.error());
  if (token->ends_with('\n')) token->pop_back();
  return Secret(*std::move(token));
}

CliResult<OutputFormat> FormatOf(const ClientFlags& flags, const Environment& environment) {
  if (flags.output) return *flags.output;
  const std::string format = Variable(environment, "PODIUM_OUTPUT");
  if (format.empty() || format == "table") return OutputFormat::kTable;
  if (format == "json") return OutputFormat::kJson;
  return UsageError(fmt::format("PODIUM_OUTPUT is \"{}\", must be json or table", format));
}

class Runner {
 public:
  Runner(CliWorld& world, ClientFlags client) : world_(world), client_(std::move(client)) {}

  ExitCode operator()(const PrintText& text) {
    world_.console.out << text.text;
    return ExitCode::kDone;
  }
  ExitCode operator()(const ServeArgs& args) {
    return RunServe(args, world_.environment, world_.console);
  }
  ExitCode operator()(const DemoArgs& args) {
    const CliResult<Settings> settings =
        SettingsFor(args.server, world_.environment, world_.console);
    if (!settings) return Ended(CliFailure(settings.error()));
    DemoOptions options;
    options.settings = *settings;
    options.settings.database = {};  // A demo writes into no registry that is in use.
    options.listen_chosen =
        args.server.Has("server.listen") || world_.environment.contains("PODIUM_SERVER_LISTEN");
    options.data_chosen =
        args.server.Has("data_dir") || world_.environment.contains("PODIUM_DATA_DIR");
    options.keep = args.keep;
    if (args.rate) options.rate = *args.rate;
    if (args.worse) options.candidate = DemoCandidate::kWorse;
    options.duration = args.duration;
    options.shuffle_labels = args.shuffle_labels;
    options.program = world_.program;
    options.started = world_.started;
    return static_cast<ExitCode>(RunDemo(options));
  }
  ExitCode operator()(const CheckArgs& args) {
    const CliResult<OutputFormat> format = FormatOf(client_, world_.environment);
    if (!format) return Ended(CliFailure(format.error()));
    return RunCheck(args, world_.environment, world_.console, *format);
  }
  ExitCode operator()(const VerifyArgs& args) {
    const CliResult<OutputFormat> format = FormatOf(client_, world_.environment);
    if (!format) return Ended(CliFailure(format.error()));
    return RunVerify(args, world_.environment, world_.console, *format);
  }
  ExitCode operator()(const RolloutEvidenceArgs& args) {
    const CliResult<OutputFormat> format = FormatOf(client_, world_.environment);
    if (!format) return Ended(CliFailure(format.error()));
    return Ended(RunRolloutEvidence(args, world_.console, *format));
  }
  ExitCode operator()(const RolloutSimulateArgs& args) {
    const CliResult<OutputFormat> format = FormatOf(client_, world_.environment);
    if (!format) return Ended(CliFailure(format.error()));
    return Ended(RunRolloutSimulate(args, world_.console, *format));
  }
  ExitCode operator()(const DbArgs& args) {
    const CliResult<OutputFormat> format = FormatOf(client_, world_.environment);
    if (!format) return Ended(CliFailure(format.error()));
    return RunDb(args, world_.environment, world_.console, *format, client_.yes);
  }
  template <typename Args>
  ExitCode operator()(const Args& args) {
    return Ended(Ask(args));
  }

 private:
  template <typename Args>
  CliStatus Ask(const Args& args) {
    CLI_TRY_ASSIGN(const OutputFormat format, FormatOf(client_, world_.environment));
    std::string name = client_.server.value_or(Variable(world_.environment, "PODIUM_ADDR"));
    if (name.empty()) name = kDefaultServer;
    CLI_TRY_ASSIGN(const net::HostPort server, ParseServer(name));
    Api::Options options;
    options.server = net::ToString(server);
    constexpr bool kChats = std::is_same_v<Args, ChatArgs>;
    options.timeout = client_.timeout.value_or(kChats ? kChatTimeout : kDefaultTimeout);
    CLI_TRY_ASSIGN(options.token, TokenOf(world_.environment));
    options.person =
        client_.person.empty() ? Variable(world_.environment, "PODIUM_ACTOR") : client_.person;
    Api api(std::move(options), world_.connect(server));
    CommandContext context{api, world_.console, format, client_.reason, client_.yes};
    const Waiting waiting{world_.clock, world_.pause, client_.timeout.value_or(kDefaultWait)};
    if constexpr (kChats) {
      return RunChat(context, args, {world_.clock, DimsOnErr()});
    } else if constexpr (std::is_same_v<Args, ImportArgs>) {
      return RunImport(context, args, {waiting, world_.environment, world_.connect_source});
    } else {
      return Dispatch(context, args, waiting);
    }
  }

  bool DimsOnErr() const {
    const std::string terminal = Variable(world_.environment, "TERM");
    return world_.console.err_is_terminal && !terminal.empty() && terminal != "dumb" &&
           Variable(world_.environment, "NO_COLOR").empty();
  }

  template <typename Args>
  static CliStatus Dispatch(CommandContext& context, const Args& args, const Waiting& waiting) {
    if constexpr (std::is_same_v<Args, StatusArgs>) return RunStatus(context, args, waiting);
    if constexpr (std::is_same_v<Args, RegisterArgs>) return RunRegister(context, args, waiting);
    if constexpr (std::is_same_v<Args, ListVersionsArgs>) return RunListVersions(context, args);
    if constexpr (std::is_same_v<Args, GetVersionArgs>) return RunGetVersion(context, args);
    if constexpr (std::is_same_v<Args, DiffArgs>) return RunDiff(context, args);
    if constexpr (std::is_same_v<Args, ChangeVersionArgs>) return RunChangeVersion(context, args);
    if constexpr (std::is_same_v<Args, RollbackArgs>) return RunRollback(context, args);
    if constexpr (std::is_same_v<Args, CanaryArgs>) return RunCanary(context, args);
    if constexpr (std::is_same_v<Args, PredictArgs>) return RunPredict(context, args);
    if constexpr (std::is_same_v<Args, AuditArgs>) return RunAudit(context, args);
    if constexpr (std::is_same_v<Args, ExplainArgs>) return RunExplain(context, args);
    if constexpr (std::is_same_v<Args, CostsArgs>) return RunCosts(context, args);
    if constexpr (std::is_same_v<Args, ListReplicasArgs>) return RunListReplicas(context, args);
    if constexpr (std::is_same_v<Args, EventsArgs>) return RunEvents(context, args, waiting);
    if constexpr (std::is_same_v<Args, FollowArgs>) return RunFollow(context, args);
    if constexpr (std::is_same_v<Args, UnfollowArgs>) return RunUnfollow(context, args);
    if constexpr (std::is_same_v<Args, ReloadArgs>) return RunReload(context, args);
    if constexpr (std::is_same_v<Args, RolloutStartArgs>) return RunRolloutStart(context, args);
    if constexpr (std::is_same_v<Args, RolloutListArgs>) return RunRolloutList(context, args);
    if constexpr (std::is_same_v<Args, RolloutShowArgs>) {
      return RunRolloutShow(context, args, waiting);
    }
    if constexpr (std::is_same_v<Args, RolloutVerbArgs>) return RunRolloutVerb(context, args);
    if constexpr (std::is_same_v<Args, RolloutVerifyArgs>) return RunRolloutVerify(context, args);
    if constexpr (std::is_same_v<Args, ShadowArgs>) return RunShadow(context, args);
    if constexpr (std::is_same_v<Args, ChallengerArgs>) return RunChallenger(context, args);
    if constexpr (std::is_same_v<Args, LogArgs>) return RunLog(context, args, waiting);
    if constexpr (std::is_same_v<Args, FeedbackArgs>) return RunFeedback(context, args);
    if constexpr (std::is_same_v<Args, CompareArgs>) return RunCompare(context, args);
    if constexpr (std::is_same_v<Args, EvaluateArgs>) return RunEvaluate(context, args);
    if constexpr (std::is_same_v<Args, SetPriceArgs>) return RunSetPrice(context, args);
    if constexpr (std::is_same_v<Args, ListPricesArgs>) return RunListPrices(context, args);
  }

  ExitCode Ended(const CliStatus& status) {
    if (status) return ExitCode::kDone;
    if (!status.error().error.empty()) world_.console.err << Render(status.error());
    return status.error().exit;
  }

  CliWorld& world_;
  ClientFlags client_;
};

}  // namespace

CliResult<net::HostPort> ParseServer(const std::string& text) {
  std::string_view address = text;
  if (address.starts_with("https://")) {
    return UsageError("this build speaks no TLS: name the server by http://HOST:PORT");
  }
  if (address.starts_with("http://")) address.remove_prefix(7);
  if (address.ends_with('/')) address.remove_suffix(1);
  Result<net::HostPort> parsed = net::ParseHostPort(address);
  if (!parsed) return UsageError("the server's address: " + parsed.error().message);
  if (parsed->port == 0) return UsageError("the server's address needs a port other than 0");
  return *std::move(parsed);
}

ExitCode RunCli(const std::vector<std::string>& arguments, CliWorld& world) {
  CliResult<CommandLine> line = ParseArguments(arguments);
  if (!line) {
    world.console.err << Render(line.error());
    return line.error().exit;
  }
  return std::visit(Runner(world, std::move(line->client)), line->verb);
}

}  // namespace podium::app
