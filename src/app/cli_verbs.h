// The verbs of the command line, by the groups that its help shows; each adds its own to a grammar.
#pragma once

#include <CLI/CLI.hpp>

#include "app/cli_grammar.h"

namespace podium::app {

void AddServerVerbs(Grammar& to);
void AddRegistryVerbs(Grammar& to);
void AddTrafficVerbs(Grammar& to);
/// Those that change nothing.
void AddReadingVerbs(Grammar& to);

/// `--force`: past a signature that does not fit. `force` outlives `verb`.
void AddForce(CLI::App& verb, bool& force);

}  // namespace podium::app
