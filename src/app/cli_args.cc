#include "app/cli_args.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <cmath>
#include <functional>
#include <limits>
#include <utility>

#include "app/cli_follow_args.h"
#include "app/cli_help.h"
#include "app/cli_rollout_grammar.h"
#include "app/cli_shadow_args.h"
#include "app/setting_table.h"
#include "app/setting_text.h"
#include "base/limits.h"
#include "base/suggest.h"

namespace podium::app {
namespace {

constexpr std::size_t kListDefault = 100;
constexpr std::size_t kListMost = 100'000;

constexpr std::size_t kLogMost = 1'000'000'000;  // Of an export: all that is kept.
constexpr std::size_t kReplayDefault = 20;

constexpr int kMostWords = 100'000;  // Of a question: what a shell can pass on.
constexpr int kManyWords = 16;  // Counted later, so that the message can name the one too many.

constexpr const char* kTargetHelp = "a model id, or ROUTE@VERSION";

// CLI11 fills fields while parsing; the verb is made from them once it knows which one it was.
class Grammar {
 public:
  Grammar() : app_("Podium: the model registry that routes.", "podium") {
    app_.fallthrough();
    app_.require_subcommand(0);
    auto formatter = std::make_shared<HelpFormatter>();
    formatter->column_width(34);
    formatter->label("Positionals", "Arguments");
    app_.formatter(std::move(formatter));  // Before the verbs are added: they inherit it.
    app_.set_help_flag("-h,--help", "this text");
    app_.failure_message(CLI::FailureMessage::simple);
    app_.footer(
        "First steps:\n"
        "  podium demo                                    two real models, live, in one process\n"
        "  podium serve --data ./podium-data              a server whose data stays\n"
        "  podium version register tumour model.onnx --version 1\n"
        "  podium version activate tumour@1\n"
        "  podium predict tumour -f rows.json\n"
        "  podium canary tumour 2 5                       5 % of the sessions to version 2\n"
        "  podium promote tumour@2\n"
        "  podium rollback tumour\n\n"
        "More: podium VERB --help, podium help exit-codes, podium help settings");
    AddClientFlags();
    AddServerVerbs();
    AddDbVerbs();
    AddVersionVerbs();
    AddTrafficVerbs();
    AddRouteVerbs();
    AddRolloutVerbs();
    AddShadowVerbs();
    AddChallengerVerbs();
    AddReadingVerbs();
    AddImport();
    AddHelp();
  }

  CliResult<CommandLine> Parse(const std::vector<std::string>& arguments) {
    if (!arguments.empty() && arguments.front() == "help") {
      CLI_TRY_ASSIGN(Verb help, MakeHelp({arguments.begin() + 1, arguments.end()}));
      return CommandLine{std::move(help), {}};
    }
    CLI_TRY(KnowCommand(arguments));
    std::vector<std::string> reversed(arguments.rbegin(), arguments.rend());
    try {
      app_.parse(std::move(reversed));
    } catch (const CLI::CallForHelp&) {
      return Print(app_.help());
    } catch (const CLI::CallForVersion&) {
      return Print(BuildText());
    } catch (const CLI::ExtrasError& error) {
      return ExplainExtras(error.what());
    } catch (const CLI::ParseError& error) {
      return UsageError(error.what(), "podium " + Chosen() + "--help");
    }
    if (!make_) return Print(app_.help());
    CLI_TRY(ReadClientFlags());
    CLI_TRY_ASSIGN(Verb verb, make_());
    return CommandLine{std::move(verb), std::move(client_)};
  }

 private:
  using Make = std::function<CliResult<Verb>()>;

  static CommandLine Print(std::string text) {
    if (!text.ends_with('\n')) text += '\n';
    return CommandLine{PrintText{std::move(text)}, {}};
  }
  static std::string BuildText() { return fmt::format("podium {}\n", PODIUM_BUILD); }

  CLI::App* Add(CLI::App& parent, const char* name, const char* group, const char* help,
                const char* examples, Make make) {
    CLI::App* verb = parent.add_subcommand(name, help);
    verb->group(group);
    verb->fallthrough();
    if (*examples != '\0') verb->footer(std::string("Examples:\n") + examples);
    verb->callback([this, make = std::move(make)] {
      if (!make_) make_ = make;  // A noun's callback comes after that of its verb.
    });
    return verb;
  }

  void AddClientFlags() {
    app_.set_version_flag("--version", BuildText(), "the version of this build");
    const auto group = [](CLI::Option* option) { option->group("Talking to a server"); };
    group(app_.add_option("--server", server_,
                          "default: PODIUM_ADDR, then "
                          "127.0.0.1:8080")
              ->option_text("HOST:PORT"));
    group(app_.add_option("-o,--output", output_, "json: the API's own objects; or table")
              ->option_text("json|table")
              // What is no table is asked for as text: the same thing.
              ->check(CLI::IsMember({"json", "table", "text"})));
    group(app_.add_option("--timeout", timeout_, "how long to wait, as in 30s (default 2m)")
              ->option_text("DURATION"));
    group(app_.add_option("--reason", client_.reason, "kept in the audit trail")
              ->option_text("TEXT"));
    group(app_.add_option("--as", client_.person,
                          "who you are, kept in the audit trail (default: PODIUM_ACTOR)")
              ->option_text("NAME"));
    group(app_.add_flag("-y,--yes", client_.yes, "do not ask"));
  }

  CliStatus ReadClientFlags() {
    if (!server_.empty()) client_.server = server_;
    if (!output_.empty()) {
      client_.output = output_ == "json" ? OutputFormat::kJson : OutputFormat::kTable;
    }
    if (!timeout_.empty()) {
      const auto timeout = ParseDuration(timeout_);
      if (!timeout) return UsageError("--timeout: " + timeout.error().message);
      client_.timeout = *timeout;
    }
    return {};
  }

