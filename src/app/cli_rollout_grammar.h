// The verbs of `podium rollout` that talk to a server, as part of the command line's grammar.
#pragma once

#include <CLI/CLI.hpp>

#include "app/cli_grammar.h"

namespace podium::app {

void AddRolloutServerVerbs(Grammar& to, CLI::App& noun);

}  // namespace podium::app
