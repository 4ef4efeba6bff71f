#include "app/cli_verbs.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "base/limits.h"

namespace podium::app {
namespace {

constexpr std::size_t kLogMost = 1'000'000'000;  // Of an export: all that is kept.
constexpr std::size_t kReplayDefault = 20;

constexpr int kMostWords = 100'000;  // Of a question: what a shell can pass on.

// What `podium chat` was typed with.
struct ChatWords {
  ChatArgs args;
  std::vector<std::string> words;
};

void AddStatus(Grammar& to) {
  auto& args = to.Keep<StatusArgs>();
  CLI::App* status =
      to.Add(to.top(), "status", "Looking", "What serves, and how it does",
             "  podium status\n  podium status tumour -w\n\n"
             "SEEN counts since the server started; with -w, the last half minute.\n",
             [&args] { return Verb(args); });
  status->add_option("ROUTE", args.route, "one route only");
  status->add_flag("-w,--watch", args.watch, "again each second, until Ctrl-C");
}

void AddPredict(Grammar& to) {
  auto& args = to.Keep<PredictArgs>();
  CLI::App* predict =
      to.Add(to.top(), "predict", "Looking", "Send rows and see which version answers",
             "  podium predict tumour -d '[[17.99, 10.38]]'\n"
             "  podium predict tumour -f rows.json --session alice\n"
             "  podium predict tumour -f - --version 2 < rows.json\n",
             [&args]() -> CliResult<Verb> {
               if (args.data.empty() == args.file.empty()) {
                 return UsageError("predict needs rows: either -d JSON or -f FILE");
               }
               return Verb(args);
             });
  predict->add_option("ROUTE", args.route, "who is asked")->required();
  predict->add_option("-d,--data", args.data, "rows as JSON: [[…], …], [{column: value}, …]")
      ->option_text("JSON");
  predict->add_option("-f,--file", args.file, "a file with them; - is standard input")
      ->option_text("FILE");
  predict->add_option("--session", args.session, "id that sticks to one version")
      ->option_text("ID");
  predict->add_option("--version", args.version, "force a version (needs the permission)");
}

CliResult<Verb> MakeChat(ChatWords words) {
  if (words.args.temperature && !std::isfinite(*words.args.temperature)) {
    return UsageError("--temperature is a number from 0 to 2");
  }
  words.args.prompt = fmt::format("{}", fmt::join(words.words, " "));
  return Verb(words.args);
}

void AddChat(Grammar& to) {
  auto& words = to.Keep<ChatWords>();
  CLI::App* chat =
      to.Add(to.top(), "chat", "Looking", "Talk to a language model's route and see who answers",
             "  podium chat assistant 'What is a canary release?'\n"
             "  podium chat assistant                       a conversation: /reset, /exit, Ctrl-D\n"
             "  podium chat assistant --json < question.txt\n",
             [&words] { return MakeChat(words); });
  chat->add_option("ROUTE", words.args.route, "who is asked")->required();
  chat->add_option("PROMPT", words.words, "the question (default: what is piped in, or a dialogue)")
      ->option_text("[PROMPT]")
      ->expected(0, kMostWords);
  chat->add_option("--system", words.args.system, "what the model is told first")
      ->option_text("TEXT");
  chat->add_option("--max-tokens", words.args.max_tokens, "the longest answer")
      ->option_text("NUMBER")
      ->check(CLI::Range(std::int64_t{1}, limits::kMaxRequestedTokens));
  chat->add_option("--temperature", words.args.temperature, "0 to 2")
      ->option_text("NUMBER")
      ->check(CLI::Range(0.0, 2.0));
  chat->add_option("--version", words.args.version, "force a version (needs the permission)");
  chat->add_option("--session", words.args.session, "id that sticks to one version")
      ->option_text("ID");
  chat->add_flag("--json", words.args.json, "one object at the end: text, usage, who, cost, times");
  chat->add_flag("--no-stream", words.args.no_stream, "the whole answer at once");
}

CliResult<Verb> MakeExplain(const ExplainArgs& args) {
  const bool asks_for_key = !args.route.empty() || !args.key.empty() || !args.kind.empty() ||
                            args.generation || !args.at.empty();
  if (!args.request.empty()) {
    if (!asks_for_key) return Verb(args);
    return UsageError("--request stands alone: the server knows the rest of it",
                      "podium explain --request " + args.request);
  }
  if (args.route.empty() || args.key.empty()) {
    return UsageError("explain needs a route and a key, or a request",
                      "podium explain ROUTE --key KEY, or podium explain --request ID");
  }
  if (args.generation && !args.at.empty()) {
    return UsageError("--generation and --at name the same thing: leave one out");
  }
  return Verb(args);
}

void AddExplain(Grammar& to) {
  auto& args = to.Keep<ExplainArgs>();
  CLI::App* verb =
      to.Add(to.top(), "explain", "Looking", "Why a key gets, or a request got, its version",
             "  podium explain tumour --key alice\n"
             "  podium explain tumour --key alice --generation 41\n"
             "  podium explain tumour --key alice --at 2026-03-09T14:31Z\n"
             "  podium explain --request 8k2vq0c1m7x4dz\n",
             [&args] { return MakeExplain(args); });
  verb->add_option("ROUTE", args.route, "whose table");
  verb->add_option("--key", args.key, "what callers send as X-Session-Id")->option_text("KEY");
  verb->add_option("--kind", args.kind, "what the key is: session (default), user or request")
      ->check(CLI::IsMember({"session", "user", "request"}));
  verb->add_option("--generation", args.generation,
                   "as the table stood then (the last 1,000 are kept)")
      ->option_text("NUMBER")
      // Signed: read as a number without a sign, "-1" would wrap round.
      ->check(CLI::Range(std::int64_t{0}, std::numeric_limits<std::int64_t>::max()));
  verb->add_option("--at", args.at, "as the table stood at a time, in UTC")->option_text("TIME");
  verb->add_option("--request", args.request,
                   "a request by its x-request-id (the last 10,000 of the server are kept)")
      ->option_text("ID");
}

CliResult<Verb> MakeAudit(const AuditArgs& args) {
  if (!args.as_of.empty() && args.route.empty()) {
    return UsageError("--as-of needs --route: it shows how one route stood",
                      "podium audit list --route ROUTE --as-of TIME");
  }
  return Verb(args);
}

void AddAudit(Grammar& to) {
  auto& args = to.Keep<AuditArgs>();
  CLI::App* audit = to.Add(to.top(), "audit", "Looking", "Who changed what, newest first",
                           "  podium audit\n  podium audit list --route tumour --limit 20\n"
                           "  podium audit list --route tumour --as-of 2026-03-09T14:31Z\n"
                           "  podium audit list --model churn\n",
                           [&args] { return MakeAudit(args); });
  args.most = Grammar::kListDefault;
  const auto options = [&args](CLI::App* verb) {
    CLI::Option* route = verb->add_option("--route", args.route, "of one route only");
    verb->add_option("--model", args.model, "of a registered model of MLflow's registry")
        ->excludes(route);
    verb->add_flag("--models", args.models, "of all registered models")->excludes(route);
    verb->add_option("--limit", args.most, "at most so many (default 100)")
        ->check(CLI::Range(std::size_t{1}, Grammar::kListMost));
    verb->add_option("--as-of", args.as_of,
                     "how the route stood at a time, in UTC, and who brought that about")
        ->option_text("TIME");
  };
  options(audit);
  options(to.AddVerb(*audit, "list", "The same", "", [&args] { return MakeAudit(args); }));
}

void AddCosts(Grammar& to) {
  auto& args = to.Keep<CostsArgs>();
  CLI::App* costs =
      to.Add(to.top(), "costs", "Looking", "What calls of remote models have cost",
             "  podium costs\n  podium costs --hours 720\n", [&args] { return Verb(args); });
  costs->add_option("--hours", args.hours, "up to now (default 24)")
      ->option_text("NUMBER")
      ->check(CLI::Range(1, limits::kMaxCostHours));
}

void AddReplicaVerbs(Grammar& to) {
  CLI::App* noun = to.AddNoun("replica", "Looking", "The servers that share this registry",
                              "  podium replica list\n");
  to.AddVerb(*noun, "list", "Who serves, how far each is, what it cannot serve", "",
             [] { return Verb(ListReplicasArgs{}); });
}

void AddEvents(Grammar& to) {
  auto& args = to.Keep<EventsArgs>();
  CLI::App* events = to.Add(to.top(), "events", "Looking", "What has happened to the registry",
                            "  podium events\n  podium events --follow --route tumour\n"
                            "  podium events --after 120 --type podium.version.promoted\n",
                            [&args] { return Verb(args); });
  args.most = Grammar::kListDefault;
  events->add_flag("--follow", args.follow, "and what happens from now on, until Ctrl-C");
  events->add_option("--after", args.after, "those behind this event")->option_text("ID");
  events->add_option("--type", args.type, "of these types only")->option_text("TYPE,…");
  events->add_option("--route", args.route, "of one route only");
  events->add_option("--limit", args.most, "at most so many (default 100)")
      ->check(CLI::Range(std::size_t{1}, Grammar::kListMost));
}

void AddLogVerbs(Grammar& to) {
  auto& args = to.Keep<LogArgs>();
  CLI::App* noun = to.AddNoun("log", "Looking", "What was predicted, where the server logs it",
                              "  podium log list tumour --since 1h --outcome error\n"
                              "  podium log tail tumour\n"
                              "  podium log export tumour --since 24h --format csv > day.csv\n"
                              "  podium log replay tumour --version 2 --limit 20\n"
                              "  podium log evaluate tumour --policy 2=100\n");
  const auto verb = [&](const char* name, LogVerb kind, const char* help, std::size_t usual) {
    CLI::App* added = to.AddVerb(*noun, name, help, "", [&args, kind, usual] {
      args.verb = kind;
      if (args.most == 0) args.most = usual;
      return Verb(args);
    });
    if (usual > 0) AddLogFilters(*added, args, usual, kLogMost);
    return added;
  };
  verb("list", LogVerb::kList, "The newest first", Grammar::kListDefault);
  verb("get", LogVerb::kGet, "All about one, with what was asked and answered", 0)
      ->add_option("ID", args.id, "as the list shows it")
      ->required();
  verb("tail", LogVerb::kTail, "As they come, until Ctrl-C", Grammar::kListDefault);
  verb("export", LogVerb::kExport, "All of them, joined with feedback", kLogMost)
      ->add_option("--format", args.format, "ndjson (default) or csv")
      ->check(CLI::IsMember({"ndjson", "csv"}));
  verb("replay", LogVerb::kReplay, "Send what was asked to --version again, and show what differs",
       kReplayDefault);
  auto& evaluate = to.Keep<EvaluateArgs>();
  AddEvaluateOptions(
      *to.Add(*noun, "evaluate", "Verbs", "What another split would have earned, with its error",
              "  podium log evaluate tumour --policy 2=100\n"
              "  podium log evaluate tumour --policy 1=50,2=50 --reward score --since 7d\n",
              [&evaluate] { return Verb(evaluate); }),
      evaluate);
}

void AddCompare(Grammar& to) {
  auto& args = to.Keep<CompareArgs>();
  AddCompareOptions(*to.Add(to.top(), "compare", "Looking",
                            "How the versions of a route did, by their predictions",
                            "  podium compare tumour\n  podium compare tumour --since 7d -o json\n",
                            [&args] { return Verb(args); }),
                    args);
}

}  // namespace

void AddReadingVerbs(Grammar& to) {
  AddStatus(to);
  AddPredict(to);
  AddChat(to);
  AddExplain(to);
  AddAudit(to);
  AddCosts(to);
  AddReplicaVerbs(to);
  AddEvents(to);
  AddLogVerbs(to);
  AddCompare(to);
}

}  // namespace podium::app
