#include "control/rollouts/evidence_assembly.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

#include "rollout/alpha.h"
#include "rollout/latency_quantiles.h"
#include "rollout/rate_limit.h"

namespace podium::control {
namespace {

// Before that an epoch's rate says little about the hours to come.
constexpr std::chrono::seconds kLeastRateTime{60};
static_assert(rollout::kLatencyQuantiles.size() == kSeriesOfMetric);

std::string_view TextOf(GuardMetric metric) {
  switch (metric) {
    case GuardMetric::kErrorRate:
      return "error rate";
    case GuardMetric::kLatency:
      return "latency";
    case GuardMetric::kFirstToken:
      return "time to first token";
    case GuardMetric::kCost:
      return "cost";
    case GuardMetric::kCustom:
      break;
  }
  return "custom metric";
}

std::string NameOfGuard(const RolloutGuard& guard) {
  return guard.metric == GuardMetric::kCustom ? guard.name : std::string(TextOf(guard.metric));
}

// Bad outcomes may be ahead of their units: they are read while calls are counted.
std::uint64_t RequestsOf(const ArmTotal& arm) {
  return std::max(arm.units, *std::max_element(arm.bad.begin(), arm.bad.end()));
}

std::uint64_t KeysOf(const ArmTotal& arm, std::size_t incarnations) {
  const std::uint64_t by = std::max<std::uint64_t>(incarnations, 1);
  return (arm.units + by / 2) / by;
}

rollout::StepUnits UnitsOf(const RolloutEpoch& epoch, const EpochCounts& counts, bool sticky) {
  const std::uint64_t canary =
      sticky ? KeysOf(counts.canary, counts.incarnations) : RequestsOf(counts.canary);
  const std::uint64_t primary =
      sticky ? KeysOf(counts.primary, counts.incarnations) : RequestsOf(counts.primary);
  return {.share = epoch.share,
          .label_probability = static_cast<double>(epoch.share.value()) / BasisPoints::kWhole,
          .canary_units = canary,
          .units = canary + primary};
}

void CountRequests(const EpochCounts& counts, std::size_t series, rollout::StepEvents& events) {
  if (series >= kRolloutSeries) {  // Reported, each request once.
    events.canary_events = counts.tallies[series].canary_hit;
    events.events = counts.tallies[series].hit;
    return;
  }
  events.canary_events = counts.canary.bad[series];
  events.events = counts.canary.bad[series] + counts.primary.bad[series];
}

void CountKeys(const EpochCounts& counts, const RolloutEpoch& epoch, std::size_t series,
               rollout::StepEvents& events) {
  const bool custom = series >= kRolloutSeries;
  const std::uint32_t judged =
      custom ? 1 : std::max<std::uint32_t>(epoch.judged_requests[series], 1);
  const rollout::EpochTally& tally = counts.tallies[series];
  events.canary_events = tally.canary_hit;
  events.events = tally.hit;
  events.closed = tally.closed;
  events.judged = {judged, custom ? 0 : epoch.repeat_share[series]};
  events.canary_early = tally.canary_early;
  events.early = tally.early;
  // Judged in full are all keys where one request is enough; never more than there were outcomes.
  // Of keys that need more it is not known, so that only those hit count: no help for a promotion.
  const std::uint64_t seen =
      std::min(KeysOf(counts.canary, counts.incarnations), counts.canary.requests);
  events.canary_judged = judged == 1 ? std::max(seen, tally.canary_early) : tally.canary_early;
}

Result<rollout::Series> SeriesOf(const store::RolloutEvidence& stored,
                                 const std::vector<EpochCounts>& epochs, const RolloutGuard& guard,
                                 std::size_t index) {
  rollout::Series series;
  const bool custom = guard.metric == GuardMetric::kCustom;
  const std::size_t nth = custom ? 0 : index - FirstSeriesOf(guard.metric);
  const bool is_one = SeriesCountOf(guard.metric) == 1;
  const rollout::LatencyQuantile& quantile = rollout::kLatencyQuantiles[nth];
  series.name = custom ? "bad" : is_one ? "errors" : quantile.name;
  series.reported = custom;
  series.grid = is_one ? rollout::kErrorGrid : quantile.grid;
  if (guard.at_most) series.absolute_limit = *guard.at_most / 100;
  // Thresholds lie above the primary's quantiles, so that it may hardly ever exceed them, and a
  // ratio of nothing proves nothing. A candidate that is above the primary's p99 in less than one
  // of a hundred requests is fast enough as well, and does no harm though the primary be above it
  // more rarely still. Of keys that is not known (JudgesFirstOnly).
  const bool is_time =
      guard.metric == GuardMetric::kLatency || guard.metric == GuardMetric::kFirstToken;
  if (is_time && !IsSticky(stored.rollout.plan.unit)) {
    series.absolute_limit = quantile.nominal_rate;
    series.harmless_rate = quantile.nominal_rate;
  }
  for (std::size_t i = 0; i < epochs.size(); ++i) {
    const RolloutEpoch& epoch = stored.rollout.epochs[i];
    const std::uint64_t before = custom ? 0 : epoch.units_before;
    const std::uint64_t bad = custom ? 0 : std::min(epoch.bad_before[index], before);
    PODIUM_TRY_ASSIGN(const rollout::CompiledLimit limit,
                      rollout::Compile({guard.percent, guard.points}, bad, before));
    rollout::StepEvents events;
    events.null_ratio = limit.null_ratio;
    if (IsSticky(stored.rollout.plan.unit)) {
      CountKeys(epochs[i], epoch, index, events);
    } else {
      CountRequests(epochs[i], index, events);
    }
    series.steps.push_back(events);
    series.rate_before = before == 0 ? 0 : limit.rate;
  }
  return series;
}

Result<rollout::Metric> MetricOf(const store::RolloutEvidence& stored,
                                 const std::vector<EpochCounts>& epochs, std::size_t at,
                                 const rollout::EpochBaseline& baseline) {
  const RolloutGuard& guard = stored.rollout.plan.guards[at];
  const RolloutEpoch& present = stored.rollout.epochs.back();
  const bool measured = rollout::IsKnown(present.thresholds, guard.metric) ||
                        rollout::CanMeasure(stored.rollout, guard.metric, baseline);
  rollout::Metric metric{.name = NameOfGuard(guard),
                         .weight = guard.weight,
                         .guards_promotion = guard.guards_promotion && measured};
  const std::size_t first = SeriesOfGuard(stored.rollout.plan, at);
  for (std::size_t i = first; i < first + SeriesCountOf(guard.metric); ++i) {
    PODIUM_TRY_ASSIGN(rollout::Series series, SeriesOf(stored, epochs, guard, i));
    metric.series.push_back(std::move(series));
  }
  return metric;
}

// Requests, or keys not hit yet, until the deadline of the step. Behind it nobody knows.
std::optional<double> UnitsLeft(const store::RolloutEvidence& stored,
                                const rollout::Evidence& evidence) {
  const Rollout& rollout = stored.rollout;
  const RolloutStep& step = rollout.plan.steps[rollout.epochs.back().step];
  const auto deadline = step.deadline.count() > 0 ? step.deadline : rollout.plan.deadline;
  const auto gone = stored.now - rollout.epochs.back().began_at;
  const auto left = rollout.step_entered_at + deadline - stored.now;
  if (gone < kLeastRateTime || left.count() <= 0) return std::nullopt;
  const auto units = static_cast<double>(evidence.steps.back().units);
  const double more = units / SecondsOf(gone) * SecondsOf(left);
  if (!IsSticky(rollout.plan.unit)) return more;
  // Those seen may still be hit: of the series with the fewest hits, so that power is not denied
  // too early.
  std::uint64_t hit = evidence.steps.back().units;
  for (const rollout::Metric& metric : evidence.metrics) {
    for (const rollout::Series& series : metric.series) {
      hit = std::min(hit, series.steps.back().events);
    }
  }
  return units - static_cast<double>(hit) + more;
}

void AddRules(const Rollout& rollout, LogPeak peak, rollout::Evidence& evidence) {
  const RolloutPlan& plan = rollout.plan;
  const std::optional<std::uint32_t> above = rollout::StepAbove(rollout);
  evidence.candidate = rollout.candidate.get();
  evidence.alpha_rollback = plan.alpha;
  evidence.alpha_promote = plan.alpha;
  evidence.attempt = rollout.attempt;
  evidence.next_share = above ? plan.steps[*above].share : *BasisPoints::From(BasisPoints::kWhole);
  evidence.margin =
      plan.margin.value_or(rollout::MarginFor(evidence.next_share, ProfileOf(plan.alpha)));
  evidence.declared_steps = rollout::DeclaredEpochs(rollout);
  evidence.epoch_of_step = static_cast<int>(rollout.epochs.back().of_step);
  evidence.epochs_in_step = static_cast<int>(rollout.epochs.back().in_step);
  if (!IsSticky(plan.unit)) evidence.log_e_peak = std::max(rollout.log_e_peak, peak);
}

}  // namespace

rollout::Profile ProfileOf(double alpha) {
  const bool strict = alpha <= rollout::AlphaOf(rollout::Profile::kStrict);
  return strict ? rollout::Profile::kStrict : rollout::Profile::kStandard;
}

Result<rollout::Evidence> Assemble(const store::RolloutEvidence& stored,
                                   const std::vector<EpochCounts>& epochs,
                                   const rollout::EpochBaseline& baseline, LogPeak peak) {
  const Rollout& rollout = stored.rollout;
  const bool sticky = IsSticky(rollout.plan.unit);
  rollout::Evidence evidence;
  evidence.unit = sticky ? rollout::RolloutUnit::kSticky : rollout::RolloutUnit::kRequest;
  AddRules(rollout, peak, evidence);
  for (std::size_t i = 0; i < epochs.size(); ++i) {
    evidence.steps.push_back(UnitsOf(rollout.epochs[i], epochs[i], sticky));
  }
  for (std::size_t i = 0; i < rollout.plan.guards.size(); ++i) {
    PODIUM_TRY_ASSIGN(rollout::Metric metric, MetricOf(stored, epochs, i, baseline));
    evidence.metrics.push_back(std::move(metric));
  }
  evidence.units_left = UnitsLeft(stored, evidence);
  return evidence;
}

RolloutLook LookAt(store::RolloutEvidence stored, rollout::EpochBaseline baseline, LogPeak peak) {
  ClosedEpochs nothing;
  return LookAt(std::move(stored), baseline, peak, nothing);
}

RolloutLook LookAt(store::RolloutEvidence stored, rollout::EpochBaseline baseline, LogPeak peak,
                   ClosedEpochs& closed) {
  RolloutLook look;
  look.epochs = MergeCounts(stored, closed);
  look.stored = std::move(stored);
  look.baseline = baseline;
  const auto at_fault = [&](const Error& error) {
    look.fault = Fail(error);
    look.sentence = "Nothing can be decided: " + Describe(error);
    look.verdict.sentence = look.sentence;
  };
  Result<rollout::Evidence> evidence = Assemble(look.stored, look.epochs, look.baseline, peak);
  if (!evidence) {
    at_fault(evidence.error());
    return look;
  }
  look.evidence = std::move(*evidence);
  Result<rollout::Verdict> verdict = rollout::Judge(look.evidence);
  if (!verdict) {
    at_fault(verdict.error());
    return look;
  }
  look.verdict = std::move(*verdict);
  look.sentence = look.verdict.sentence;
  const std::string unmeasured = UnmeasuredText(look.stored.rollout);
  if (!unmeasured.empty()) look.sentence += " " + unmeasured;
  return look;
}

std::string UnmeasuredText(const Rollout& rollout) {
  std::vector<std::string_view> names;
  for (const RolloutGuard& guard : rollout.plan.guards) {
    if (!rollout::IsKnown(rollout.epochs.back().thresholds, guard.metric)) {
      names.push_back(TextOf(guard.metric));
    }
  }
  if (names.empty()) return "";
  return fmt::format("Not measured, since nothing is known of the primary's: {}.",
                     fmt::join(names, ", "));
}

}  // namespace podium::control