  void AddServerFlags(CLI::App* verb, ServerFlags& flags) {
    const auto setting = [&](const char* flag, const char* path, std::string help) {
      verb->add_option_function<std::string>(
          flag,
          [&flags, flag, path](const std::string& value) {
            flags.values.push_back({flag, path, value});
          },
          std::move(help));
    };
    setting("--data", "data_dir", "directory of the registry and the models");
    setting("--listen", "server.listen", "HOST:PORT; port 0 takes a free one and prints it");
    verb->add_option("--config", flags.config, "a YAML file with more settings")
        ->option_text("FILE");
    setting("--log-format", "log.format", "json or text");
    setting("--log-level", "log.level", "debug, info, warning or error");
  }

  void AddServerVerbs() {
    CLI::App* serve = Add(app_, "serve", "Server", "Start a server whose data stays",
                          "  podium serve --data ./podium-data\n"
                          "  PODIUM_ADMIN_TOKEN=$(openssl rand -hex 24) podium serve --listen "
                          "0.0.0.0:8080\n",
                          [this] { return Verb(serve_); });
    AddServerFlags(serve, serve_.server);

    CLI::App* demo = Add(app_, "demo", "Server", "A server with real models and live traffic",
                         "  podium demo\n"
                         "  podium demo --duration 30s --listen 127.0.0.1:0\n",
                         [this] { return MakeDemo(); });
    AddServerFlags(demo, demo_.server);
    demo->add_option("--duration", duration_, "how long, as in 30s or 30; else until Ctrl-C")
        ->option_text("DURATION");
    demo->add_option("--rate", demo_.rate, "requests per second")->option_text("NUMBER");
    demo->add_option("--canary", demo_canary_, "whom the rollout leads in: better or worse")
        ->option_text("KIND")
        ->check(CLI::IsMember({"better", "worse"}));
    demo->add_flag("--keep", demo_.keep, "leave the temporary data directory behind");
    demo->add_flag("--shuffle-labels", demo_.shuffle_labels,
                   "compare with wrong labels: the accuracy shown must fall");

    CLI::App* check = Add(app_, "check", "Server", "Find the mistakes in a settings file",
                          "  podium check podium.yaml\n"
                          "  podium help settings\n",
                          [this] { return Verb(check_); });
    check->add_option("FILE", check_.file,
                      "default: PODIUM_CONFIG; the environment is checked too");

    CLI::App* verify =
        Add(app_, "verify-artifact", "Server",
            "Load a model in a process of its own, as a server would first",
            "  podium verify-artifact tumour.onnx\n", [this] { return Verb(verify_); });
    verify->add_option("FILE", verify_.file, "an .onnx file")->required();
    verify
        ->add_option("--signature", verify_.signature,
                     "JSON file (default: FILE with .signature.json, if there is one)")
        ->option_text("FILE");
    verify->add_option("--config", verify_.config, "a YAML file with the server's limits")
        ->option_text("FILE");
  }

  void AddDbVerbs() {
    CLI::App* noun =
        Add(app_, "db", "Server", "The registry's database, without a server",
            "  podium db status\n"
            "  podium db backup registry-backup.db\n"
            "  DATABASE_URL=postgresql://db.example/podium podium db verify\n",
            []() -> CliResult<Verb> {
              return UsageError("db needs to know what to do", "podium db --help lists the verbs");
            });
    AddDbVerb(*noun, "status", DbVerb::kStatus, "What is there: schema, revision, audit rows");
    AddDbVerb(*noun, "migrate", DbVerb::kMigrate, "Bring it to the newest schema, as a start does");
    AddDbVerb(*noun, "backup", DbVerb::kBackup, "Copy a SQLite registry, also while it is in use")
        ->add_option("FILE", db_.file, "a new file")
        ->required();
    CLI::App* restore = AddDbVerb(*noun, "restore", DbVerb::kRestore,
                                  "Put a backup in the place of a SQLite registry");
    CLI::Option* file = restore->add_option("FILE", db_.file, "a backup");
    CLI::Option* epoch =
        restore
            ->add_flag("--epoch", db_.epoch,
                       "only raise the epoch: after pg_restore, or when commits were lost")
            ->excludes(file);
    restore->add_option("--above", db_.above, "the epoch that replicas have seen (podium status)")
        ->option_text("EPOCH")
        ->needs(epoch);
    AddDbVerb(*noun, "verify", DbVerb::kVerify, "Walk the audit trail; 1 when it is broken")
        ->add_option("FILE", db_.file, "a backup instead");
  }

  CLI::App* AddDbVerb(CLI::App& noun, const char* name, DbVerb kind, const char* help) {
    CLI::App* verb = Add(noun, name, "Verbs", help, "", [this, kind] {
      db_.verb = kind;
      return Verb(db_);
    });
    verb->add_option_function<std::string>(
        "--data",
        [this](const std::string& value) {
          db_.server.values.push_back({"--data", "data_dir", value});
        },
        "directory of the registry");
    verb->add_option("--config", db_.server.config, "a YAML file with the server's settings")
        ->option_text("FILE");
    return verb;
  }

  CliResult<Verb> MakeDemo() {
    demo_.worse = demo_canary_ == "worse";
    if (!duration_.empty()) {
      // Typed by hand each time, unlike a setting: a bare number can only mean seconds.
      const bool bare = duration_.find_first_not_of("0123456789.") == std::string::npos;
      const auto duration = ParseDuration(bare ? duration_ + "s" : duration_);
      if (!duration) return UsageError("--duration: " + duration.error().message);
      demo_.duration = std::chrono::duration_cast<std::chrono::milliseconds>(*duration);
    }
    return Verb(demo_);
  }

