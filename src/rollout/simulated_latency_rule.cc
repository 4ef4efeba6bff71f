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
#include "rollout/latency_quantiles.h"
#include "rollout/log_space.h"
#include "rollout/simulated_rules.h"

namespace podium::rollout {
namespace {

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
    std::array<double, kLatencyQuantiles.size()> logs{};
    for (std::size_t i = 0; i < logs.size(); ++i) logs[i] = LogAlarmE(i);
    alarm_ = LogMeanExp(logs) >= LogThreshold(plan_.alpha);
    return alarm_;
  }
  std::optional<Evidence> Counters(const StepOutlook&) const override {
    Evidence evidence = SimulatedEvidence(plan_, declared_, units_);
    Metric latency{.name = "latency"};
    for (std::size_t i = 0; i < series_.size(); ++i) {
      Series series = SimulatedSeries(kLatencyQuantiles[i].name, series_[i]);
      series.grid = kLatencyQuantiles[i].grid;
      series.harmless_rate = kLatencyQuantiles[i].nominal_rate;
      latency.series.push_back(std::move(series));
    }
    evidence.metrics.push_back(std::move(latency));
    return evidence;
  }

 private:
  double LogAlarmE(std::size_t i) const {
    AbsoluteCounts candidate{.limit = kLatencyQuantiles[i].nominal_rate};
    for (std::size_t step = 0; step < units_.size(); ++step) {
      candidate.bad += series_[i][step].canary;
      candidate.units += units_[step].canary_units;
    }
    return std::min(LogRegressionE(series_[i], declared_, kLatencyQuantiles[i].grid),
                    LogAboveE(candidate));
  }

  SimulationPlan plan_;
  DeclaredSteps declared_;
  std::array<std::vector<LabelCounts>, kLatencyQuantiles.size()> series_;
  std::vector<StepUnits> units_;
  bool alarm_ = false;
};

}  // namespace

std::unique_ptr<SimulatedRule> MakeLatencyRule(const SimulationPlan& plan, std::size_t declared) {
  return std::make_unique<LatencyRule>(plan, declared);
}

}  // namespace podium::rollout
