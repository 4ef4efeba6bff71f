#include "control/admin/rollout_epoch.h"

#include <algorithm>

#include "rollout/alpha.h"

namespace podium::control {
namespace {

std::uint64_t BadOf(const view::RoleCounts& counts) {
  return counts.outcomes[static_cast<std::size_t>(view::Outcome::kError)] +
         counts.outcomes[static_cast<std::size_t>(view::Outcome::kTimeout)];
}

// A primary of which nothing is known freezes nothing: no latency is bad then.
void FreezeBaseline(RolloutEpoch& epoch, const view::StatsRegistry& stats, const ModelId& primary) {
  const std::optional<view::VersionReport> report = stats.Report(primary);
  if (!report) return;
  epoch.units_before = report->total.plain.total();
  epoch.bad_before[0] = BadOf(report->total.plain);
}

// Sticky units: a hold is cut into parts of their own; else a step is one part.
std::uint32_t PartsOf(const RolloutPlan& plan, std::uint32_t step) {
  if (!IsSticky(plan.unit) || step >= plan.steps.size()) return 1;
  const double hours = static_cast<double>(plan.steps[step].bake.count()) / 3600;
  return static_cast<std::uint32_t>(rollout::EpochsOfHold(hours));
}

}  // namespace

PrimaryTraffic TrafficOf(const view::StatsRegistry& stats, const ModelId& primary,
                         std::chrono::nanoseconds uptime) {
  PrimaryTraffic traffic;
  const std::optional<view::VersionReport> report = stats.Report(primary);
  if (!report) return traffic;
  traffic.requests = report->total.plain.total();
  traffic.bad = BadOf(report->total.plain);
  const double seconds = SecondsOf(uptime);
  if (seconds > 0) traffic.per_second = static_cast<double>(traffic.requests) / seconds;
  return traffic;
}

RolloutEpoch FirstEpoch(const RolloutPlan& plan, const view::StatsRegistry& stats,
                        const ModelId& primary) {
  RolloutEpoch epoch;
  epoch.in_step = PartsOf(plan, 0);
  epoch.share = plan.steps.front().share;
  FreezeBaseline(epoch, stats, primary);
  return epoch;
}

RolloutEpoch NextEpoch(const Rollout& rollout, std::uint32_t step, BasisPoints share,
                       const view::StatsRegistry& stats) {
  RolloutEpoch epoch;
  epoch.step = step;
  epoch.share = share;
  if (!rollout.epochs.empty()) {
    const RolloutEpoch& last = rollout.epochs.back();
    // What promotions are judged by was learnt from the primary's keys; the driver learns it anew.
    epoch.judged_requests = last.judged_requests;
    epoch.repeat_share = last.repeat_share;
    const bool same = last.step == step;
    epoch.of_step = same ? last.of_step + 1 : 1;
    // How many more there will be nobody has planned.
    epoch.in_step = same && IsSticky(rollout.plan.unit) ? 0 : PartsOf(rollout.plan, step);
  }
  FreezeBaseline(epoch, stats, rollout.primary);
  return epoch;
}

std::optional<std::uint32_t> StepAbove(const Rollout& rollout) {
  const std::vector<RolloutStep>& steps = rollout.plan.steps;
  for (std::uint32_t i = 0; i < steps.size(); ++i) {
    if (steps[i].share > rollout.share()) return i;
  }
  return std::nullopt;
}

std::uint32_t StepOfShare(const RolloutPlan& plan, BasisPoints share) {
  std::uint32_t step = 0;
  for (std::uint32_t i = 0; i < plan.steps.size(); ++i) {
    if (plan.steps[i].share <= share) step = i;
  }
  return step;
}

}  // namespace podium::control