  void AddVersionVerbs() {
    CLI::App* noun = Add(app_, "version", "Registry", "Versions of models in the registry",
                         "  podium version register tumour tumour.onnx --version 1 --wait\n"
                         "  podium version list tumour\n"
                         "  podium version activate tumour@1\n",
                         []() -> CliResult<Verb> {
                           return UsageError("version needs to know what to do",
                                             "podium version --help lists the verbs; podium "
                                             "--version is the version of this build");
                         });
    AddRegister(*noun);
    CLI::App* list = Add(*noun, "list", "Verbs", "Versions, and what each is doing", "",
                         [this] { return Verb(list_); });
    list->add_option("ROUTE", list_.route, "of one route only");
    list->add_option("--name", list_.name, "of one name only");
    list->add_option("--status", list_.status, "primary, canary, shadow, arm, standby or retired");
    list_.most = kListDefault;
    list->add_option("--limit", list_.most, "at most so many (default 100)")
        ->check(CLI::Range(std::size_t{1}, kListMost));
    CLI::App* get = Add(*noun, "get", "Verbs", "All about one version", "",
                        [this] { return Verb(GetVersionArgs{target_}); });
    get->add_option("ID", target_, kTargetHelp)->required();
    CLI::App* show = Add(*noun, "show", "Verbs", "The same", "",
                         [this] { return Verb(GetVersionArgs{target_}); });
    show->add_option("ID", target_, kTargetHelp)->required();
    CLI::App* diff =
        Add(*noun, "diff", "Verbs", "What changes from one version to another",
            "  podium version diff tumour@1 tumour@2\n", [this] { return Verb(diff_); });
    diff->add_option("FROM", diff_.from, kTargetHelp)->required();
    diff->add_option("TO", diff_.to, kTargetHelp)->required();
    AddForce(AddVersionChange(*noun, "activate", VersionVerb::kActivate,
                              "Make a version the primary of its route, whatever it was before"));
    AddVersionChange(*noun, "retire", VersionVerb::kRetire,
                     "Take a version out of service for good; its row stays");
    AddVersionChange(*noun, "delete", VersionVerb::kDelete,
                     "Remove a version that takes no traffic; without a terminal it needs --yes");
    AddVersionChange(*noun, "retry", VersionVerb::kRetry,
                     "Load a version anew that has failed, or has done harm");
  }

  void AddRegister(CLI::App& noun) {
    CLI::App* verb =
        Add(noun, "register", "Verbs",
            "Register a version of a route: a model file, which is uploaded, or a provider's model",
            "  podium version register tumour tumour-v2.onnx --version 2 --wait\n"
            "  podium version register tumour tumour-v2.onnx --version 2 --metric auc=0.99 --tag "
            "team=lab\n"
            "  podium version register --route chat --provider main --model gpt-4o\n",
            [this] { return Verb(register_); });
    verb->add_option("ROUTE,--route", register_.route,
                     "what callers ask for; a new name makes a new route")
        ->required();
    CLI::Option* file = verb->add_option(
        "FILE", register_.file, "an .onnx file, or file:NAME for one that lies on the server");
    CLI::Option* provider =
        verb->add_option("--provider", register_.provider, "of the server's settings")
            ->excludes(file);
    verb->add_option("--model", register_.model, "the model's name at the provider")
        ->needs(provider);
    verb->add_option("--version", register_.version,
                     "its version, any text (default with --provider: the model)");
    verb->add_option("--name", register_.name, "name of the model (default: the route)");
    verb->add_option("--model-id", register_.model_id, "id of the version (default: the server's)")
        ->option_text("ID");
    verb->add_option("--status", register_.status, "standby (default) or shadow")
        ->check(CLI::IsMember({"standby", "shadow"}));
    verb->add_option("--load", register_.load, "eager (default) or lazy")
        ->check(CLI::IsMember({"eager", "lazy"}));
    verb->add_option("--format", register_.format, "default: onnx");
    verb->add_option("--parent", register_.parent, "id of the version it was made from")
        ->option_text("ID");
    verb->add_option("--signature", register_.signature,
                     "JSON file (default: FILE with .signature.json, if there is one)")
        ->option_text("FILE");
    verb->add_flag("--no-signature", register_.no_signature, "send none");
    verb->add_option("--metric", register_.metrics, "may be repeated")
        ->option_text("NAME=NUMBER")
        ->allow_extra_args(false);
    verb->add_option("--tag", register_.tags, "may be repeated")
        ->option_text("NAME=TEXT")
        ->allow_extra_args(false);
    verb->add_flag("--wait", register_.wait, "until it is loaded and warm");
  }

  void AddForce(CLI::App* verb) {
    verb->add_flag("--force", force_,
                   "although its signature does not fit the primary's callers; needs --as");
  }

  CLI::App* AddVersionChange(CLI::App& parent, const char* name, VersionVerb kind,
                             const char* help) {
    CLI::App* verb = Add(parent, name, "Verbs", help, "",
                         [this, kind] { return Verb(ChangeVersionArgs{kind, target_, force_}); });
    verb->add_option("ID", target_, kTargetHelp)->required();
    return verb;
  }

