// What was counted, as the store's rows. Pure.
#pragma once

#include <cstdint>
#include <string>

#include "store/rollout_store.h"
#include "view/arm_counts.h"
#include "view/failing_keys.h"

namespace podium::control {

/// Who counted what in which epoch.
struct CountedIn {
  RolloutId rollout;
  std::uint32_t epoch = 0;
  std::string incarnation;  ///< Of the replica.
};

store::RolloutCount CountRow(const CountedIn& in, bool canary, const view::ArmCounts& arm);
store::RolloutHit HitRow(const CountedIn& in, const view::KeyRecord& record);

}  // namespace podium::control
