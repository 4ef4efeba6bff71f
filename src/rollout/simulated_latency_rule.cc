// The guard on latency in a simulated world: three label tests above frozen thresholds, averaged,
// each with what makes its rate harmless (statistics.md, section 1 (c); README).
#include <algorithm>
#include <array>
#include <cmath>
#include <utility>
#include <vector>

#include "rollout/absolute_rate.h"
#include "rollout/alpha.h"
#include "rollout/label_likelihood.h"
#include "rollout/log_space.h"
#include "rollout/simulated_rules.h"

namespace podium::rollout {
namespace {

constexpr std::array<RatioGrid, 3> kLatencyGrids = {kP50Grid, kP90Grid, kP99Grid};
constexpr std::array<double, 3> kLatencyRates = {0.5, 0.1, 0.01};
constexpr std::array<const char*, 3> kLatencyNames = {"p50", "p90", "p99"};

class LatencyRule final : public SimulatedRule {
 public:
  LatencyRule(const SimulationPlan& plan, std::size_t declared)
      : plan_(plan), declared_{declared} {}

  void BeginStep(double share) override {
    for (auto& steps : series_) {
      steps.push_back({.label_probability = share, .null_ratio = plan_.null_ratio});
    }
    units_.push_back({.share = *BasisPoints::From(std::lround(share * BasisPoints::kWhole)),
                      .label_probability = share});
  }
  void Add(const SimulatedRequest& request) override {
    const unsigned canary = request.canary ? 1 : 0;
    ++units_.back().units;
    units_.back().canary_units += canary;
    for (std::size_t i = 0; i < static_cast<std::size_t>(request.above); ++i) {
      ++series_[i].back().all;
      series_[i].back().canary += canary;
    }
  }
  bool RollsBack() override {
    if (alarm_) return true;
    std::array<double, 3> logs{};
    for (std::size_t i = 0; i < logs.size(); ++i) logs[i] = LogAlarmE(i);
    alarm_ = LogMeanExp(logs) >= LogThreshold(plan_.alpha);
    return alarm_;
  }
  std::optional<Evidence> Counters(const StepOutlook&) const override {
    Evidence evidence;
    evidence.alpha_rollback = evidence.alpha_promote = AlphaBeforeAttempts(plan_);
    evidence.margin = plan_.margin;
    evidence.declared_steps = static_cast<int>(declared_.count);
    evidence.steps = units_;
    Metric latency{.name = "latency"};
    for (std::size_t i = 0; i < series_.size(); ++i) {
      Series& series = latency.series.emplace_back();
      series.name = kLatencyNames[i];
      series.grid = kLatencyGrids[i];
      series.harmless_rate = kLatencyRates[i];
      for (const LabelCounts& step : series_[i]) {
        StepEvents& events = series.steps.emplace_back();
        events.null_ratio = step.null_ratio;
        events.canary_events = step.canary;
        events.events = step.all;
      }
    }
    evidence.metrics.push_back(std::move(latency));
    return evidence;
  }

 private:
  double LogAlarmE(std::size_t i) const {
    AbsoluteCounts candidate{.limit = kLatencyRates[i]};
    for (std::size_t step = 0; step < units_.size(); ++step) {
      candidate.bad += series_[i][step].canary;
      candidate.units += units_[step].canary_units;
    }
    return std::min(LogRegressionE(series_[i], declared_, kLatencyGrids[i]), LogAboveE(candidate));
  }

  SimulationPlan plan_;
  DeclaredSteps declared_;
  std::array<std::vector<LabelCounts>, 3> series_;
  std::vector<StepUnits> units_;
  bool alarm_ = false;
};

}  // namespace

std::unique_ptr<SimulatedRule> MakeLatencyRule(const SimulationPlan& plan, std::size_t declared) {
  return std::make_unique<LatencyRule>(plan, declared);
}

}  // namespace podium::rollout
