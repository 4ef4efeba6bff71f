// What a person's verb freezes when it begins a part of a rollout: how the primary does, as far as
// it is known here, before anything is counted against it.
#pragma once

#include <chrono>

#include "control/admin/rollout_outlook.h"
#include "domain/rollout.h"
#include "rollout/epoch_plan.h"
#include "store/rollout_store.h"
#include "view/stats_registry.h"

namespace podium::control {

/// The primary's numbers since this process started, and how many requests a second that makes.
PrimaryTraffic TrafficOf(const view::StatsRegistry& stats, const ModelId& primary,
                         std::chrono::nanoseconds uptime);

/// Its quantiles here, and how often it exceeded them; of one that is not known, nothing.
rollout::EpochBaseline BaselineHere(const view::StatsRegistry& stats, const ModelId& primary);

/// What all replicas have counted of the primary in the last epoch. Pure.
rollout::PrimaryCounts CountsOfPrimary(const store::RolloutEvidence& evidence);

}  // namespace podium::control
