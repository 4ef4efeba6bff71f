#include "app/cli_import.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "app/import_progress.h"
#include "app/import_report.h"
#include "app/import_retry.h"
#include "app/source_credential.h"
#include "control/admin/import_body.h"
#include "domain/model_limits.h"
#include "net/address.h"

namespace podium::app {
namespace {

constexpr const char* kImportPath = "/api/v1/import/mlflow/models";
constexpr std::size_t kSentBytes = 1024 * 1024;         // After this much a call takes no more.
constexpr std::size_t kMostSourceModels = 1'000'000;    // In memory at once.
constexpr std::size_t kMostSourceVersions = 1'000'000;  // Of one model.
constexpr int kMostFailuresInARow = 3;                  // Models; then the source is given up.
constexpr std::size_t kMostFindingsShown = 50;

CliFailure SourceGoesOn(const MlflowSource& source, const std::string& what) {
  return CliFailure(CliError{
      ExitCode::kFailed, fmt::format("{} gives pages of {} without an end", source.shown(), what),
      "", "look whether the address is that of an MLflow server", ""});
}

// Whatever is asked next would end the same way.
bool EndsAll(ExitCode exit) {
  return exit == ExitCode::kUnreachable || exit == ExitCode::kNotAllowed ||
         exit == ExitCode::kInterrupted || exit == ExitCode::kTimedOut || exit == ExitCode::kUsage;
}

std::string ReasonOf(const CliError& error) {
  return error.cause.empty() ? error.error : fmt::format("{}: {}", error.error, error.cause);
}

class Importer {
 public:
  Importer(CommandContext& context, const ImportArgs& args, MlflowSource& source,
           const CommandPause& pause)
      : context_(context),
        args_(args),
        source_(source),
        pause_(pause),
        progress_(context.console) {}

  /// All of it; an error has ended it early.
  CliStatus Run() {
    CLI_TRY_ASSIGN(const std::vector<RegisteredModel> models, Models());
    progress_.Listed(models.size());
    int failures = 0;
    for (const RegisteredModel& model : models) {
      const CliStatus brought = Bring(model);
      if (brought) {
        failures = 0;
      } else if (stopped_ || EndsAll(brought.error().exit) || ++failures == kMostFailuresInARow) {
        return brought;
      } else {
        // Once the model itself is there, it is some of its versions that are not.
        report_.AddFailed({model.name, is_first_ ? 0 : -1, "", ReasonOf(brought.error())});
      }
      progress_.ModelDone(model.name);
    }
    return {};
  }
  void EndProgress() { progress_.End(); }
  const ImportReport& report() const { return report_; }

 private:
  using ModelPages =
      std::function<CliResult<SourcePage<RegisteredModel>>(const std::string& token)>;

  CliResult<std::vector<RegisteredModel>> Models() {
    std::vector<RegisteredModel> models;
    std::set<std::string> known;
    const auto take = [&](SourcePage<RegisteredModel> page) {
      for (RegisteredModel& model : page.rows) {
        if (known.insert(model.name).second) models.push_back(std::move(model));
      }
      for (UnreadableRow& row : page.unreadable) report_.AddFailed(std::move(row));
    };
    for (const std::string& name : args_.models) {
      CLI_TRY_ASSIGN(SourcePage<RegisteredModel> page, source_.OneModel(name));
      take(std::move(page));
    }
    if (!args_.models.empty()) return models;
    const ModelPages searches[] = {
        [this](const std::string& token) { return source_.ModelsPage(token); },
        [this](const std::string& token) { return source_.PromptsPage(token); }};
    for (const ModelPages& search : searches) {
      std::set<std::string> tokens;  // One that comes again would never end.
      for (std::string token;;) {
        CLI_TRY_ASSIGN(SourcePage<RegisteredModel> page, search(token));
        token = page.next_token;
        take(std::move(page));
        if (token.empty()) break;
        if (!tokens.insert(token).second || models.size() > kMostSourceModels ||
            tokens.size() > kMostSourceModels) {
          return SourceGoesOn(source_, "models");
        }
      }
    }
    return models;
  }

