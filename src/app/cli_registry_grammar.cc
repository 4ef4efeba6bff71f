#include "app/cli_verbs.h"

#include <CLI/CLI.hpp>
#include <cstddef>
#include <string>

namespace podium::app {
namespace {

constexpr const char* kTargetHelp = "a model id, or ROUTE@VERSION";

void AddRegister(Grammar& to, CLI::App& noun) {
  auto& args = to.Keep<RegisterArgs>();
  CLI::App* verb = to.AddVerb(
      noun, "register",
      "Register a version of a route: a model file, which is uploaded, or a provider's model",
      "  podium version register tumour tumour-v2.onnx --version 2 --wait\n"
      "  podium version register tumour tumour-v2.onnx --version 2 --metric auc=0.99 --tag "
      "team=lab\n"
      "  podium version register --route chat --provider main --model gpt-4o\n",
      [&args] { return Verb(args); });
  verb->add_option("ROUTE,--route", args.route,
                   "what callers ask for; a new name makes a new route")
      ->required();
  CLI::Option* file = verb->add_option(
      "FILE", args.file, "an .onnx file, or file:NAME for one that lies on the server");
  CLI::Option* provider =
      verb->add_option("--provider", args.provider, "of the server's settings")->excludes(file);
  verb->add_option("--model", args.model, "the model's name at the provider")->needs(provider);
  verb->add_option("--version", args.version,
                   "its version, any text (default with --provider: the model)");
  verb->add_option("--name", args.name, "name of the model (default: the route)");
  verb->add_option("--model-id", args.model_id, "id of the version (default: the server's)")
      ->option_text("ID");
  verb->add_option("--status", args.status, "standby (default) or shadow")
      ->check(CLI::IsMember({"standby", "shadow"}));
  verb->add_option("--load", args.load, "eager (default) or lazy")
      ->check(CLI::IsMember({"eager", "lazy"}));
  verb->add_option("--format", args.format, "default: onnx");
  verb->add_option("--parent", args.parent, "id of the version it was made from")
      ->option_text("ID");
  verb->add_option("--signature", args.signature,
                   "JSON file (default: FILE with .signature.json, if there is one)")
      ->option_text("FILE");
  verb->add_flag("--no-signature", args.no_signature, "send none");
  verb->add_option("--metric", args.metrics, "may be repeated")
      ->option_text("NAME=NUMBER")
      ->allow_extra_args(false);
  verb->add_option("--tag", args.tags, "may be repeated")
      ->option_text("NAME=TEXT")
      ->allow_extra_args(false);
  verb->add_flag("--wait", args.wait, "until it is loaded and warm");
}

void AddListVersions(Grammar& to, CLI::App& noun) {
  auto& args = to.Keep<ListVersionsArgs>();
  CLI::App* list = to.AddVerb(noun, "list", "Versions, and what each is doing", "",
                              [&args] { return Verb(args); });
  list->add_option("ROUTE", args.route, "of one route only");
  list->add_option("--name", args.name, "of one name only");
  list->add_option("--status", args.status, "primary, canary, shadow, arm, standby or retired");
  args.most = Grammar::kListDefault;
  list->add_option("--limit", args.most, "at most so many (default 100)")
      ->check(CLI::Range(std::size_t{1}, Grammar::kListMost));
}

void AddGetVersion(Grammar& to, CLI::App& noun, const char* name, const char* help) {
  auto& args = to.Keep<GetVersionArgs>();
  to.AddVerb(noun, name, help, "", [&args] { return Verb(args); })
      ->add_option("ID", args.target, kTargetHelp)
      ->required();
}

void AddDiff(Grammar& to, CLI::App& noun) {
  auto& args = to.Keep<DiffArgs>();
  CLI::App* diff =
      to.AddVerb(noun, "diff", "What changes from one version to another",
                 "  podium version diff tumour@1 tumour@2\n", [&args] { return Verb(args); });
  diff->add_option("FROM", args.from, kTargetHelp)->required();
  diff->add_option("TO", args.to, kTargetHelp)->required();
}

CLI::App* AddVersionChange(Grammar& to, CLI::App& noun, ChangeVersionArgs& args, const char* name,
                           const char* help) {
  CLI::App* verb = to.AddVerb(noun, name, help, "", [&args] { return Verb(args); });
  verb->add_option("ID", args.target, kTargetHelp)->required();
  return verb;
}

void AddVersionVerbs(Grammar& to) {
  CLI::App* noun = to.AddNoun("version", "Registry", "Versions of models in the registry",
                              "  podium version register tumour tumour.onnx --version 1 --wait\n"
                              "  podium version list tumour\n"
                              "  podium version activate tumour@1\n",
                              "podium version --help lists the verbs; podium --version is the "
                              "version of this build");
  AddRegister(to, *noun);
  AddListVersions(to, *noun);
  AddGetVersion(to, *noun, "get", "All about one version");
  AddGetVersion(to, *noun, "show", "The same");
  AddDiff(to, *noun);
  const auto change = [&](const char* name, VersionVerb kind, const char* help) {
    auto& args = to.Keep<ChangeVersionArgs>();
    args.verb = kind;
    CLI::App* verb = AddVersionChange(to, *noun, args, name, help);
    if (kind == VersionVerb::kActivate) AddForce(*verb, args.force);
  };
  change("activate", VersionVerb::kActivate,
         "Make a version the primary of its route, whatever it was before");
  change("retire", VersionVerb::kRetire, "Take a version out of service for good; its row stays");
  change("delete", VersionVerb::kDelete,
         "Remove a version that takes no traffic; without a terminal it needs --yes");
  change("retry", VersionVerb::kRetry, "Load a version anew that has failed, or has done harm");
}

void AddSetPrice(Grammar& to, CLI::App& noun) {
  auto& args = to.Keep<SetPriceArgs>();
  CLI::App* set =
      to.AddVerb(noun, "set", "Add a price; it counts from now or --from on",
                 "  podium price set openai gpt-mini --input 0.15 --output 0.60\n"
                 "  podium price set anthropic haiku --input 1 --output 5 --cache-read 0.1 "
                 "--from 2026-04-01T00:00Z\n"
                 "\nUS dollars per million tokens; --image and --call are for each.\n",
                 [&args] { return Verb(args); });
  set->add_option("PROVIDER", args.provider, "as versions name it")->required();
  set->add_option("MODEL", args.model, "as the provider names it")->required();
  const auto amount = [&](const char* flag, const char* field, const char* help) {
    return set
        ->add_option_function<std::string>(
            flag, [&args, field](const std::string& usd) { args.amounts[field] = usd; }, help)
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
  set->add_option("--from", args.from, "a time in UTC (default: now)")->option_text("TIME");
}

void AddPriceVerbs(Grammar& to) {
  CLI::App* noun = to.AddNoun("price", "Registry", "What remote models are charged by",
                              "  podium price set openai gpt-mini --input 0.15 --output 0.60\n"
                              "  podium price list\n");
  AddSetPrice(to, *noun);
  auto& args = to.Keep<ListPricesArgs>();
  CLI::App* list = to.AddVerb(*noun, "list", "All prices, those of the past included", "",
                              [&args] { return Verb(args); });
  list->add_option("--provider", args.provider, "of one provider only");
  list->add_option("--model", args.model, "of one model only");
}

CliResult<Verb> MakeImport(const ImportArgs& args, ClientFlags& client) {
  if (!args.podium.empty() && client.server) {
    return UsageError("--url and --server name the same thing: leave one out");
  }
  if (!args.podium.empty()) client.server = args.podium;
  if (args.json) client.output = OutputFormat::kJson;
  return Verb(args);
}

void AddImport(Grammar& to) {
  auto& args = to.Keep<ImportArgs>();
  CLI::App* noun = to.Add(to.top(), "import", "Registry", "Bring another registry over",
                          kImportExamples, []() -> CliResult<Verb> {
                            return UsageError("import needs to know from what",
                                              "podium import mlflow http://HOST:PORT");
                          });
  CLI::App* mlflow = to.AddVerb(
      *noun, "mlflow", "The registered models of an MLflow server, as they are", kImportExamples,
      [&args, &client = to.client()] { return MakeImport(args, client); });
  AddImportFlags(*mlflow, args);
}

}  // namespace

void AddRegistryVerbs(Grammar& to) {
  AddVersionVerbs(to);
  AddPriceVerbs(to);
  AddImport(to);
}

}  // namespace podium::app
