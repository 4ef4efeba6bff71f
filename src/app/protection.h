// What keeps models from harming the server, and what it knows of those that tried.
#pragma once

#include <memory>
#include <string>

#include "app/settings.h"
#include "base/clock.h"
#include "runtime/guard.h"
#include "runtime/inflight_board.h"
#include "runtime/quarantine.h"

namespace podium::app {

struct Protection {
  std::shared_ptr<runtime::Quarantine> quarantine;
  std::unique_ptr<runtime::InflightBoard> board;  ///< Null: models run unmarked.
  std::shared_ptr<runtime::Guard> guard;
};

/// Judges what the process before this one has left, before any model is loaded again. `stamp`
/// names the builds that a model's proofs hold for.
Protection Protect(const Settings& settings, const Clock& clock, std::string stamp);

/// At the end of the process: what is known is kept, and nothing that runs from now on is marked.
void SaveMarks(const Protection& protection);

}  // namespace podium::app
