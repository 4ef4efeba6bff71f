#include "app/cli_grammar.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "app/cli_help.h"
#include "app/setting_table.h"
#include "app/setting_text.h"
#include "base/suggest.h"

namespace podium::app {
namespace {

CommandLine Print(std::string text) {
  if (!text.ends_with('\n')) text += '\n';
  return CommandLine{PrintText{std::move(text)}, {}};
}

std::string BuildText() { return fmt::format("podium {}\n", PODIUM_BUILD); }

CLI::App* FindBelow(CLI::App& parent, const std::string& name) {
  for (CLI::App* verb : parent.get_subcommands({})) {
    if (verb->get_name() == name) return verb;
  }
  return nullptr;
}

std::vector<std::string_view> NamesBelow(const CLI::App& parent) {
  std::vector<std::string_view> names;
  for (const CLI::App* verb : parent.get_subcommands({})) names.emplace_back(verb->get_name());
  return names;
}

}  // namespace

Grammar::Grammar() : app_("Podium: the model registry that routes.", "podium") {
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
}

void Grammar::AddHelp() {
  // Listed here and read by Parse: the words behind it are verbs, which the library would run.
  app_.add_subcommand("help", "More about a verb or a topic")->group("Looking");
}

CLI::App* Grammar::Add(CLI::App& parent, const char* name, const char* group, const char* help,
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

CLI::App* Grammar::AddVerb(CLI::App& noun, const char* name, const char* help, const char* examples,
                           Make make) {
  return Add(noun, name, "Verbs", help, examples, std::move(make));
}

CLI::App* Grammar::AddNoun(const char* name, const char* group, const char* help,
                           const char* examples, std::string hint) {
  if (hint.empty()) hint = fmt::format("podium {} --help lists the verbs", name);
  return Add(app_, name, group, help, examples,
             [needs = fmt::format("{} needs to know what to do", name),
              hint = std::move(hint)]() -> CliResult<Verb> { return UsageError(needs, hint); });
}

void Grammar::AddClientFlags() {
  app_.set_version_flag("--version", BuildText(), "the version of this build");
  const auto group = [](CLI::Option* option) { option->group("Talking to a server"); };
  group(app_.add_option("--server", server_, "default: PODIUM_ADDR, then 127.0.0.1:8080")
            ->option_text("HOST:PORT"));
  group(app_.add_option("-o,--output", output_, "json: the API's own objects; or table")
            ->option_text("json|table")
            // What is no table is asked for as text: the same thing.
            ->check(CLI::IsMember({"json", "table", "text"})));
  group(app_.add_option("--timeout", timeout_, "how long to wait, as in 30s (default 2m)")
            ->option_text("DURATION"));
  group(
      app_.add_option("--reason", client_.reason, "kept in the audit trail")->option_text("TEXT"));
  group(app_.add_option("--as", client_.person,
                        "who you are, kept in the audit trail (default: PODIUM_ACTOR)")
            ->option_text("NAME"));
  group(app_.add_flag("-y,--yes", client_.yes, "do not ask"));
}

CliStatus Grammar::ReadClientFlags() {
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

CliResult<CommandLine> Grammar::Parse(const std::vector<std::string>& arguments) {
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

CliResult<Verb> Grammar::MakeHelp(std::vector<std::string> topic) {
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
      return UsageError(fmt::format("there is no help on \"{}\"{}", word, DidYouMean(word, known)),
                        "podium --help");
    }
    at = next;
  }
  return Verb(PrintText{at->help()});
}

// The library would call a mistyped verb an argument too many.
CliStatus Grammar::KnowCommand(const std::vector<std::string>& arguments) const {
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

const CLI::Option* Grammar::FindOption(const std::string& word) const {
  const std::string name = word.substr(0, word.find('='));
  for (const CLI::Option* option : app_.get_options()) {
    if (option->check_name(name)) return option;
  }
  return nullptr;
}

std::string Grammar::Chosen() const {
  std::string path;
  for (const CLI::App* at = &app_; !at->get_subcommands().empty();) {
    at = at->get_subcommands().front();
    path += at->get_name() + " ";
  }
  return path;
}

CliFailure Grammar::ExplainExtras(const std::string& message) const {
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

}  // namespace podium::app