  // Page after page of a model's versions, each as soon as it is read.
  CliStatus Bring(const RegisteredModel& model) {
    waiting_aliases_ = model.aliases;
    is_first_ = true;
    std::set<std::string> tokens;
    std::size_t seen = 0;
    for (std::string token;;) {
      CLI_TRY_ASSIGN(SourcePage<RegisteredVersion> page, source_.VersionsPage(model, token));
      token = page.next_token;
      seen += page.rows.size();
      for (UnreadableRow& row : page.unreadable) FailVersion(std::move(row));
      CLI_TRY(FindFiles(page.rows));
      CLI_TRY(SendPage(model, std::move(page.rows)));
      if (token.empty()) break;
      if (!tokens.insert(token).second || seen > kMostSourceVersions ||
          tokens.size() > kMostSourceVersions) {
        return SourceGoesOn(source_, "versions");
      }
    }
    for (const auto& [alias, number] : waiting_aliases_) {
      report_.AddFailed({model.name, number, alias, "the source has no such version to bring"});
    }
    return {};
  }

  // A version without a number counts among the versions all the same.
  void FailVersion(UnreadableRow row) {
    if (row.number == 0) row.number = -1;
    report_.AddFailed(std::move(row));
  }

  // `models:/…` means something to its own server only, which knows where the files are.
  CliStatus FindFiles(std::vector<RegisteredVersion>& versions) {
    for (RegisteredVersion& version : versions) {
      if (version.source.starts_with("models:/")) {
        CLI_TRY_ASSIGN(std::string place, source_.DownloadUri(version));
        const bool fits = CheckModelText("storage location", place, limits::kMaxSourceChars) &&
                          place != version.source;
        if (fits) version.storage_location = std::move(place);
      }
      report_.NoteArtifacts(version);
    }
    return {};
  }

  // In calls of a bounded size. A model without versions is one call too.
  CliStatus SendPage(const RegisteredModel& model, std::vector<RegisteredVersion> versions) {
    store::ImportModel call = CallFor(model);
    std::size_t bytes = 0;
    for (RegisteredVersion& version : versions) {
      const std::size_t more = DumpJson(control::ImportedVersionBody(version)).size();
      const bool full = call.versions.size() == limits::kMaxImportVersions ||
                        (!call.versions.empty() && bytes + more > kSentBytes);
      if (full) {
        CLI_TRY(Send(std::move(call)));
        call = CallFor(model);
        bytes = 0;
      }
      bytes += more;
      call.versions.push_back(std::move(version));
    }
    if (!call.versions.empty() || is_first_) CLI_TRY(Send(std::move(call)));
    return {};
  }

  store::ImportModel CallFor(const RegisteredModel& model) const {
    store::ImportModel call;
    call.model = model;
    call.model.aliases.clear();
    call.overwrite = args_.overwrite;
    call.dry_run = args_.dry_run;
    return call;
  }

  CliStatus Send(store::ImportModel call) {
    // An alias goes with the version that it names.
    for (const RegisteredVersion& version : call.versions) {
      std::erase_if(waiting_aliases_, [&](const auto& entry) {
        if (entry.second != version.number) return false;
        call.model.aliases.insert(entry);
        return true;
      });
    }
    const std::size_t count = call.versions.size();
    const CliResult<Json> answer = Post(call);
    if (!answer) {
      stopped_ = EndsAll(answer.error().exit) || answer.error().exit == ExitCode::kNotFound;
      if (stopped_) return CliFailure(answer.error());
      // Refused for what it holds: others may be better.
      Refuse(call, ReasonOf(answer.error()));
    } else if (!report_.AddAnswer(call.model.name, *answer, is_first_)) {
      stopped_ = true;
      return CliFailure(CliError{
          ExitCode::kFailed,
          fmt::format("what answers at {} did not answer as Podium does", context_.api.server()),
          "", "is its build as new as this one?", ""});
    }
    is_first_ = false;
    progress_.Versions(call.model.name, count);
    return {};
  }

  void Refuse(const store::ImportModel& call, const std::string& reason) {
    const std::string& name = call.model.name;
    if (is_first_) report_.AddFailed({name, 0, "", reason});
    report_.AddRefused(name, call.versions, reason);
    for (const auto& [alias, number] : call.model.aliases) {
      report_.AddFailed({name, number, alias, reason});
    }
  }

  // Sent again when that may help: the same call twice does what it does once.
  CliResult<Json> Post(const store::ImportModel& call) {
    const Json body = control::ImportBody(call);
    for (int tries = 1;; ++tries) {
      CliResult<ApiAnswer> answer = context_.api.Change(net::HttpMethod::kPost, kImportPath, body);
      if (answer) {
        podium_answered_ = true;
        return std::move(answer->body);
      }
      CliError error = std::move(answer).error();
      // A server that has never answered is more likely not there than busy.
      const bool again = error.again && (podium_answered_ || error.exit != ExitCode::kUnreachable);
      const auto wait = again ? ImportPause(tries, "") : std::nullopt;
      if (!wait) return CliFailure(Named(std::move(error)));
      if (!pause_(*wait)) return CliFailure(CliError{ExitCode::kInterrupted, "", "", "", ""});
    }
  }

