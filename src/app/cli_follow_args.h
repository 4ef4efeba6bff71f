// The flags of `podium route follow`, and what they mean together.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "app/cli_args.h"

namespace podium::app {

/// What the flags of `podium route follow` fill while they are parsed.
struct FollowWords {
  FollowArgs args;
  std::string share;  ///< As typed; empty: the usual one.
};

/// `words` outlives `verb`.
void AddFollowOptions(CLI::App& verb, FollowWords& words);
/// kUsage for words that do not go together.
CliResult<FollowArgs> ReadFollowWords(const FollowWords& words);

}  // namespace podium::app
