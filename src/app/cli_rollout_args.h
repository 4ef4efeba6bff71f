// `podium rollout VERB` as it was typed.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <optional>
#include <string>

#include "app/cli_exit.h"

namespace podium::app {

/// Recomputes a verdict from plain counters.
struct RolloutEvidenceArgs {
  std::string file;  ///< Counters as JSON; "-" is standard input.
};

/// Rollouts in made-up worlds.
struct RolloutSimulateArgs {
  bool sticky = false;          ///< Else the unit is the request.
  std::uint32_t keys = 2'000;   ///< Of sticky units.
  bool concentrated = false;    ///< Errors in a tenth of the keys.
  std::string scenario;         ///< Empty: all.
  std::optional<int> rollouts;  ///< Per cell; none: kUsualRollouts.
  std::uint64_t seed = 1;
};
inline constexpr int kUsualRollouts = 100;

/// What its flags fill while they are parsed.
struct RolloutSimulateWords {
  RolloutSimulateArgs args;
  std::string unit;
  std::string errors;
  std::optional<std::uint32_t> keys;
};

/// `args` outlives `verb`, as `words` does.
void AddRolloutEvidenceOptions(CLI::App& verb, RolloutEvidenceArgs& args);

void AddRolloutSimulateOptions(CLI::App& verb, RolloutSimulateWords& words);
/// kUsage for words that do not go together.
CliResult<RolloutSimulateArgs> ReadRolloutSimulateWords(const RolloutSimulateWords& words);

inline constexpr const char* kRolloutExamples =
    "  podium rollout start tumour 2 --steps 1,5,25,50 --bake 10m\n"
    "  podium rollout show tumour --watch\n"
    "  podium rollout abort tumour\n"
    "  podium rollout verify tumour\n"
    "  podium rollout evidence -f counters.json\n"
    "  podium rollout evidence -f - -o json < counters.json\n"
    "  podium rollout simulate --keys 2000 --errors concentrated --scenario doubled\n";

}  // namespace podium::app
