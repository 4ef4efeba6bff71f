// `podium rollout start|list|show` and the verbs on one that runs. Each ends with one sentence that
// says what happened and how to undo it.
#pragma once

#include <string>

#include "app/cli_rollout_verb_args.h"
#include "app/cli_traffic.h"
#include "app/cli_versions.h"

namespace podium::app {

CliStatus RunRolloutStart(CommandContext& context, const RolloutStartArgs& args);
CliStatus RunRolloutList(CommandContext& context, const RolloutListArgs& args);
/// With --watch until it has ended: kFailed unless it was promoted then.
CliStatus RunRolloutShow(CommandContext& context, const RolloutShowArgs& args,
                         const Waiting& waiting);
CliStatus RunRolloutVerb(CommandContext& context, const RolloutVerbArgs& args);

/// Which rollout a word means.
enum class RolloutWanted : std::uint8_t {
  kRunning,  ///< For a route: the one that runs.
  kAny,      ///< For a route: the one that runs, else the newest.
};
/// The rollout of an id, or of a route. kNotFound says which routes and rollouts there are.
CliResult<Json> FindRollout(Api& api, const std::string& target, RolloutWanted wanted);
/// "/api/v1/routes/R/rollouts/ID", with "/verb" behind it unless that is empty.
std::string RolloutPath(const Json& rollout, std::string_view verb = {});

}  // namespace podium::app