  void AddTrafficVerbs() {
    CLI::App* promote =
        Add(app_, "promote", "Traffic", "Make a canary or shadow the primary",
            "  podium promote tumour@2\n"
            "  podium promote tumour --reason 'a week without errors'   its canary\n"
            "\nOn a terminal it asks first; in a script it does what it says.\n",
            [this] { return Verb(ChangeVersionArgs{VersionVerb::kPromote, target_, force_}); });
    promote->add_option("ID", target_, "a model id, ROUTE@VERSION, or a route: its canary")
        ->required();
    AddForce(promote);

    CLI::App* rollback =
        Add(app_, "rollback", "Traffic", "Back to what served before, at once",
            "  podium rollback tumour\n\nIt never asks.\n", [this] { return Verb(rollback_); });
    rollback->add_option("ROUTE", rollback_.route, "whose traffic")->required();

    CLI::App* canary = Add(app_, "canary", "Traffic", "Send a share of a route to a version",
                           "  podium canary tumour 2 5        version 2 gets 5 %\n"
                           "  podium canary tumour 25         more for the canary there is\n"
                           "  podium canary tumour --end      none\n"
                           "\nOn a terminal it asks first; in a script it does what it says.\n",
                           [this] { return MakeCanary(); });
    canary->add_option("ROUTE", canary_.route, "whose traffic")->required();
    canary
        ->add_option("WHAT", canary_words_,
                     "an id or version of the route (default: the canary it has), and its "
                     "share, 0 to 100 as in 0.25")
        ->option_text("[ID] PERCENT")
        ->expected(0, kManyWords);
    AddForce(canary);
    canary->add_flag("--end", canary_end_, "take the canary out of traffic");
  }

  void AddRouteVerbs() {
    CLI::App* noun = Add(app_, "route", "Traffic", "Who drives a route: a registered model, or you",
                         "  podium route follow ads ads-ranker\n"
                         "  podium route follow ads ads-ranker --champion Production --challenger "
                         "none\n"
                         "  podium route follow ads --resume      after a rollback\n"
                         "  podium route unfollow ads\n",
                         []() -> CliResult<Verb> {
                           return UsageError("route needs to know what to do",
                                             "podium route --help lists the verbs");
                         });
    AddFollowOptions(
        *Add(*noun, "follow", "Verbs",
             "Let a registered model's champion be the primary, its challenger the canary", "",
             [this]() -> CliResult<Verb> {
               CLI_TRY_ASSIGN(FollowArgs args, ReadFollowWords(follow_));
               return Verb(std::move(args));
             }),
        follow_);
    Add(*noun, "unfollow", "Verbs", "Drive it by Podium's own verbs again; traffic stays", "",
        [this] { return Verb(unfollow_); })
        ->add_option("ROUTE", unfollow_.route, "whose traffic")
        ->required();
    CLI::App* reload = Add(app_, "reload", "Traffic", "Look at the followed model now",
                           "  podium reload ads\n", [this] {
                             reload_.force = force_;
                             return Verb(reload_);
                           });
    reload->add_option("ROUTE", reload_.route, "a route that follows a registered model")
        ->required();
    AddForce(reload);
  }

  void AddRolloutVerbs() {
    CLI::App* noun =
        Add(app_, "rollout", "Traffic", "Lead a version in by proof, and check the proof",
            kRolloutExamples, []() -> CliResult<Verb> {
              return UsageError("rollout needs to know what to do",
                                "podium rollout --help lists the verbs");
            });
    AddRolloutEvidenceOptions(*Add(*noun, "evidence", "Verbs",
                                   "The verdict on plain counters, computed anew without a server",
                                   "", [this] { return Verb(rollout_evidence_); }),
                              rollout_evidence_);
    AddRolloutServerVerbs(
        *noun, rollout_,
        [this](CLI::App& to, const char* name, const char* help, const char* examples, Make make) {
          return Add(to, name, "Verbs", help, examples, std::move(make));
        });
    AddRolloutSimulateOptions(*Add(*noun, "simulate", "Verbs",
                                   "How often Podium and other rules are wrong, by simulation", "",
                                   [this]() -> CliResult<Verb> {
                                     CLI_TRY_ASSIGN(RolloutSimulateArgs args,
                                                    ReadRolloutSimulateWords(simulate_));
                                     return Verb(std::move(args));
                                   }),
                              simulate_);
  }

  void AddShadowVerbs() {
    CLI::App* noun =
        Add(app_, "shadow", "Traffic", "Who gets copies of a route's calls, and what came of them",
            "  podium shadow set tumour 10\n  podium shadow set chat 1 --cap 5\n"
            "  podium shadow show tumour\n  podium shadow off tumour\n",
            []() -> CliResult<Verb> {
              return UsageError("shadow needs to know what to do",
                                "podium shadow --help lists the verbs");
            });
    AddShadowOptions(
        *Add(*noun, "set", "Verbs", "Give its shadows copies of a share of its calls", "",
             [this]() -> CliResult<Verb> {
               CLI_TRY_ASSIGN(ShadowArgs args, ReadShadowWords(shadow_));
               args.verb = ShadowArgs::Verb::kSet;
               return Verb(std::move(args));
             }),
        shadow_);
    const auto plain = [&](const char* name, const char* help, ShadowArgs::Verb verb) {
      Add(*noun, name, "Verbs", help, "",
          [this, verb] {
            shadow_.args.verb = verb;
            return Verb(shadow_.args);
          })
          ->add_option("ROUTE", shadow_.args.route, "whose shadows")
          ->required();
    };
    plain("show", "How they do beside the primary", ShadowArgs::Verb::kShow);
    plain("off", "No copies any more", ShadowArgs::Verb::kOff);
  }

