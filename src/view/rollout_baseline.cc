#include "view/rollout_baseline.h"

#include <algorithm>
#include <cstddef>
#include <optional>

namespace podium::view {
namespace {

constexpr double kNanosecondsInMillisecond = 1e6;
constexpr std::array<double, kSeriesOfMetric> kFrozenQuantiles = {0.5, 0.9, 0.99};

/// What nobody feels is no reason to roll back: thresholds of times lie so far above the quantile.
std::chrono::nanoseconds WithSlack(std::chrono::nanoseconds quantile) {
  return quantile + std::max<std::chrono::nanoseconds>(quantile / 10, kLeastLatencySlack);
}

std::chrono::nanoseconds WithoutSlack(std::chrono::nanoseconds quantile) { return quantile; }

/// Fills the series of one metric. `unit`: of the thresholds, in what the histogram counts.
class MetricBaseline {
 public:
  using Slack = std::chrono::nanoseconds (*)(std::chrono::nanoseconds quantile);

  MetricBaseline(const HistogramSnapshot& seen, std::uint64_t errors, Slack slack)
      : seen_(seen), errors_(errors), slack_(slack) {}

  void Fill(GuardMetric metric, double unit, std::array<double, kSeriesOfMetric>& thresholds,
            RolloutBaseline& baseline) const {
    if (seen_.count() < kLeastForThresholds) return;
    for (std::size_t i = 0; i < kSeriesOfMetric; ++i) {
      const std::chrono::nanoseconds threshold = slack_(seen_.QuantileBound(kFrozenQuantiles[i]));
      thresholds[i] = static_cast<double>(threshold.count()) / unit;
      const std::uint64_t above = seen_.count() - seen_.CountAtMost(threshold);
      baseline.bad_before[FirstSeriesOf(metric) + i] =
          std::min(above + errors_, baseline.units_before);
    }
  }

 private:
  const HistogramSnapshot& seen_;
  const std::uint64_t errors_;
  const Slack slack_;
};

}  // namespace

RolloutBaseline BaselineOf(const StatsSnapshot& primary) {
  const RoleCounts& counts = primary.plain;
  RolloutBaseline baseline;
  baseline.units_before = counts.total();
  const std::uint64_t errors = counts.outcomes[static_cast<std::size_t>(Outcome::kError)] +
                               counts.outcomes[static_cast<std::size_t>(Outcome::kTimeout)];
  baseline.bad_before[0] = errors;
  FrozenThresholds& thresholds = baseline.thresholds;
  MetricBaseline(counts.latency, errors, WithSlack)
      .Fill(GuardMetric::kLatency, kNanosecondsInMillisecond, thresholds.latency_ms, baseline);
  if (counts.first_token) {
    MetricBaseline(*counts.first_token, errors, WithSlack)
        .Fill(GuardMetric::kFirstToken, kNanosecondsInMillisecond, thresholds.first_token_ms,
              baseline);
  }
  if (counts.cost_nano_usd) {
    MetricBaseline(*counts.cost_nano_usd, 0, WithoutSlack)
        .Fill(GuardMetric::kCost, 1, thresholds.cost_nano_usd, baseline);
  }
  return baseline;
}

}  // namespace podium::view
