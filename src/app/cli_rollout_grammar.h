// The verbs of `podium rollout` that talk to a server, as part of the command line's grammar.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>

#include "app/cli_args.h"
#include "app/cli_rollout_verb_args.h"

namespace podium::app {

/// Adds a verb to a noun: its name, what it does, examples, and what makes the verb of the words
/// once they are parsed.
using AddVerb = std::function<CLI::App*(CLI::App& noun, const char* name, const char* help,
                                        const char* examples, std::function<CliResult<Verb>()>)>;

/// `words` outlives `noun`.
void AddRolloutServerVerbs(CLI::App& noun, RolloutWords& words, const AddVerb& add);

}  // namespace podium::app