  void AddChallengerVerbs() {
    CLI::App* noun = Add(app_, "challenger", "Traffic",
                         "Who is asked beside a route's primary and answers some of its calls",
                         "  podium challenger set tumour tumour-v2 --weight 10\n"
                         "  podium challenger set tumour tumour-v2 --off\n"
                         "  podium challenger show tumour\n  podium challenger end tumour\n",
                         []() -> CliResult<Verb> {
                           return UsageError("challenger needs to know what to do",
                                             "podium challenger --help lists the verbs");
                         });
    AddChallengerOptions(
        *Add(*noun, "set", "Verbs", "Ask it on every call; one of the two answers", "",
             [this]() -> CliResult<Verb> {
               CLI_TRY_ASSIGN(ChallengerArgs args, ReadChallengerWords(challenger_));
               args.verb = ChallengerArgs::Verb::kSet;
               return Verb(std::move(args));
             }),
        challenger_);
    const auto plain = [&](const char* name, const char* help, ChallengerArgs::Verb verb) {
      Add(*noun, name, "Verbs", help, "",
          [this, verb] {
            challenger_.args.verb = verb;
            return Verb(challenger_.args);
          })
          ->add_option("ROUTE", challenger_.args.route, "whose challenger")
          ->required();
    };
    plain("show", "Who answered, and how the two compare", ChallengerArgs::Verb::kShow);
    plain("end", "The primary alone again", ChallengerArgs::Verb::kEnd);
  }

  CliResult<Verb> MakeCanary() {
    if (canary_end_) {
      if (!canary_words_.empty()) return UsageError("--end takes no share and no version");
      return Verb(canary_);
    }
    if (canary_words_.empty()) {
      return UsageError("canary needs a share in percent",
                        fmt::format("podium canary {} 5, or --end", canary_.route));
    }
    if (canary_words_.size() > 2) {
      return UsageError(fmt::format("\"{}\" is too much", canary_words_[2]),
                        "podium canary --help");
    }
    CLI_TRY_ASSIGN(canary_.pct, ParsePercent(canary_words_.back()));
    if (canary_words_.size() == 2) canary_.target = canary_words_.front();
    canary_.force = force_;
    return Verb(canary_);
  }

  void AddReadingVerbs() {
    CLI::App* status = Add(app_, "status", "Looking", "What serves, and how it does",
                           "  podium status\n  podium status tumour -w\n\n"
                           "SEEN counts since the server started; with -w, the last half minute.\n",
                           [this] { return Verb(status_); });
    status->add_option("ROUTE", status_.route, "one route only");
    status->add_flag("-w,--watch", status_.watch, "again each second, until Ctrl-C");

    CLI::App* predict = Add(app_, "predict", "Looking", "Send rows and see which version answers",
                            "  podium predict tumour -d '[[17.99, 10.38]]'\n"
                            "  podium predict tumour -f rows.json --session alice\n"
                            "  podium predict tumour -f - --version 2 < rows.json\n",
                            [this]() -> CliResult<Verb> {
                              if (predict_.data.empty() == predict_.file.empty()) {
                                return UsageError("predict needs rows: either -d JSON or -f FILE");
                              }
                              return Verb(predict_);
                            });
    predict->add_option("ROUTE", predict_.route, "who is asked")->required();
    predict->add_option("-d,--data", predict_.data, "rows as JSON: [[…], …], [{column: value}, …]")
        ->option_text("JSON");
    predict->add_option("-f,--file", predict_.file, "a file with them; - is standard input")
        ->option_text("FILE");
    predict->add_option("--session", predict_.session, "id that sticks to one version")
        ->option_text("ID");
    predict->add_option("--version", predict_.version, "force a version (needs the permission)");

    AddChat();
    AddExplain();

    CLI::App* audit = Add(app_, "audit", "Looking", "Who changed what, newest first",
                          "  podium audit\n  podium audit list --route tumour --limit 20\n"
                          "  podium audit list --route tumour --as-of 2026-03-09T14:31Z\n"
                          "  podium audit list --model churn\n",
                          [this] { return MakeAudit(); });
    audit_.most = kListDefault;
    const auto options = [this](CLI::App* verb) {
      CLI::Option* route = verb->add_option("--route", audit_.route, "of one route only");
      verb->add_option("--model", audit_.model, "of a registered model of MLflow's registry")
          ->excludes(route);
      verb->add_flag("--models", audit_.models, "of all registered models")->excludes(route);
      verb->add_option("--limit", audit_.most, "at most so many (default 100)")
          ->check(CLI::Range(std::size_t{1}, kListMost));
      verb->add_option("--as-of", audit_.as_of,
                       "how the route stood at a time, in UTC, and who brought that about")
          ->option_text("TIME");
    };
    AddCostVerbs();
    AddReplicaVerbs();
    AddLogVerbs();
    options(audit);
    options(Add(*audit, "list", "Verbs", "The same", "", [this] { return MakeAudit(); }));
  }

  CliResult<Verb> MakeAudit() {
    if (!audit_.as_of.empty() && audit_.route.empty()) {
      return UsageError("--as-of needs --route: it shows how one route stood",
                        "podium audit list --route ROUTE --as-of TIME");
    }
    return Verb(audit_);
  }

  void AddChat() {
    CLI::App* chat =
        Add(app_, "chat", "Looking", "Talk to a language model's route and see who answers",
            "  podium chat assistant 'What is a canary release?'\n"
            "  podium chat assistant                       a conversation: /reset, /exit, Ctrl-D\n"
            "  podium chat assistant --json < question.txt\n",
            [this] { return MakeChat(); });
    chat->add_option("ROUTE", chat_.route, "who is asked")->required();
    chat->add_option("PROMPT", chat_words_,
                     "the question (default: what is piped in, or a dialogue)")
        ->option_text("[PROMPT]")
        ->expected(0, kMostWords);
    chat->add_option("--system", chat_.system, "what the model is told first")->option_text("TEXT");
    chat->add_option("--max-tokens", chat_.max_tokens, "the longest answer")
        ->option_text("NUMBER")
        ->check(CLI::Range(std::int64_t{1}, limits::kMaxRequestedTokens));
    chat->add_option("--temperature", chat_.temperature, "0 to 2")
        ->option_text("NUMBER")
        ->check(CLI::Range(0.0, 2.0));
    chat->add_option("--version", chat_.version, "force a version (needs the permission)");
    chat->add_option("--session", chat_.session, "id that sticks to one version")
        ->option_text("ID");
    chat->add_flag("--json", chat_.json, "one object at the end: text, usage, who, cost, times");
    chat->add_flag("--no-stream", chat_.no_stream, "the whole answer at once");
  }

