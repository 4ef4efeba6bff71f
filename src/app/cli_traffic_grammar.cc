#include "app/cli_verbs.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <string>
#include <utility>
#include <vector>

#include "app/cli_follow_args.h"
#include "app/cli_rollout_grammar.h"
#include "app/cli_shadow_args.h"

namespace podium::app {
namespace {

constexpr int kManyWords = 16;  // Counted later, so that the message can name the one too many.

// What `podium canary` was typed with.
struct CanaryWords {
  CanaryArgs args;
  std::vector<std::string> words;
  bool end = false;
};

CliResult<Verb> MakeCanary(CanaryWords words) {
  if (words.end) {
    if (!words.words.empty()) return UsageError("--end takes no share and no version");
    return Verb(words.args);
  }
  if (words.words.empty()) {
    return UsageError("canary needs a share in percent",
                      fmt::format("podium canary {} 5, or --end", words.args.route));
  }
  if (words.words.size() > 2) {
    return UsageError(fmt::format("\"{}\" is too much", words.words[2]), "podium canary --help");
  }
  CLI_TRY_ASSIGN(words.args.pct, ParsePercent(words.words.back()));
  if (words.words.size() == 2) words.args.target = words.words.front();
  return Verb(words.args);
}

void AddPromote(Grammar& to) {
  auto& args = to.Keep<ChangeVersionArgs>();
  CLI::App* promote =
      to.Add(to.top(), "promote", "Traffic", "Make a canary or shadow the primary",
             "  podium promote tumour@2\n"
             "  podium promote tumour --reason 'a week without errors'   its canary\n"
             "\nOn a terminal it asks first; in a script it does what it says.\n",
             [&args] { return Verb(args); });
  promote->add_option("ID", args.target, "a model id, ROUTE@VERSION, or a route: its canary")
      ->required();
  AddForce(*promote, args.force);
}

void AddRollback(Grammar& to) {
  auto& args = to.Keep<RollbackArgs>();
  CLI::App* rollback =
      to.Add(to.top(), "rollback", "Traffic", "Back to what served before, at once",
             "  podium rollback tumour\n\nIt never asks.\n", [&args] { return Verb(args); });
  rollback->add_option("ROUTE", args.route, "whose traffic")->required();
}

void AddCanary(Grammar& to) {
  auto& words = to.Keep<CanaryWords>();
  CLI::App* canary = to.Add(to.top(), "canary", "Traffic", "Send a share of a route to a version",
                            "  podium canary tumour 2 5        version 2 gets 5 %\n"
                            "  podium canary tumour 25         more for the canary there is\n"
                            "  podium canary tumour --end      none\n"
                            "\nOn a terminal it asks first; in a script it does what it says.\n",
                            [&words] { return MakeCanary(words); });
  canary->add_option("ROUTE", words.args.route, "whose traffic")->required();
  canary
      ->add_option("WHAT", words.words,
                   "an id or version of the route (default: the canary it has), and its "
                   "share, 0 to 100 as in 0.25")
      ->option_text("[ID] PERCENT")
      ->expected(0, kManyWords);
  AddForce(*canary, words.args.force);
  canary->add_flag("--end", words.end, "take the canary out of traffic");
}

void AddRouteVerbs(Grammar& to) {
  auto& words = to.Keep<FollowWords>();
  CLI::App* noun =
      to.AddNoun("route", "Traffic", "Who drives a route: a registered model, or you",
                 "  podium route follow ads ads-ranker\n"
                 "  podium route follow ads ads-ranker --champion Production --challenger "
                 "none\n"
                 "  podium route follow ads --resume      after a rollback\n"
                 "  podium route unfollow ads\n");
  AddFollowOptions(
      *to.AddVerb(*noun, "follow",
                  "Let a registered model's champion be the primary, its challenger the canary", "",
                  [&words]() -> CliResult<Verb> {
                    CLI_TRY_ASSIGN(FollowArgs args, ReadFollowWords(words));
                    return Verb(std::move(args));
                  }),
      words);
  auto& unfollow = to.Keep<UnfollowArgs>();
  to.AddVerb(*noun, "unfollow", "Drive it by Podium's own verbs again; traffic stays", "",
             [&unfollow] { return Verb(unfollow); })
      ->add_option("ROUTE", unfollow.route, "whose traffic")
      ->required();
}

void AddReload(Grammar& to) {
  auto& args = to.Keep<ReloadArgs>();
  CLI::App* reload = to.Add(to.top(), "reload", "Traffic", "Look at the followed model now",
                            "  podium reload ads\n", [&args] { return Verb(args); });
  reload->add_option("ROUTE", args.route, "a route that follows a registered model")->required();
  AddForce(*reload, args.force);
}

void AddRolloutVerbs(Grammar& to) {
  CLI::App* noun = to.AddNoun("rollout", "Traffic",
                              "Lead a version in by proof, and check the proof", kRolloutExamples);
  auto& evidence = to.Keep<RolloutEvidenceArgs>();
  AddRolloutEvidenceOptions(
      *to.AddVerb(*noun, "evidence",
                  "The verdict on plain counters, computed anew without a server", "",
                  [&evidence] { return Verb(evidence); }),
      evidence);
  AddRolloutServerVerbs(to, *noun);
  auto& simulate = to.Keep<RolloutSimulateWords>();
  AddRolloutSimulateOptions(
      *to.AddVerb(*noun, "simulate", "How often Podium and other rules are wrong, by simulation",
                  "",
                  [&simulate]() -> CliResult<Verb> {
                    CLI_TRY_ASSIGN(RolloutSimulateArgs args, ReadRolloutSimulateWords(simulate));
                    return Verb(std::move(args));
                  }),
      simulate);
}

void AddShadowVerbs(Grammar& to) {
  auto& words = to.Keep<ShadowWords>();
  CLI::App* noun =
      to.AddNoun("shadow", "Traffic", "Who gets copies of a route's calls, and what came of them",
                 "  podium shadow set tumour 10\n  podium shadow set chat 1 --cap 5\n"
                 "  podium shadow show tumour\n  podium shadow off tumour\n");
  AddShadowOptions(*to.AddVerb(*noun, "set", "Give its shadows copies of a share of its calls", "",
                               [&words]() -> CliResult<Verb> {
                                 CLI_TRY_ASSIGN(ShadowArgs args, ReadShadowWords(words));
                                 args.verb = ShadowArgs::Verb::kSet;
                                 return Verb(std::move(args));
                               }),
                   words);
  const auto plain = [&](const char* name, const char* help, ShadowArgs::Verb verb) {
    to.AddVerb(*noun, name, help, "",
               [&words, verb] {
                 words.args.verb = verb;
                 return Verb(words.args);
               })
        ->add_option("ROUTE", words.args.route, "whose shadows")
        ->required();
  };
  plain("show", "How they do beside the primary", ShadowArgs::Verb::kShow);
  plain("off", "No copies any more", ShadowArgs::Verb::kOff);
}

void AddChallengerVerbs(Grammar& to) {
  auto& words = to.Keep<ChallengerWords>();
  CLI::App* noun = to.AddNoun("challenger", "Traffic",
                              "Who is asked beside a route's primary and answers some of its calls",
                              "  podium challenger set tumour tumour-v2 --weight 10\n"
                              "  podium challenger set tumour tumour-v2 --off\n"
                              "  podium challenger show tumour\n  podium challenger end tumour\n");
  AddChallengerOptions(*to.AddVerb(*noun, "set", "Ask it on every call; one of the two answers", "",
                                   [&words]() -> CliResult<Verb> {
                                     CLI_TRY_ASSIGN(ChallengerArgs args,
                                                    ReadChallengerWords(words));
                                     args.verb = ChallengerArgs::Verb::kSet;
                                     return Verb(std::move(args));
                                   }),
                       words);
  const auto plain = [&](const char* name, const char* help, ChallengerArgs::Verb verb) {
    to.AddVerb(*noun, name, help, "",
               [&words, verb] {
                 words.args.verb = verb;
                 return Verb(words.args);
               })
        ->add_option("ROUTE", words.args.route, "whose challenger")
        ->required();
  };
  plain("show", "Who answered, and how the two compare", ChallengerArgs::Verb::kShow);
  plain("end", "The primary alone again", ChallengerArgs::Verb::kEnd);
}

void AddFeedback(Grammar& to) {
  auto& args = to.Keep<FeedbackArgs>();
  AddFeedbackOptions(
      *to.Add(to.top(), "feedback", "Traffic", "Say what turned out to be true of a prediction",
              "  podium feedback tumour 8k2vq0c1m7x4dz --label 1\n"
              "  podium feedback -f labels.ndjson\n",
              [&args] { return Verb(args); }),
      args);
}

}  // namespace

void AddForce(CLI::App& verb, bool& force) {
  verb.add_flag("--force", force,
                "although its signature does not fit the primary's callers; needs --as");
}

void AddTrafficVerbs(Grammar& to) {
  AddPromote(to);
  AddRollback(to);
  AddCanary(to);
  AddRouteVerbs(to);
  AddReload(to);
  AddRolloutVerbs(to);
  AddShadowVerbs(to);
  AddChallengerVerbs(to);
  AddFeedback(to);
}

}  // namespace podium::app
