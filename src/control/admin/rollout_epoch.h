// What a person's verb freezes when it begins a part of a rollout: thresholds and rates of the
// primary as this replica knows it, before anything is counted against them.
#pragma once

#include <chrono>
#include <optional>

#include "control/admin/rollout_outlook.h"
#include "domain/rollout.h"
#include "view/stats_registry.h"

namespace podium::control {

/// The primary's numbers since this process started, and how many requests a second that makes.
PrimaryTraffic TrafficOf(const view::StatsRegistry& stats, const ModelId& primary,
                         std::chrono::nanoseconds uptime);

/// The first part of `plan`.
RolloutEpoch FirstEpoch(const RolloutPlan& plan, const view::StatsRegistry& stats,
                        const ModelId& primary);

/// The next part of `rollout` with `share`: the first of step `step`, or one more of its own.
RolloutEpoch NextEpoch(const Rollout& rollout, std::uint32_t step, BasisPoints share,
                       const view::StatsRegistry& stats);

/// The first step with a share above the present one; none at the last.
std::optional<std::uint32_t> StepAbove(const Rollout& rollout);
/// The step that a share belongs to: the last one that is not above it, else the first.
std::uint32_t StepOfShare(const RolloutPlan& plan, BasisPoints share);

}  // namespace podium::control