  CliResult<Verb> MakeChat() {
    if (chat_.temperature && !std::isfinite(*chat_.temperature)) {
      return UsageError("--temperature is a number from 0 to 2");
    }
    chat_.prompt = fmt::format("{}", fmt::join(chat_words_, " "));
    return Verb(chat_);
  }

  void AddReplicaVerbs() {
    CLI::App* noun = Add(app_, "replica", "Looking", "The servers that share this registry",
                         "  podium replica list\n", []() -> CliResult<Verb> {
                           return UsageError("replica needs to know what to do",
                                             "podium replica --help lists the verbs");
                         });
    Add(*noun, "list", "Verbs", "Who serves, how far each is, what it cannot serve", "",
        [] { return Verb(ListReplicasArgs{}); });

    CLI::App* events = Add(app_, "events", "Looking", "What has happened to the registry",
                           "  podium events\n  podium events --follow --route tumour\n"
                           "  podium events --after 120 --type podium.version.promoted\n",
                           [this] { return Verb(events_); });
    events_.most = kListDefault;
    events->add_flag("--follow", events_.follow, "and what happens from now on, until Ctrl-C");
    events->add_option("--after", events_.after, "those behind this event")->option_text("ID");
    events->add_option("--type", events_.type, "of these types only")->option_text("TYPE,…");
    events->add_option("--route", events_.route, "of one route only");
    events->add_option("--limit", events_.most, "at most so many (default 100)")
        ->check(CLI::Range(std::size_t{1}, kListMost));
  }

  void AddLogVerbs() {
    CLI::App* noun = Add(app_, "log", "Looking", "What was predicted, where the server logs it",
                         "  podium log list tumour --since 1h --outcome error\n"
                         "  podium log tail tumour\n"
                         "  podium log export tumour --since 24h --format csv > day.csv\n"
                         "  podium log replay tumour --version 2 --limit 20\n"
                         "  podium log evaluate tumour --policy 2=100\n",
                         []() -> CliResult<Verb> {
                           return UsageError("log needs to know what to do",
                                             "podium log --help lists the verbs");
                         });
    const auto verb = [&](const char* name, LogVerb kind, const char* help, std::size_t usual) {
      CLI::App* added = Add(*noun, name, "Verbs", help, "", [this, kind, usual] {
        log_.verb = kind;
        if (log_.most == 0) log_.most = usual;
        return Verb(log_);
      });
      if (usual > 0) AddLogFilters(*added, log_, usual, kLogMost);
      return added;
    };
    verb("list", LogVerb::kList, "The newest first", kListDefault);
    verb("get", LogVerb::kGet, "All about one, with what was asked and answered", 0)
        ->add_option("ID", log_.id, "as the list shows it")
        ->required();
    verb("tail", LogVerb::kTail, "As they come, until Ctrl-C", kListDefault);
    verb("export", LogVerb::kExport, "All of them, joined with feedback", kLogMost)
        ->add_option("--format", log_.format, "ndjson (default) or csv")
        ->check(CLI::IsMember({"ndjson", "csv"}));
    verb("replay", LogVerb::kReplay,
         "Send what was asked to --version again, and show what differs", kReplayDefault);
    AddEvaluateOptions(
        *Add(*noun, "evaluate", "Verbs", "What another split would have earned, with its error",
             "  podium log evaluate tumour --policy 2=100\n"
             "  podium log evaluate tumour --policy 1=50,2=50 --reward score --since 7d\n",
             [this] { return Verb(evaluate_); }),
        evaluate_);

    AddFeedbackOptions(
        *Add(app_, "feedback", "Traffic", "Say what turned out to be true of a prediction",
             "  podium feedback tumour 8k2vq0c1m7x4dz --label 1\n"
             "  podium feedback -f labels.ndjson\n",
             [this] { return Verb(feedback_); }),
        feedback_);
    AddCompareOptions(
        *Add(app_, "compare", "Looking", "How the versions of a route did, by their predictions",
             "  podium compare tumour\n  podium compare tumour --since 7d -o json\n",
             [this] { return Verb(compare_); }),
        compare_);
  }

  void AddCostVerbs() {
    CLI::App* costs =
        Add(app_, "costs", "Looking", "What calls of remote models have cost",
            "  podium costs\n  podium costs --hours 720\n", [this] { return Verb(costs_); });
    costs->add_option("--hours", costs_.hours, "up to now (default 24)")
        ->option_text("NUMBER")
        ->check(CLI::Range(1, limits::kMaxCostHours));

    CLI::App* noun = Add(app_, "price", "Registry", "What remote models are charged by",
                         "  podium price set openai gpt-mini --input 0.15 --output 0.60\n"
                         "  podium price list\n",
                         []() -> CliResult<Verb> {
                           return UsageError("price needs to know what to do",
                                             "podium price --help lists the verbs");
                         });
    AddSetPrice(*noun);
    CLI::App* list = Add(*noun, "list", "Verbs", "All prices, those of the past included", "",
                         [this] { return Verb(list_prices_); });
    list->add_option("--provider", list_prices_.provider, "of one provider only");
    list->add_option("--model", list_prices_.model, "of one model only");
  }

