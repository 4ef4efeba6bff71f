// The flags of `podium shadow` and `podium challenger`, and what they mean together.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "app/cli_args.h"

namespace podium::app {

/// What the flags fill while they are parsed.
struct ShadowWords {
  ShadowArgs args;
  std::string rate;       ///< As typed.
  std::string tolerance;  ///< As typed; empty: the usual one.
};
struct ChallengerWords {
  ChallengerArgs args;
  std::string weight;  ///< As typed; empty: the usual one.
};

/// `words` outlives `verb`.
void AddShadowOptions(CLI::App& verb, ShadowWords& words);
void AddChallengerOptions(CLI::App& verb, ChallengerWords& words);
CliResult<ShadowArgs> ReadShadowWords(const ShadowWords& words);
CliResult<ChallengerArgs> ReadChallengerWords(const ChallengerWords& words);

}  // namespace podium::app
