#include "app/cli_rollout_grammar.h"

#include <cstddef>

namespace podium::app {
namespace {

constexpr std::size_t kRolloutsDefault = 100;
constexpr std::size_t kRolloutsMost = 10'000;
constexpr const char* kOneHelp = "an id, or a route: the one that runs there";

// A verb on one that runs; what it was typed with is read when it is made.
void AddRunningVerb(Grammar& to, CLI::App& noun, RolloutWords& words, const char* name,
                    RolloutVerb kind, const char* help) {
  CLI::App* verb = to.AddVerb(noun, name, help, "", [&words, kind]() -> CliResult<Verb> {
    return Verb(RolloutVerbArgs{kind, words.target, 0, words.start.force});
  });
  verb->add_option("ID", words.target, kOneHelp)->required();
  if (kind != RolloutVerb::kPromote) return;
  verb->add_flag("--force", words.start.force,
                 "although its signature does not fit the primary's callers; needs --as");
}

void AddRolloutReadingVerbs(Grammar& to, CLI::App& noun, RolloutWords& words) {
  CLI::App* list = to.AddVerb(noun, "list", "Those that run, of all routes or of one",
                              "  podium rollout list\n  podium rollout list tumour --all\n",
                              [&words]() -> CliResult<Verb> { return Verb(words.list); });
  list->add_option("ROUTE", words.list.route, "of one route only");
  list->add_flag("--all", words.list.all, "those that have ended too");
  words.list.most = kRolloutsDefault;
  list->add_option("--limit", words.list.most, "at most so many (default 100)")
      ->check(CLI::Range(std::size_t{1}, kRolloutsMost));

  CLI::App* show =
      to.AddVerb(noun, "show", "All about one: where it is, why, until when",
                 "  podium rollout show tumour\n"
                 "  podium rollout show tumour --watch     until it has ended; 0 when it was "
                 "promoted\n",
                 [&words]() -> CliResult<Verb> { return Verb(words.show); });
  show->add_option("ID", words.show.target, "an id, or a route: its running or its newest one")
      ->required();
  show->add_flag("-w,--watch", words.show.watch, "again each second, until it has ended");

  CLI::App* verify =
      to.AddVerb(noun, "verify", "Compute every verdict anew, here, from the evidence kept with it",
                 "  podium rollout verify tumour     0 when all come out the same\n",
                 [&words]() -> CliResult<Verb> { return Verb(RolloutVerifyArgs{words.target}); });
  verify->add_option("ID", words.target, "an id, or a route: its running or its newest one")
      ->required();
}

void AddShareVerb(Grammar& to, CLI::App& noun, RolloutWords& words) {
  CLI::App* verb =
      to.AddVerb(noun, "share", "Another share, at most the plan's last one",
                 "  podium rollout share tumour 2.5\n", [&words]() -> CliResult<Verb> {
                   CLI_TRY_ASSIGN(const double share, ParsePercent(words.share));
                   return Verb(RolloutVerbArgs{RolloutVerb::kShare, words.target, share, false});
                 });
  verb->add_option("ID", words.target, kOneHelp)->required();
  verb->add_option("PERCENT", words.share, "0 to 100, as in 0.25")->required();
}

}  // namespace

void AddRolloutServerVerbs(Grammar& to, CLI::App& noun) {
  auto& words = to.Keep<RolloutWords>();
  CLI::App* start = to.AddVerb(
      noun, "start", "Lead a version in step by step: up by proof, back by itself",
      "  podium rollout start tumour 2\n"
      "  podium rollout start tumour 2 --steps 1,5,25,50 --bake 10m --guard error_rate:+10%\n"
      "  podium rollout start tumour 2 --plan careful.json --dry-run\n"
      "\nOn a terminal it asks first; in a script it does what it says.\n",
      [&words]() -> CliResult<Verb> {
        CLI_TRY_ASSIGN(RolloutStartArgs args, ReadRolloutStartWords(words));
        return Verb(std::move(args));
      });
  AddRolloutStartOptions(*start, words);
  AddRolloutReadingVerbs(to, noun, words);
  using enum RolloutVerb;
  AddRunningVerb(to, noun, words, "pause", kPause, "No step up from now on; guards go on");
  AddRunningVerb(to, noun, words, "resume", kResume, "Go on after a pause");
  AddRunningVerb(to, noun, words, "step", kStep,
                 "Open the gate of this step, or take the next one now");
  AddShareVerb(to, noun, words);
  AddRunningVerb(to, noun, words, "promote", kPromote,
                 "Make it the primary: by a positive verdict, or as a person by --as");
  AddRunningVerb(to, noun, words, "abort", kAbort, "End it, all traffic back at once; never asks");
  AddRunningVerb(to, noun, words, "rollback", kRollBack,
                 "The same, said of the candidate: it did harm");
}

}  // namespace podium::app
