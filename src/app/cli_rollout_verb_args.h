// The verbs of `podium rollout` that talk to a server, as they were typed.
#pragma once

#include <CLI/CLI.hpp>
#include <cstddef>
#include <string>
#include <vector>

#include "app/cli_exit.h"
#include "base/json.h"

namespace podium::app {

/// Leads a version in. Durations are checked by the server.
struct RolloutStartArgs {
  std::string route;
  std::string candidate;
  Json plan = Json::object();  ///< Fields of the plan as the API takes them; {} for the usual one.
  std::string file;            ///< A plan as JSON instead; "-" is standard input.
  bool dry_run = false;
  bool force = false;  ///< Past a signature that does not fit.
};

struct RolloutListArgs {
  std::string route;  ///< Empty: all.
  bool all = false;   ///< Those that have ended too.
  std::size_t most = 0;
};

/// Which one is meant: an id, or a route for the one that runs there.
struct RolloutShowArgs {
  std::string target;
  bool watch = false;
};
struct RolloutVerifyArgs {
  std::string target;
};

enum class RolloutVerb { kPause, kResume, kStep, kShare, kPromote, kAbort, kRollBack };
struct RolloutVerbArgs {
  RolloutVerb verb = RolloutVerb::kPause;
  std::string target;
  double pct = 0;      ///< Of kShare.
  bool force = false;  ///< Of kPromote: past a signature that does not fit.
};

/// What the flags fill while they are parsed.
struct RolloutWords {
  RolloutStartArgs start;
  std::string steps;
  std::string bake;
  std::string deadline;
  std::string on_deadline;
  std::string unit;
  std::string profile;
  std::string rule;
  std::vector<std::string> guards;
  bool gates = false;
  bool promote_at_end = false;

  RolloutListArgs list;
  RolloutShowArgs show;
  std::string target;
  std::string share;
};

/// `words` outlives `verb`.
void AddRolloutStartOptions(CLI::App& verb, RolloutWords& words);
/// kUsage for words that do not go together or cannot be read.
CliResult<RolloutStartArgs> ReadRolloutStartWords(const RolloutWords& words);

/// "error_rate:+10%", "latency:+20%", "error_rate:+0.5pp,<2%", or a metric alone, as a guard of the
/// API.
CliResult<Json> ParseGuard(const std::string& text);
/// "1,5,25,50" as the API's steps, each with `bake` (empty: none) and, with `gates`, a gate.
CliResult<Json> ParseSteps(const std::string& text, const std::string& bake, bool gates);

}  // namespace podium::app
