#include "view/rollout_counting.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>

namespace podium::view {
namespace {

constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::max();
constexpr double kNanosecondsPerMillisecond = 1e6;

constexpr SeriesSet BitOf(std::size_t series) { return static_cast<SeriesSet>(1U << series); }

/// A whole number is above `threshold` exactly if it is above this.
std::int64_t WholeLimit(double threshold) {
  constexpr double kBeyond = 9.2e18;
  return threshold < kBeyond ? static_cast<std::int64_t>(std::floor(threshold)) : kNever;
}

}  // namespace

bool IsEvidence(const routing::Decision& decision, const ArmsHere& arms) {
  return decision.randomised() && arms.primary_able && arms.canary_able;
}

SeriesLimits::SeriesLimits(const FrozenThresholds& thresholds)
    : latency_(LimitsOf(thresholds.latency_ms, kNanosecondsPerMillisecond)),
      first_token_(LimitsOf(thresholds.first_token_ms, kNanosecondsPerMillisecond)),
      cost_(LimitsOf(thresholds.cost_nano_usd, 1)),
      of_errors_(BitOf(0)) {
  of_errors_ |= Above(kNever - 1, latency_, GuardMetric::kLatency);
  of_errors_ |= Above(kNever - 1, first_token_, GuardMetric::kFirstToken);
}

SeriesLimits::Limits SeriesLimits::LimitsOf(const std::array<double, kSeriesOfMetric>& thresholds,
                                            double unit) {
  Limits limits{};
  for (std::size_t i = 0; i < thresholds.size(); ++i) {
    limits.above[i] = WholeLimit(thresholds[i] * unit);
  }
  limits.least = *std::min_element(limits.above.begin(), limits.above.end());
  return limits;
}

SeriesSet SeriesLimits::Above(std::int64_t value, const Limits& limits, GuardMetric metric) {
  SeriesSet above = 0;
  for (std::size_t i = 0; i < kSeriesOfMetric; ++i) {
    if (value > limits.above[i]) above |= BitOf(FirstSeriesOf(metric) + i);
  }
  return above;
}

SeriesSet SeriesLimits::BadSeries(const RolloutOutcome& outcome) const {
  SeriesSet bad = 0;
  if (outcome.cost_nano_usd) bad |= Above(*outcome.cost_nano_usd, cost_, GuardMetric::kCost);
  if (outcome.failed || outcome.timed_out) return bad | of_errors_;
  bad |= Above(outcome.latency.count(), latency_, GuardMetric::kLatency);
  if (outcome.first_token) {
    bad |= Above(outcome.first_token->count(), first_token_, GuardMetric::kFirstToken);
  }
  return bad;
}

}  // namespace podium::view