  void AddSetPrice(CLI::App& noun) {
    CLI::App* set = Add(noun, "set", "Verbs", "Add a price; it counts from now or --from on",
                        "  podium price set openai gpt-mini --input 0.15 --output 0.60\n"
                        "  podium price set anthropic haiku --input 1 --output 5 --cache-read 0.1 "
                        "--from 2026-04-01T00:00Z\n"
                        "\nUS dollars per million tokens; --image and --call are for each.\n",
                        [this] { return Verb(set_price_); });
    set->add_option("PROVIDER", set_price_.provider, "as versions name it")->required();
    set->add_option("MODEL", set_price_.model, "as the provider names it")->required();
    const auto amount = [&](const char* flag, const char* field, const char* help) {
      return set
          ->add_option_function<std::string>(
              flag, [this, field](const std::string& usd) { set_price_.amounts[field] = usd; },
              help)
          ->option_text("USD");
    };
    amount("--input", "input", "input that is not from the cache")->required();
    amount("--output", "output", "output")->required();
    amount("--cache-read", "cache_read", "input from the provider's cache");
    amount("--cache-write-5m", "cache_write_5m", "input kept there for minutes");
    amount("--cache-write-1h", "cache_write_1h", "input kept there for an hour");
    amount("--audio-input", "audio_input", "sound");
    amount("--output-reasoning", "output_reasoning", "reasoning (default: as output)");
    amount("--image", "image", "each image that is made");
    amount("--call", "call", "each billed call of a tool of the provider's");
    set->add_option("--from", set_price_.from, "a time in UTC (default: now)")->option_text("TIME");
  }

  void AddExplain() {
    CLI::App* verb =
        Add(app_, "explain", "Looking", "Why a key gets, or a request got, its version",
            "  podium explain tumour --key alice\n"
            "  podium explain tumour --key alice --generation 41\n"
            "  podium explain tumour --key alice --at 2026-03-09T14:31Z\n"
            "  podium explain --request 8k2vq0c1m7x4dz\n",
            [this] { return MakeExplain(); });
    verb->add_option("ROUTE", explain_.route, "whose table");
    verb->add_option("--key", explain_.key, "what callers send as X-Session-Id")
        ->option_text("KEY");
    verb->add_option("--kind", explain_.kind, "what the key is: session (default), user or request")
        ->check(CLI::IsMember({"session", "user", "request"}));
    verb->add_option("--generation", explain_.generation,
                     "as the table stood then (the last 1,000 are kept)")
        ->option_text("NUMBER")
        // Signed: read as a number without a sign, "-1" would wrap round.
        ->check(CLI::Range(std::int64_t{0}, std::numeric_limits<std::int64_t>::max()));
    verb->add_option("--at", explain_.at, "as the table stood at a time, in UTC")
        ->option_text("TIME");
    verb->add_option("--request", explain_.request,
                     "a request by its x-request-id (the last 10,000 of the server are kept)")
        ->option_text("ID");
  }

  CliResult<Verb> MakeExplain() {
    const bool asks_for_key = !explain_.route.empty() || !explain_.key.empty() ||
                              !explain_.kind.empty() || explain_.generation || !explain_.at.empty();
    if (!explain_.request.empty()) {
      if (!asks_for_key) return Verb(explain_);
      return UsageError("--request stands alone: the server knows the rest of it",
                        "podium explain --request " + explain_.request);
    }
    if (explain_.route.empty() || explain_.key.empty()) {
      return UsageError("explain needs a route and a key, or a request",
                        "podium explain ROUTE --key KEY, or podium explain --request ID");
    }
    if (explain_.generation && !explain_.at.empty()) {
      return UsageError("--generation and --at name the same thing: leave one out");
    }
    return Verb(explain_);
  }

  void AddImport() {
    CLI::App* noun = Add(app_, "import", "Registry", "Bring another registry over", kImportExamples,
                         []() -> CliResult<Verb> {
                           return UsageError("import needs to know from what",
                                             "podium import mlflow http://HOST:PORT");
                         });
    CLI::App* mlflow =
        Add(*noun, "mlflow", "Verbs", "The registered models of an MLflow server, as they are",
            kImportExamples, [this] { return MakeImport(); });
    AddImportFlags(*mlflow, import_);
  }

  CliResult<Verb> MakeImport() {
    if (!import_.podium.empty() && !server_.empty()) {
      return UsageError("--url and --server name the same thing: leave one out");
    }
    if (!import_.podium.empty()) client_.server = import_.podium;
    if (import_.json) client_.output = OutputFormat::kJson;
    return Verb(import_);
  }

  void AddHelp() {
    // Listed here and read by Parse: the words behind it are verbs, which the library would run.
    CLI::App* help = app_.add_subcommand("help", "More about a verb or a topic");
    help->group("Looking");
  }

  CliResult<Verb> MakeHelp(std::vector<std::string> topic) {
    std::erase_if(topic, [](const std::string& word) { return word.starts_with('-'); });
    if (topic.empty()) return Verb(PrintText{app_.help()});
    if (topic.front() == "exit-codes") return Verb(PrintText{std::string(ExitCodesHelp())});
    if (topic.front() == "settings") return Verb(PrintText{SettingsHelp()});
    CLI::App* at = &app_;
    for (const std::string& word : topic) {
      CLI::App* next = FindBelow(*at, word);
      if (next == nullptr) {
        std::vector<std::string_view> known = NamesBelow(*at);
        if (at == &app_) known.insert(known.end(), {"exit-codes", "settings"});
        return UsageError(
            fmt::format("there is no help on \"{}\"{}", word, DidYouMean(word, known)),
            "podium --help");
      }
      at = next;
    }
    return Verb(PrintText{at->help()});
  }