  // An answer that this command knows more about than the API does.
  CliError Named(CliError error) const {
    if (error.exit == ExitCode::kNotFound) {
      error.fix = "that server takes no imports: it is older than this command";
    } else if (podium_answered_ && EndsAll(error.exit) && error.exit != ExitCode::kNotAllowed) {
      error.fix = "run the same command again: it goes on where it stopped";
    }
    return error;
  }

  CommandContext& context_;
  const ImportArgs& args_;
  MlflowSource& source_;
  const CommandPause& pause_;
  ImportProgress progress_;
  ImportReport report_;
  AliasMap waiting_aliases_;  // Of the model in hand, whose versions have not come yet.
  bool is_first_ = true;      // No call has been made for it.
  bool podium_answered_ = false;
  bool stopped_ = false;  // Podium takes no more, whatever is sent.
};

CliResult<BaseUrl> SourceUrl(const std::string& text) {
  const std::size_t scheme = text.find("://");
  const std::size_t from = scheme == std::string::npos ? 0 : scheme + 3;
  if (text.substr(from, text.find('/', from) - from).find('@') != std::string::npos) {
    return UsageError("the address holds a name or password",
                      "--username NAME with MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN");
  }
  Result<BaseUrl> url = ParseBaseUrl(text);
  if (url) return *std::move(url);
  return UsageError(fmt::format("the address \"{}\" {}", Printable(text), url.error().message),
                    "podium import mlflow http://HOST:PORT");
}

std::string ShownUrl(const BaseUrl& url) {
  return fmt::format("{}://{}{}", url.tls ? "https" : "http",
                     net::ToString(net::HostPort{url.host, url.port}), url.path);
}

CliResult<SourceAddress> AddressOf(CommandContext& context, const ImportArgs& args,
                                   const ImportWorld& world) {
  SourceAddress address;
  CLI_TRY_ASSIGN(address.url, SourceUrl(args.url));
  CLI_TRY_ASSIGN(address.authorization, SourceAuthorization(args, world.environment));
  address.ca_file = args.ca_file;
  const auto certificates = world.environment.find("MLFLOW_TRACKING_SERVER_CERT_PATH");
  if (address.ca_file.empty() && certificates != world.environment.end()) {
    address.ca_file = certificates->second;
  }
  address.timeout = world.waiting.timeout;
  const bool seen_by_others = !address.url.tls && !net::IsLoopback(address.url.host);
  if (!address.authorization.empty() && seen_by_others) {
    context.console.err << "warning: the credential goes to the source unencrypted: use https\n";
  }
  return address;
}

void PrintImport(CommandContext& context, const ImportArgs& args, const std::string& source,
                 const ImportReport& report, bool complete) {
  if (context.format == OutputFormat::kJson) {
    Json json;
    json["source"] = source;
    json["server"] = context.api.server();
    json["dry_run"] = args.dry_run;
    json["complete"] = complete;
    json.update(report.ToJson());
    PrintJson(context.console, json);
    return;
  }
  context.console.out << fmt::format(
      "{} {} {} {}{}\n", args.dry_run ? "would be imported from" : "imported from", source,
      args.dry_run ? "to" : "into", context.api.server(), complete ? "" : ", as far as it went");
  context.console.out << report.Text(kMostFindingsShown);
}

}  // namespace

CliStatus RunImport(CommandContext& context, const ImportArgs& args, const ImportWorld& world) {
  CLI_TRY_ASSIGN(const SourceAddress address, AddressOf(context, args, world));
  const std::string shown = ShownUrl(address.url);
  Result<SourceTransport> transport = world.connect(address);
  if (!transport) return LocalError(transport.error(), "--ca-file names a file of certificates");
  MlflowSource source({shown, address.url.path}, *std::move(transport), world.waiting.pause);
  Importer importer(context, args, source, world.waiting.pause);
  CliStatus ended = importer.Run();
  importer.EndProgress();
  const ImportReport& report = importer.report();
  const bool has_begun = report.models().all() + report.versions().all() > 0;
  if (ended || has_begun) PrintImport(context, args, shown, report, ended.has_value());
  if (!ended) return ended;
  return report.Verdict();
}

}  // namespace podium::app
