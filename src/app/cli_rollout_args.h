// `podium rollout VERB` as it was typed.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

namespace podium::app {

/// Recomputes a verdict from plain counters.
struct RolloutEvidenceArgs {
  std::string file;  ///< Counters as JSON; "-" is standard input.
};

/// `args` outlives `verb`.
void AddRolloutEvidenceOptions(CLI::App& verb, RolloutEvidenceArgs& args);

inline constexpr const char* kRolloutExamples =
    "  podium rollout start tumour 2 --steps 1,5,25,50 --bake 10m\n"
    "  podium rollout show tumour --watch\n"
    "  podium rollout abort tumour\n"
    "  podium rollout verify tumour\n"
    "  podium rollout evidence -f counters.json\n"
    "  podium rollout evidence -f - -o json < counters.json\n";

}  // namespace podium::app
