// Rollouts in stories: `rollout start iris m2 shares 1% 5%`, `rollout step iris 2 at 5%`, … A story
// names a rollout by its route: the newest one there.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "store/registry_store.h"
#include "testing/scenario.h"
#include "testing/scenario_line.h"

namespace podium::testing::scenario {

/// Reads what stands behind `rollout`, up to the circumstances.
Result<store::Mutation> ReadRollout(Line& line);

/// The newest rollout of a route. kNotFound without one, or where the store has none.
Result<Rollout> NewestRollout(store::RegistryStore& store, const RouteName& route);

/// Fills in which rollout is moved and, for its driver, by which lease and on what understanding.
Status FindItsRollout(store::RegistryStore& store, bool as_driver, store::Mutation& mutation);

std::string FactOf(const Rollout& rollout, std::string_view key);

}  // namespace podium::testing::scenario
