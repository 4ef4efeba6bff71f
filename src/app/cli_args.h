// The command line as values: what each verb was asked for, before anything is done.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "app/cli_console.h"
#include "app/cli_exit.h"
#include "app/cli_import_args.h"
#include "app/cli_log_args.h"
#include "app/cli_rollout_args.h"
#include "app/cli_rollout_verb_args.h"
#include "app/settings_load.h"

namespace podium::app {

/// Flags of `serve` and `demo` that are settings, and the file with the others.
struct ServerFlags {
  std::optional<std::string> config;
  std::vector<FlagValue> values;

  bool Has(std::string_view path) const;
};

struct ServeArgs {
  ServerFlags server;
};
struct DemoArgs {
  ServerFlags server;
  std::optional<std::chrono::milliseconds> duration;
  std::optional<double> rate;
  bool worse = false;  ///< The rollout's candidate.
  bool keep = false;
  bool shuffle_labels = false;
};
struct CheckArgs {
  std::optional<std::string> file;
};
struct VerifyArgs {
  std::optional<std::string> config;
  std::string file;
  std::string signature;  ///< A path; empty: the one beside the file, if there is one.
};
enum class DbVerb { kStatus, kMigrate, kBackup, kRestore, kVerify };
struct DbArgs {
  ServerFlags server;  ///< Whose registry it is.
  DbVerb verb = DbVerb::kStatus;
  std::string file;         ///< A backup.
  bool epoch = false;       ///< Only raise the epoch,
  std::uint32_t above = 0;  ///< above this one.
};
struct StatusArgs {
  std::string route;  ///< Empty: all.
  bool watch = false;
};
struct RegisterArgs {
  std::string route;
  std::string file;      ///< A path, or an artifact uri "file:..."; empty for a provider's model.
  std::string provider;  ///< Empty for a file.
  std::string model;     ///< Its name there.
  std::string version;   ///< Empty: the provider's model is its own.
  std::string name;
  std::string model_id;
  std::string status;
  std::string load;
  std::string format;
  std::string parent;
  std::string signature;  ///< A path; empty: the one beside the file.
  bool no_signature = false;
  std::vector<std::string> metrics;  ///< "name=number"
  std::vector<std::string> tags;     ///< "name=text"
  bool wait = false;
};
struct ListVersionsArgs {
  std::string route;
  std::string name;
  std::string status;
  std::size_t most = 0;
};
struct GetVersionArgs {
  std::string target;
};
struct DiffArgs {
  std::string from;
  std::string to;
};
enum class VersionVerb { kActivate, kPromote, kRetire, kDelete, kRetry };
struct ChangeVersionArgs {
  VersionVerb verb = VersionVerb::kPromote;
  std::string target;
  bool force = false;  ///< Past a signature that does not fit.
};
struct RollbackArgs {
  std::string route;
};
struct CanaryArgs {
  std::string route;
  std::string target;         ///< Empty: the canary that the route has.
  std::optional<double> pct;  ///< Empty: end it.
  bool force = false;         ///< Past a signature that does not fit.
};
struct FollowArgs {
  std::string route;
  std::string model;
  std::string champion;    ///< "@alias" or a stage; empty: as usual.
  std::string challenger;  ///< The same, or "none".
  std::optional<double> share;
  std::string on_champion;
  bool resume = false;  ///< After a rollback; stands alone.
};
struct UnfollowArgs {
  std::string route;
};
struct ReloadArgs {
  std::string route;
  bool force = false;  ///< Past a signature that does not fit.
};
struct ShadowArgs {
  enum class Verb : std::uint8_t { kSet, kShow, kOff };
  Verb verb = Verb::kShow;
  std::string route;
  double percent = 0;                 ///< Of kSet, as all below.
  std::vector<std::string> versions;  ///< Ids; empty: every shadow.
  std::string cap;                    ///< As typed; empty: the usual one.
  std::optional<double> cap_usd;
  std::optional<double> tolerance;
};
struct ChallengerArgs {
  enum class Verb : std::uint8_t { kSet, kShow, kEnd };
  Verb verb = Verb::kShow;
  std::string route;
  std::string challenger;        ///< An id. Of kSet, as all below.
  std::optional<double> weight;  ///< In percent.
  bool sticky = false;
  std::string deadline;  ///< "200ms"; empty: the route's.
  bool off = false;
};
struct PredictArgs {
  std::string route;
  std::string data;  ///< JSON as typed.
  std::string file;  ///< "-" is standard input.
  std::string session;
  std::string version;
};
struct ChatArgs {
  std::string route;
  std::string prompt;  ///< Empty: piped in, or asked for.
  std::string system;
  std::optional<std::int64_t> max_tokens;
  std::optional<double> temperature;
  std::string version;
  std::string session;
  bool json = false;
  bool no_stream = false;
};
struct AuditArgs {
  std::string route;
  std::string model;    ///< A registered model of MLflow's registry, instead of routes.
  bool models = false;  ///< All of them.
  std::string as_of;    ///< A time in UTC: how the route stood then, instead of the list.
  std::size_t most = 0;
};
struct ListReplicasArgs {};
struct EventsArgs {
  std::optional<std::uint64_t> after;  ///< The id of an event; none: the newest `most`.
  std::string type;                    ///< Of these types only, with commas between.
  std::string route;
  std::size_t most = 0;
  bool follow = false;
};
struct ExplainArgs {
  std::string route;
  std::string key;
  std::string kind;  ///< Of the key: "session", "user" or "request"; empty: session.
  std::optional<std::uint64_t> generation;
  std::string at;       ///< A time in UTC instead of a generation.
  std::string request;  ///< The id of a request instead of all above.
};
struct CostsArgs {
  std::optional<int> hours;
};
struct SetPriceArgs {
  std::string provider;
  std::string model;
  std::map<std::string, std::string> amounts;  ///< By the API's field; US dollars as typed.
  std::string from;                            ///< A time in UTC; empty: now.
};
struct ListPricesArgs {
  std::string provider;
  std::string model;
};
/// Something to print and be done: a help text, the build's version.
struct PrintText {
  std::string text;
};

/// Flags that every verb that talks to a server takes.
struct ClientFlags {
  std::optional<std::string> server;
  std::optional<OutputFormat> output;
  std::optional<std::chrono::microseconds> timeout;
  std::string reason;
  std::string person;  ///< On whose behalf; empty: nobody is named.
  bool yes = false;
};

using Verb =
    std::variant<PrintText, ServeArgs, DemoArgs, CheckArgs, VerifyArgs, DbArgs, StatusArgs,
                 RegisterArgs, ListVersionsArgs, GetVersionArgs, DiffArgs, ChangeVersionArgs,
                 RollbackArgs, CanaryArgs, PredictArgs, ChatArgs, AuditArgs, ExplainArgs, CostsArgs,
                 SetPriceArgs, ListPricesArgs, ListReplicasArgs, EventsArgs, ImportArgs, FollowArgs,
                 UnfollowArgs, ReloadArgs, RolloutEvidenceArgs, RolloutSimulateArgs,
                 RolloutStartArgs, RolloutListArgs, RolloutShowArgs, RolloutVerbArgs,
                 RolloutVerifyArgs, ShadowArgs, ChallengerArgs, LogArgs, FeedbackArgs, CompareArgs,
                 EvaluateArgs>;

struct CommandLine {
  Verb verb;
  ClientFlags client;
};

/// `arguments` without the program's name. Pure. Errors are kUsage and name what was probably
/// meant.
CliResult<CommandLine> ParseArguments(const std::vector<std::string>& arguments);

/// "5", "0.25" or "5%", from 0 to 100.
CliResult<double> ParsePercent(const std::string& text);
/// "ROUTE@VERSION" in its two parts; nullopt when there is no '@'.
std::optional<std::pair<std::string, std::string>> SplitAt(const std::string& target);

}  // namespace podium::app
