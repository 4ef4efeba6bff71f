#include "app/cli_follow_args.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>

namespace podium::app {

void AddFollowOptions(CLI::App& verb, FollowWords& words) {
  FollowArgs& args = words.args;
  verb.add_option("ROUTE", args.route, "whose traffic; a new name makes a new route")->required();
  verb.add_option("MODEL", args.model, "a registered model of MLflow's registry, here");
  verb.add_option("--champion", args.champion,
                  "who serves: @alias, or a stage (default: @champion if it is set, else "
                  "Production)")
      ->option_text("@ALIAS|STAGE");
  verb.add_option("--challenger", args.challenger,
                  "who is the canary: the same (default: @challenger, else Staging), or none")
      ->option_text("@ALIAS|STAGE|none");
  verb.add_option("--challenger-share", words.share, "of the traffic, in percent (default 5)")
      ->option_text("PERCENT");
  verb.add_option("--on-champion", args.on_champion,
                  "what happens when another version becomes it: promote (default), or a rollout")
      ->option_text("promote|rollout");
  verb.add_flag("--resume", args.resume, "after a rollback: follow again");
}

CliResult<FollowArgs> ReadFollowWords(const FollowWords& words) {
  FollowArgs args = words.args;
  const bool says_how = !args.model.empty() || !args.champion.empty() || !args.challenger.empty() ||
                        !words.share.empty() || !args.on_champion.empty();
  if (args.resume && says_how) {
    return UsageError("--resume stands alone: the route goes on following what it followed",
                      fmt::format("podium route follow {} --resume", args.route));
  }
  if (!args.resume && args.model.empty()) {
    return UsageError("route follow needs a registered model",
                      fmt::format("podium route follow {} MODEL, or --resume", args.route));
  }
  if (words.share.empty()) return args;
  CLI_TRY_ASSIGN(args.share, ParsePercent(words.share));
  return args;
}

}  // namespace podium::app