  static CLI::App* FindBelow(CLI::App& parent, const std::string& name) {
    for (CLI::App* verb : parent.get_subcommands({})) {
      if (verb->get_name() == name) return verb;
    }
    return nullptr;
  }

  static std::vector<std::string_view> NamesBelow(const CLI::App& parent) {
    std::vector<std::string_view> names;
    for (const CLI::App* verb : parent.get_subcommands({})) names.emplace_back(verb->get_name());
    return names;
  }

  // The library would call a mistyped verb an argument too many.
  CliStatus KnowCommand(const std::vector<std::string>& arguments) const {
    const CLI::App* at = &app_;
    std::string said = "podium";
    for (std::size_t i = 0; i < arguments.size(); ++i) {
      const std::string& word = arguments[i];
      if (word.starts_with('-')) {
        // The value of a global flag is no verb.
        const CLI::Option* option = FindOption(word);
        if (option != nullptr && option->get_items_expected_min() > 0 &&
            word.find('=') == std::string::npos) {
          ++i;
        }
        continue;
      }
      const std::vector<std::string_view> names = NamesBelow(*at);
      if (std::find(names.begin(), names.end(), word) == names.end()) {
        // `audit` does something by itself; nouns do not.
        if (!names.empty() && IsNoun(*at)) {
          const std::string near(Nearest(word, names));
          return UsageError(fmt::format("\"{}\" has no verb \"{}\"", said, word),
                            near.empty() ? fmt::format("{} --help lists the verbs", said)
                                         : fmt::format("did you mean `{} {}`?", said, near));
        }
        return {};
      }
      at = at->get_subcommand(word);
      said += " " + word;
      if (NamesBelow(*at).empty()) return {};
    }
    return {};
  }

  const CLI::Option* FindOption(const std::string& word) const {
    const std::string name = word.substr(0, word.find('='));
    for (const CLI::Option* option : app_.get_options()) {
      if (option->check_name(name)) return option;
    }
    return nullptr;
  }

  std::string Chosen() const {
    std::string path;
    for (const CLI::App* at = &app_; !at->get_subcommands().empty();) {
      at = at->get_subcommands().front();
      path += at->get_name() + " ";
    }
    return path;
  }

  CliFailure ExplainExtras(const std::string& message) const {
    const std::vector<std::string> extras = app_.remaining(true);
    const std::string word = extras.empty() ? message : extras.front();
    std::string help = "podium " + Chosen() + "--help";
    if (!word.starts_with('-')) return UsageError(fmt::format("\"{}\" is too much", word), help);
    std::vector<std::string> names;
    const CLI::App* at = &app_;
    while (true) {
      for (const CLI::Option* option : at->get_options()) {
        for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
      }
      if (at->get_subcommands().empty()) break;
      at = at->get_subcommands().front();
    }
    const std::vector<std::string_view> known(names.begin(), names.end());
    const std::string flag = word.substr(0, word.find('='));
    return UsageError(fmt::format("unknown flag {}{}", flag, DidYouMean(flag, known)), help);
  }

  CLI::App app_;
  Make make_;
  ClientFlags client_;
  std::string server_;
  std::string output_;
  std::string timeout_;
  std::string duration_;
  std::string target_;
  DiffArgs diff_;
  bool force_ = false;
  std::vector<std::string> canary_words_;
  bool canary_end_ = false;
  ServeArgs serve_;
  DemoArgs demo_;
  std::string demo_canary_ = "better";
  CheckArgs check_;
  VerifyArgs verify_;
  DbArgs db_;
  StatusArgs status_;
  RegisterArgs register_;
  ListVersionsArgs list_;
  RollbackArgs rollback_;
  CanaryArgs canary_;
  FollowWords follow_;
  ShadowWords shadow_;
  ChallengerWords challenger_;
  UnfollowArgs unfollow_;
  RolloutEvidenceArgs rollout_evidence_;
  RolloutWords rollout_;
  RolloutSimulateWords simulate_;
  ReloadArgs reload_;
  PredictArgs predict_;
  ChatArgs chat_;
  std::vector<std::string> chat_words_;
  AuditArgs audit_;
  ExplainArgs explain_;
  CostsArgs costs_;
  SetPriceArgs set_price_;
  ListPricesArgs list_prices_;
  EventsArgs events_;
  LogArgs log_;
  FeedbackArgs feedback_;
  CompareArgs compare_;
  EvaluateArgs evaluate_;
  ImportArgs import_;
};

}  // namespace

bool ServerFlags::Has(std::string_view path) const {
  return std::any_of(values.begin(), values.end(),
                     [&](const FlagValue& flag) { return flag.path == path; });
}

CliResult<CommandLine> ParseArguments(const std::vector<std::string>& arguments) {
  return Grammar().Parse(arguments);
}

CliResult<double> ParsePercent(const std::string& text) {
  std::string_view number = text;
  if (number.ends_with('%')) number.remove_suffix(1);
  double value = 0;
  const char* end = number.data() + number.size();
  const auto [stop, error] = std::from_chars(number.data(), end, value, std::chars_format::fixed);
  if (number.empty() || error != std::errc{} || stop != end) {
    return UsageError(fmt::format("\"{}\" is no share: write percent, as in 5 or 0.25", text));
  }
  if (!(value >= 0 && value <= 100)) {
    return UsageError(fmt::format("a share is 0 to 100 percent, not {}", text));
  }
  return value;
}

std::optional<std::pair<std::string, std::string>> SplitAt(const std::string& target) {
  const std::size_t at = target.find('@');
  if (at == std::string::npos) return std::nullopt;
  return std::pair(target.substr(0, at), target.substr(at + 1));
}

}  // namespace podium::app
