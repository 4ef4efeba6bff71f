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
    "  podium rollout evidence -f counters.json\n"
    "  podium rollout evidence -f - -o json < counters.json\n";

}  // namespace podium::app
