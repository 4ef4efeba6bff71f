// Acts a scenario out on one store.
//
// Beside what the story expects, two things are looked at after every act: that no route has two
// primaries or canaries (invariant 1), and that the audit chain is whole and has one row per
// revision (invariant 2). An act that is refused must leave the revision as it was.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "store/registry_store.h"
#include "testing/scenario.h"
#include "testing/sim_clock.h"

namespace podium::testing::scenario {

/// Where a story takes place.
struct Stage {
  std::string store;  ///< Which kind of registry, for messages.
  SimClock& clock;
  /// Called once at the start, and again for `reopen` after the store was closed.
  std::function<std::unique_ptr<store::RegistryStore>()> open;
  bool keeps_rows = false;  ///< Whether a reopened store has the same rows; else reopen is nothing.
};

/// Empty when all came true, else the first thing that did not:
/// "canary.pod:14 on sqlite: expected route iris primary m2, got m1". Nothing after it is tried.
std::string RunScenario(const Scenario& scenario, const Stage& stage);

}  // namespace podium::testing::scenario
