#include "rollout/evidence.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "rollout/evidence_limits.h"

namespace podium::rollout {
namespace {

// Counts are added as doubles.
constexpr std::uint64_t kMostCount = std::uint64_t{1} << 53U;
constexpr double kMostRatio = 1000;

Status Require(bool holds, std::string_view what, std::string where) {
  if (holds) return {};
  return Failure(Error{ErrorCode::kInvalidArgument, std::string(what), std::move(where), nullptr});
}

bool Within(std::uint64_t part, std::uint64_t whole) {
  return part <= whole && whole <= kMostCount;
}

bool Probability(double p) { return p >= 0 && p <= 1; }
bool Ratio(double r) { return r > 0 && r <= kMostRatio; }
bool Amount(double x) { return std::isfinite(x) && x >= 0; }

Status CheckUnits(const StepUnits& step, const std::string& where) {
  PODIUM_TRY(Require(Probability(step.label_probability), "a probability is from 0 to 1",
                     where + ".label_probability"));
  return Require(Within(step.canary_units, step.units),
                 "the candidate's units are among all units, and counts are below 2^53",
                 where + ".canary_units");
}

Status CheckEvents(const StepEvents& step, const std::string& where) {
  PODIUM_TRY(Require(Ratio(step.null_ratio), "a ratio is above 0 and at most 1000",
                     where + ".null_ratio"));
  PODIUM_TRY(Require(Within(step.canary_events, step.events),
                     "the candidate's events are among all events, and counts are below 2^53",
                     where + ".canary_events"));
  PODIUM_TRY(Require(Within(step.canary_early, step.early) && step.early <= step.events,
                     "keys hit early are among the keys hit", where + ".early"));
  PODIUM_TRY(
      Require(step.canary_judged <= kMostCount, "counts are below 2^53", where + ".canary_judged"));
  std::uint64_t canary = 0;
  std::uint64_t active = 0;
  for (std::size_t i = 0; i < kScoredRequests; ++i) {
    PODIUM_TRY(Require(step.closed.canary[i] <= kMostCount && step.closed.active[i] <= kMostCount,
                       "counts are below 2^53", where + ".closed"));
    canary += step.closed.canary[i];
    active += step.closed.active[i];
  }
  PODIUM_TRY(Require(canary <= step.canary_events && active <= step.events - step.canary_events,
                     "closed keys with a bad outcome are among the keys hit", where + ".closed"));
  return Require(Probability(step.judged.repeat_share) && step.judged.requests >= 1,
                 "a share is from 0 to 1, and at least one request is judged", where + ".judged");
}

// Events beside the units that they happened to. Units may be left out where nothing needs them,
// and reports may be ahead of them.
// With sticky units a collision in the array of keys may hide a key that is hit all the same.
Status CheckAgainstUnits(const Series& series, std::size_t i, const Evidence& evidence,
                         const std::string& where) {
  const StepEvents& step = series.steps[i];
  const StepUnits& seen = evidence.steps[i];
  if (evidence.unit == RolloutUnit::kSticky) {
    return Require(!series.absolute_limit || step.canary_early <= step.canary_judged,
                   "keys hit early are among the keys judged", where + ".canary_judged");
  }
  const bool held_against =
      !series.reported &&
      (seen.units > 0 || series.absolute_limit.has_value() || series.harmless_rate.has_value());
  return Require(
      !held_against || (step.canary_events <= seen.canary_units &&
                        step.events - step.canary_events <= seen.units - seen.canary_units),
      "there are more events than units of their arm", where + ".events");
}

Status CheckSeries(const Series& series, const Evidence& evidence, const std::string& where) {
  PODIUM_TRY(Require(series.steps.size() == evidence.steps.size(),
                     "a series has as many steps as the evidence", where + ".steps"));
  PODIUM_TRY(Require(series.grid.points >= 1 && series.grid.points <= kMaxGridPoints &&
                         series.grid.octaves > 0 && series.grid.octaves <= 1,
                     "a grid has 1 to 32 points, at most an octave apart", where + ".grid"));
  PODIUM_TRY(
      Require(!series.absolute_limit || (*series.absolute_limit > 0 && *series.absolute_limit < 1),
              "an absolute limit is between 0 and 1", where + ".absolute_limit"));
  PODIUM_TRY(
      Require(!series.harmless_rate || (*series.harmless_rate > 0 && *series.harmless_rate < 1 &&
                                        evidence.unit == RolloutUnit::kRequest),
              "a harmless rate is between 0 and 1, of requests", where + ".harmless_rate"));
  PODIUM_TRY(
      Require(Probability(series.rate_before), "a rate is from 0 to 1", where + ".rate_before"));
  for (std::size_t i = 0; i < series.steps.size(); ++i) {
    const std::string at = fmt::format("{}.steps[{}]", where, i);
    PODIUM_TRY(CheckEvents(series.steps[i], at));
    PODIUM_TRY(CheckAgainstUnits(series, i, evidence, at));
  }
  return {};
}

Status CheckMetric(const Metric& metric, const Evidence& evidence, const std::string& where) {
  PODIUM_TRY(Require(Amount(metric.weight) && metric.weight > 0, "a weight is above 0",
                     where + ".weight"));
  PODIUM_TRY(Require(!metric.series.empty() && metric.series.size() <= limits::kMaxMetricSeries,
                     fmt::format("a metric has 1 to {} series", limits::kMaxMetricSeries),
                     where + ".series"));
  for (std::size_t i = 0; i < metric.series.size(); ++i) {
    PODIUM_TRY(CheckSeries(metric.series[i], evidence, fmt::format("{}.series[{}]", where, i)));
  }
  return {};
}

Status CheckRules(const Evidence& evidence) {
  const auto alpha = [](double a) { return a > 0 && a < 1; };
  PODIUM_TRY(Require(alpha(evidence.alpha_rollback), "alpha is between 0 and 1", "alpha_rollback"));
  PODIUM_TRY(Require(alpha(evidence.alpha_promote), "alpha is between 0 and 1", "alpha_promote"));
  PODIUM_TRY(Require(evidence.attempt >= 1, "attempts are counted from 1", "attempt"));
  PODIUM_TRY(
      Require(Ratio(evidence.margin) && evidence.margin > 1, "a margin is above 1", "margin"));
  PODIUM_TRY(Require(!evidence.units_left || Amount(*evidence.units_left),
                     "units left are 0 or more", "units_left"));
  PODIUM_TRY(Require(!std::isnan(evidence.log_e_peak), "ln E is a number", "log_e_peak"));
  return Require(evidence.epoch_of_step >= 1 && evidence.epochs_in_step >= 0,
                 "epochs are counted from 1", "epoch_of_step");
}

}  // namespace

Status Check(const Evidence& evidence) {
  PODIUM_TRY(CheckRules(evidence));
  PODIUM_TRY(Require(!evidence.steps.empty() && evidence.steps.size() <= limits::kMaxRolloutSteps,
                     fmt::format("a rollout has 1 to {} steps or epochs", limits::kMaxRolloutSteps),
                     "steps"));
  PODIUM_TRY(Require(evidence.declared_steps == 0 ||
                         std::cmp_less_equal(evidence.steps.size(), evidence.declared_steps),
                     "there are more steps than were declared: a hold that lasts longer than "
                     "planned keeps its last epoch open",
                     "declared_steps"));
  PODIUM_TRY(Require(evidence.metrics.size() <= limits::kMaxRolloutMetrics &&
                         evidence.paired.size() <= limits::kMaxRolloutMetrics,
                     fmt::format("a rollout has at most {} metrics", limits::kMaxRolloutMetrics),
                     "metrics"));
  for (std::size_t i = 0; i < evidence.steps.size(); ++i) {
    PODIUM_TRY(CheckUnits(evidence.steps[i], fmt::format("steps[{}]", i)));
  }
  for (std::size_t i = 0; i < evidence.metrics.size(); ++i) {
    PODIUM_TRY(CheckMetric(evidence.metrics[i], evidence, fmt::format("metrics[{}]", i)));
  }
  for (std::size_t i = 0; i < evidence.paired.size(); ++i) {
    const PairedMetric& pairs = evidence.paired[i];
    PODIUM_TRY(Require(
        pairs.counts.challenger_worse <= kMostCount && pairs.counts.champion_worse <= kMostCount &&
            pairs.counts.ties <= kMostCount && Ratio(pairs.margin) && pairs.margin > 1,
        "counts are below 2^53 and a margin is above 1", fmt::format("paired[{}]", i)));
  }
  return {};
}

}  // namespace podium::rollout
