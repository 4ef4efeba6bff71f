// The epochs of a rollout: which comes next, how long the present one lasts, and what is frozen
// before a new one begins.
//
// All of it is known before the epoch's own data: a test is valid only against what was fixed
// before it. Pure.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/clock.h"
#include "domain/rollout.h"
#include "rollout/sticky.h"

namespace podium::rollout {

/// What is known of the primary now: its quantiles, and how often it exceeded them.
struct EpochBaseline {
  FrozenThresholds thresholds;
  std::array<std::uint64_t, kRolloutSeries> bad{};
  std::uint64_t units = 0;  ///< Outcomes.
};

/// What all replicas together have counted of the primary in the epoch before.
struct PrimaryCounts {
  std::uint64_t requests = 0;  ///< Outcomes.
  std::array<std::uint64_t, kRolloutSeries> bad{};
  std::array<std::vector<HitRecord>, kRolloutSeries> keys;  ///< Sticky units: those that failed.
};

/// Fewer outcomes than this say nothing about a rate.
inline constexpr std::uint64_t kLeastBefore = 100;
/// A bake time is not cut into parts shorter than this: each begins with no evidence at all.
inline constexpr std::chrono::minutes kLeastPart{5};

/// Whether what `metric` is compared with is known: of errors, and of what the plan itself calls
/// bad, it always is.
bool IsKnown(const FrozenThresholds& thresholds, GuardMetric metric);

/// Parts that the bake time of a step is cut into: with sticky units EpochsOfHold, as far as they
/// are long enough and all of them fit into what one rollout may be judged by. Else 1.
std::uint32_t PartsOfStep(const RolloutPlan& plan, std::uint32_t step);
/// The epochs that share alpha: known when the rollout starts. One more for each step where
/// thresholds may have to be found out on the way. 0, not known, by the thompson rule: it begins as
/// many as it likes, and weights that followed them would be chosen by what they weigh.
int DeclaredEpochs(const Rollout& rollout);

/// The first epoch of a rollout. Of keys nothing is known yet: J is 1.
RolloutEpoch FirstEpoch(const RolloutPlan& plan, const EpochBaseline& baseline);
/// The first epoch of another step, or of a share that a person set: fresh thresholds where the
/// baseline has them, rates of the present epoch's primary where there were enough. `present`: of
/// the last epoch. REQUIRES: step < plan.steps.size(); at least one epoch.
RolloutEpoch NextEpoch(const Rollout& rollout, std::uint32_t step, BasisPoints share,
                       const PrimaryCounts& present, const EpochBaseline& baseline);
/// The next part of the present hold, with the thresholds of its step; what was not known then is
/// taken from the baseline.
RolloutEpoch NextPart(const Rollout& rollout, const PrimaryCounts& present,
                      const EpochBaseline& baseline);

/// Whether a further part of the present hold is due. The last part stays open.
bool PartIsOver(const Rollout& rollout, WallTime now);
/// Whether a guard's metric that nothing was known of can be measured from now on, in a new part of
/// this step.
bool CanMeasure(const Rollout& rollout, GuardMetric metric, const EpochBaseline& baseline);
/// The same for any guard: then a new part begins at once.
bool CanMeasureMore(const Rollout& rollout, const EpochBaseline& baseline);

/// The first step with a share above the present one.
std::optional<std::uint32_t> StepAbove(const Rollout& rollout);
/// The step that a share belongs to: the last one that is not above it, else the first.
std::uint32_t StepOfShare(const RolloutPlan& plan, BasisPoints share);

}  // namespace podium::rollout
