#include "rollout/epoch_plan.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <ratio>
#include <vector>

#include "base/assert.h"
#include "rollout/alpha.h"
#include "rollout/evidence_limits.h"
#include "rollout/sticky.h"

namespace podium::rollout {
namespace {

using Thresholds = std::array<double, kSeriesOfMetric>;

Thresholds FrozenThresholds::* ThresholdsOf(GuardMetric metric) {
  switch (metric) {
    case GuardMetric::kFirstToken:
      return &FrozenThresholds::first_token_ms;
    case GuardMetric::kCost:
      return &FrozenThresholds::cost_nano_usd;
    case GuardMetric::kLatency:
    case GuardMetric::kErrorRate:
    case GuardMetric::kCustom:
      break;
  }
  return &FrozenThresholds::latency_ms;
}

constexpr std::array kTimed = {GuardMetric::kLatency, GuardMetric::kFirstToken, GuardMetric::kCost};

// Whether some guard looks at what cannot be measured by these.
bool IsLacking(const RolloutPlan& plan, const FrozenThresholds& thresholds) {
  return std::any_of(plan.guards.begin(), plan.guards.end(),
                     [&](const RolloutGuard& guard) { return !IsKnown(thresholds, guard.metric); });
}

std::uint64_t Scaled(std::uint64_t bad, std::uint64_t from, std::uint64_t to) {
  if (from == 0) return 0;
  const double rate = static_cast<double>(std::min(bad, from)) / static_cast<double>(from);
  return static_cast<std::uint64_t>(std::llround(rate * static_cast<double>(to)));
}

// Takes over the thresholds of `metric`, with how often the baseline's primary exceeded them.
void TakeMetric(const EpochBaseline& baseline, GuardMetric metric, RolloutEpoch& epoch) {
  const auto member = ThresholdsOf(metric);
  epoch.thresholds.*member = baseline.thresholds.*member;
  const std::size_t first = FirstSeriesOf(metric);
  for (std::size_t i = first; i < first + SeriesCountOf(metric); ++i) {
    epoch.bad_before[i] = Scaled(baseline.bad[i], baseline.units, epoch.units_before);
  }
}

// Rates of all series, for as long as the present epoch's own say nothing.
void TakeRates(const EpochBaseline& baseline, RolloutEpoch& epoch) {
  epoch.units_before = baseline.units;
  for (std::size_t i = 0; i < kRolloutSeries; ++i) {
    epoch.bad_before[i] = std::min(baseline.bad[i], baseline.units);
  }
}

// Quantiles of a few outcomes are none.
bool Knows(const EpochBaseline& baseline, GuardMetric metric) {
  return baseline.units >= kLeastBefore && IsKnown(baseline.thresholds, metric);
}

void TakeThresholds(const EpochBaseline& baseline, bool only_unknown, RolloutEpoch& epoch) {
  for (const GuardMetric metric : kTimed) {
    if (only_unknown && IsKnown(epoch.thresholds, metric)) continue;
    if (Knows(baseline, metric)) TakeMetric(baseline, metric, epoch);
  }
}

// A key's first request alone is judged where its rate has to be below an absolute limit: of no
// other is it known how many keys were judged in full and not hit.
bool JudgesFirstOnly(const RolloutPlan& plan, std::size_t series) {
  return std::any_of(plan.guards.begin(), plan.guards.end(), [&](const RolloutGuard& guard) {
    return guard.at_most && FirstSeriesOf(guard.metric) == series;
  });
}

void ChooseJudgedOfAll(const RolloutPlan& plan, const PrimaryCounts& before, RolloutEpoch& epoch) {
  for (std::size_t i = 0; i < kRolloutSeries; ++i) {
    JudgedLimit judged;
    if (IsSticky(plan.unit) && !JudgesFirstOnly(plan, i)) {
      judged = ChooseJudged(before.keys[i]);
    }
    epoch.judged_requests[i] = judged.requests;
    epoch.repeat_share[i] = judged.repeat_share;
  }
}

std::uint32_t PartsWith(const RolloutPlan& plan, std::uint32_t step,
                        const FrozenThresholds& thresholds) {
  return PartsOfStep(plan, step) + (IsLacking(plan, thresholds) ? 1 : 0);
}

// How many epochs of this step there were.
std::uint32_t EpochsSoFar(const Rollout& rollout, std::uint32_t step) {
  std::uint32_t most = 0;
  for (const RolloutEpoch& epoch : rollout.epochs) {
    if (epoch.step == step) most = std::max(most, epoch.of_step);
  }
  return most;
}

void TakeCounted(const PrimaryCounts& present, RolloutEpoch& epoch) {
  if (present.requests < kLeastBefore) return;
  epoch.units_before = present.requests;
  for (std::size_t i = 0; i < kRolloutSeries; ++i) {
    epoch.bad_before[i] = std::min(present.bad[i], epoch.units_before);
  }
}

}  // namespace

bool IsKnown(const FrozenThresholds& thresholds, GuardMetric metric) {
  if (SeriesCountOf(metric) == 1) return true;
  const Thresholds& of = thresholds.*ThresholdsOf(metric);
  return std::all_of(of.begin(), of.end(), [](double one) { return std::isfinite(one); });
}

std::uint32_t PartsOfStep(const RolloutPlan& plan, std::uint32_t step) {
  PODIUM_ASSERT(step < plan.steps.size());
  const std::chrono::seconds bake = plan.steps[step].bake;
  if (!IsSticky(plan.unit) || bake < 2 * kLeastPart) return 1;
  const double hours = std::chrono::duration<double, std::ratio<3600>>(bake).count();
  // Of as many as would do for each step, one is kept for thresholds that come late.
  const auto most = static_cast<std::int64_t>(limits::kMaxRolloutSteps / plan.steps.size()) - 1;
  const std::int64_t parts = std::min({std::int64_t{EpochsOfHold(hours)}, bake / kLeastPart, most});
  return static_cast<std::uint32_t>(std::max<std::int64_t>(parts, 1));
}

int DeclaredEpochs(const Rollout& rollout) {
  PODIUM_ASSERT(!rollout.epochs.empty());
  const RolloutPlan& plan = rollout.plan;
  if (plan.rule == RolloutRule::kThompson) return 0;
  std::size_t declared = 0;
  for (std::uint32_t step = 0; step < plan.steps.size(); ++step) {
    declared += PartsWith(plan, step, rollout.epochs.front().thresholds);
  }
  return static_cast<int>(std::max(declared, rollout.epochs.size()));
}

RolloutEpoch FirstEpoch(const RolloutPlan& plan, const EpochBaseline& baseline) {
  PODIUM_ASSERT(!plan.steps.empty());
  RolloutEpoch epoch;
  epoch.share = plan.steps.front().share;
  TakeRates(baseline, epoch);
  TakeThresholds(baseline, false, epoch);
  ChooseJudgedOfAll(plan, {}, epoch);
  epoch.in_step = PartsWith(plan, 0, epoch.thresholds);
  return epoch;
}

RolloutEpoch NextEpoch(const Rollout& rollout, std::uint32_t step, BasisPoints share,
                       const PrimaryCounts& present, const EpochBaseline& baseline) {
  PODIUM_ASSERT(step < rollout.plan.steps.size() && !rollout.epochs.empty());
  RolloutEpoch epoch = rollout.epochs.back();
  epoch.step = step;
  epoch.share = share;
  epoch.began_at = WallTime();
  if (epoch.units_before == 0) TakeRates(baseline, epoch);
  TakeCounted(present, epoch);
  TakeThresholds(baseline, false, epoch);
  ChooseJudgedOfAll(rollout.plan, present, epoch);
  epoch.of_step = EpochsSoFar(rollout, step) + 1;
  epoch.in_step = PartsWith(rollout.plan, step, epoch.thresholds);
  return epoch;
}

RolloutEpoch NextPart(const Rollout& rollout, const PrimaryCounts& present,
                      const EpochBaseline& baseline) {
  PODIUM_ASSERT(!rollout.epochs.empty());
  RolloutEpoch epoch = rollout.epochs.back();
  epoch.began_at = WallTime();
  ++epoch.of_step;
  if (epoch.units_before == 0) TakeRates(baseline, epoch);
  TakeThresholds(baseline, true, epoch);
  ChooseJudgedOfAll(rollout.plan, present, epoch);
  return epoch;
}

bool PartIsOver(const Rollout& rollout, WallTime now) {
  const RolloutEpoch& epoch = rollout.epochs.back();
  const std::chrono::microseconds bake = rollout.plan.steps[epoch.step].bake;
  if (!IsSticky(rollout.plan.unit) || epoch.of_step >= epoch.in_step || bake.count() == 0) {
    return false;
  }
  return now - epoch.began_at >= bake / epoch.in_step;
}

bool CanMeasure(const Rollout& rollout, GuardMetric metric, const EpochBaseline& baseline) {
  const RolloutEpoch& epoch = rollout.epochs.back();
  return !IsKnown(epoch.thresholds, metric) && Knows(baseline, metric) &&
         epoch.of_step < epoch.in_step;
}

bool CanMeasureMore(const Rollout& rollout, const EpochBaseline& baseline) {
  const std::vector<RolloutGuard>& guards = rollout.plan.guards;
  return std::any_of(guards.begin(), guards.end(), [&](const RolloutGuard& guard) {
    return CanMeasure(rollout, guard.metric, baseline);
  });
}

std::optional<std::uint32_t> StepAbove(const Rollout& rollout) {
  const std::vector<RolloutStep>& steps = rollout.plan.steps;
  for (std::size_t i = 0; i < steps.size(); ++i) {
    if (steps[i].share > rollout.share()) return static_cast<std::uint32_t>(i);
  }
  return std::nullopt;
}

std::uint32_t StepOfShare(const RolloutPlan& plan, BasisPoints share) {
  std::uint32_t of = 0;
  for (std::uint32_t i = 0; i < plan.steps.size(); ++i) {
    if (plan.steps[i].share <= share) of = i;
  }
  return of;
}

}  // namespace podium::rollout
