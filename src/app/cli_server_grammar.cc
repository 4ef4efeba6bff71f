#include "app/cli_verbs.h"

#include <CLI/CLI.hpp>
#include <chrono>
#include <string>
#include <utility>

#include "app/setting_text.h"

namespace podium::app {
namespace {

// What the flags of `podium demo` fill while they are parsed.
struct DemoWords {
  DemoArgs args;
  std::string duration;
  std::string canary = "better";
};

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
  verb->add_option("--config", flags.config, "a YAML file with more settings")->option_text("FILE");
  setting("--log-format", "log.format", "json or text");
  setting("--log-level", "log.level", "debug, info, warning or error");
}

CliResult<Verb> MakeDemo(DemoWords words) {
  words.args.worse = words.canary == "worse";
  if (!words.duration.empty()) {
    // Typed by hand each time, unlike a setting: a bare number can only mean seconds.
    const bool bare = words.duration.find_first_not_of("0123456789.") == std::string::npos;
    const auto duration = ParseDuration(bare ? words.duration + "s" : words.duration);
    if (!duration) return UsageError("--duration: " + duration.error().message);
    words.args.duration = std::chrono::duration_cast<std::chrono::milliseconds>(*duration);
  }
  return Verb(words.args);
}

void AddServe(Grammar& to) {
  auto& args = to.Keep<ServeArgs>();
  CLI::App* serve = to.Add(to.top(), "serve", "Server", "Start a server whose data stays",
                           "  podium serve --data ./podium-data\n"
                           "  PODIUM_ADMIN_TOKEN=$(openssl rand -hex 24) podium serve --listen "
                           "0.0.0.0:8080\n",
                           [&args] { return Verb(args); });
  AddServerFlags(serve, args.server);
}

void AddDemo(Grammar& to) {
  auto& words = to.Keep<DemoWords>();
  CLI::App* demo = to.Add(to.top(), "demo", "Server", "A server with real models and live traffic",
                          "  podium demo\n"
                          "  podium demo --duration 30s --listen 127.0.0.1:0\n",
                          [&words] { return MakeDemo(words); });
  AddServerFlags(demo, words.args.server);
  demo->add_option("--duration", words.duration, "how long, as in 30s or 30; else until Ctrl-C")
      ->option_text("DURATION");
  demo->add_option("--rate", words.args.rate, "requests per second")->option_text("NUMBER");
  demo->add_option("--canary", words.canary, "whom the rollout leads in: better or worse")
      ->option_text("KIND")
      ->check(CLI::IsMember({"better", "worse"}));
  demo->add_flag("--keep", words.args.keep, "leave the temporary data directory behind");
  demo->add_flag("--shuffle-labels", words.args.shuffle_labels,
                 "compare with wrong labels: the accuracy shown must fall");
}

void AddCheck(Grammar& to) {
  auto& args = to.Keep<CheckArgs>();
  CLI::App* check = to.Add(to.top(), "check", "Server", "Find the mistakes in a settings file",
                           "  podium check podium.yaml\n"
                           "  podium help settings\n",
                           [&args] { return Verb(args); });
  check->add_option("FILE", args.file, "default: PODIUM_CONFIG; the environment is checked too");
}

void AddVerifyArtifact(Grammar& to) {
  auto& args = to.Keep<VerifyArgs>();
  CLI::App* verify =
      to.Add(to.top(), "verify-artifact", "Server",
             "Load a model in a process of its own, as a server would first",
             "  podium verify-artifact tumour.onnx\n", [&args] { return Verb(args); });
  verify->add_option("FILE", args.file, "an .onnx file")->required();
  verify
      ->add_option("--signature", args.signature,
                   "JSON file (default: FILE with .signature.json, if there is one)")
      ->option_text("FILE");
  verify->add_option("--config", args.config, "a YAML file with the server's limits")
      ->option_text("FILE");
}

CLI::App* AddDbVerb(Grammar& to, CLI::App& noun, DbArgs& args, const char* name, DbVerb kind,
                    const char* help) {
  CLI::App* verb = to.AddVerb(noun, name, help, "", [&args, kind] {
    args.verb = kind;
    return Verb(args);
  });
  verb->add_option_function<std::string>(
      "--data",
      [&args](const std::string& value) {
        args.server.values.push_back({"--data", "data_dir", value});
      },
      "directory of the registry");
  verb->add_option("--config", args.server.config, "a YAML file with the server's settings")
      ->option_text("FILE");
  return verb;
}

void AddDbVerbs(Grammar& to) {
  auto& args = to.Keep<DbArgs>();
  CLI::App* noun = to.AddNoun("db", "Server", "The registry's database, without a server",
                              "  podium db status\n"
                              "  podium db backup registry-backup.db\n"
                              "  DATABASE_URL=postgresql://db.example/podium podium db verify\n");
  AddDbVerb(to, *noun, args, "status", DbVerb::kStatus,
            "What is there: schema, revision, audit rows");
  AddDbVerb(to, *noun, args, "migrate", DbVerb::kMigrate,
            "Bring it to the newest schema, as a start does");
  AddDbVerb(to, *noun, args, "backup", DbVerb::kBackup,
            "Copy a SQLite registry, also while it is in use")
      ->add_option("FILE", args.file, "a new file")
      ->required();
  CLI::App* restore = AddDbVerb(to, *noun, args, "restore", DbVerb::kRestore,
                                "Put a backup in the place of a SQLite registry");
  CLI::Option* file = restore->add_option("FILE", args.file, "a backup");
  CLI::Option* epoch =
      restore
          ->add_flag("--epoch", args.epoch,
                     "only raise the epoch: after pg_restore, or when commits were lost")
          ->excludes(file);
  restore->add_option("--above", args.above, "the epoch that replicas have seen (podium status)")
      ->option_text("EPOCH")
      ->needs(epoch);
  AddDbVerb(to, *noun, args, "verify", DbVerb::kVerify, "Walk the audit trail; 1 when it is broken")
      ->add_option("FILE", args.file, "a backup instead");
}

}  // namespace

void AddServerVerbs(Grammar& to) {
  AddServe(to);
  AddDemo(to);
  AddCheck(to);
  AddVerifyArtifact(to);
  AddDbVerbs(to);
}

}  // namespace podium::app
