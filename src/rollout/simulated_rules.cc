#include "rollout/simulated_rules.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <utility>
#include <vector>

#include "rollout/alpha.h"
#include "rollout/label_likelihood.h"

namespace podium::rollout {
namespace {

/// Podium, unit = request; and what becomes of it when sticky keys are counted like requests.
class LabelRule final : public SimulatedRule {
 public:
  LabelRule(const SimulationPlan& plan, std::size_t declared) : plan_(plan), declared_{declared} {}

  void BeginStep(double share) override {
    steps_.push_back({.label_probability = share, .null_ratio = plan_.null_ratio});
    units_.push_back({.share = *BasisPoints::From(std::lround(share * BasisPoints::kWhole)),
                      .label_probability = share});
    promoted_ = false;
    changed_ = true;
  }
  void Add(const SimulatedRequest& request) override {
    ++units_.back().units;
    units_.back().canary_units += request.canary ? 1 : 0;
    if (!request.bad) return;
    changed_ = true;
    ++steps_.back().all;
    steps_.back().canary += request.canary ? 1 : 0;
  }
  bool RollsBack() override {
    if (!std::exchange(changed_, false)) return alarm_;
    const double needs = LogThreshold(plan_.alpha);
    promoted_ = promoted_ || (steps_.size() == declared_.count &&
                              LogNonInferiorityE(steps_, plan_.margin) >= needs);
    alarm_ = alarm_ || LogRegressionE(steps_, declared_) >= needs;
    return alarm_;
  }
  bool Promoted() const override { return promoted_; }
  std::optional<Evidence> Counters(const StepOutlook& outlook) const override {
    Evidence evidence = SimulatedEvidence(plan_, declared_, units_);
    evidence.units_left = outlook.units * outlook.left;
    Series series = SimulatedSeries("errors", steps_);
    series.rate_before = outlook.rate_before;
    evidence.metrics = {{.name = "error rate", .series = {std::move(series)}}};
    return evidence;
  }

 private:
  SimulationPlan plan_;
  DeclaredSteps declared_;
  std::vector<LabelCounts> steps_;
  std::vector<StepUnits> units_;
  bool changed_ = true;
  bool alarm_ = false;
  bool promoted_ = false;
};

struct Arm {
  double n = 0;
  double bad = 0;
  void Add(const SimulatedRequest& request) {
    n += 1;
    bad += request.bad ? 1 : 0;
  }
  double rate() const { return n > 0 ? bad / n : 0; }
};

/// Rules over windows of 1,000 requests.
class WindowRule : public SimulatedRule {
 public:
  void BeginStep(double) override {}
  void Add(const SimulatedRequest& request) override {
    (request.canary ? canary_ : active_).Add(request);
    if (canary_.n + active_.n < kWindow) return;
    EndWindow(canary_, active_);
    canary_ = active_ = {};
  }

 protected:
  virtual void EndWindow(const Arm& canary, const Arm& active) = 0;

 private:
  static constexpr double kWindow = 1000;
  Arm canary_;
  Arm active_;
};

class ThresholdRule final : public WindowRule {
 public:
  ThresholdRule(double least, int most_failed) : least_(least), most_failed_(most_failed) {}
  bool RollsBack() override { return failed_ > most_failed_; }

 protected:
  void EndWindow(const Arm& canary, const Arm&) override {
    failed_ += canary.n > 0 && 1 - canary.rate() < least_ ? 1 : 0;
  }

 private:
  double least_;
  int most_failed_;
  int failed_ = 0;
};

class PeekingZRule final : public SimulatedRule {
 public:
  void BeginStep(double) override {}
  void Add(const SimulatedRequest& request) override {
    (request.canary ? canary_ : active_).Add(request);
  }
  bool RollsBack() override {
    constexpr double kOneSided = 1.6448536269514722;
    if (canary_.n == 0 || active_.n == 0) return false;
    const double p = (canary_.bad + active_.bad) / (canary_.n + active_.n);
    const double variance = p * (1 - p) * (1 / canary_.n + 1 / active_.n);
    return variance > 0 && canary_.rate() - active_.rate() > kOneSided * std::sqrt(variance);
  }

 private:
  Arm canary_;
  Arm active_;
};

class MannWhitneyRule final : public WindowRule {
 public:
  bool RollsBack() override { return alarm_; }

 protected:
  void EndWindow(const Arm& canary, const Arm& active) override {
    canary_.push_back(canary.rate());
    active_.push_back(active.rate());
    if (canary_.size() % 5 == 0) alarm_ = alarm_ || Differs();
  }

 private:
  // Normal approximation with the correction for ties; two-sided at 98 %.
  bool Differs() const {
    constexpr double kTwoSided = 2.3263478740408408;
    constexpr double kTolerated = 1.25;
    const auto n = static_cast<double>(canary_.size());
    std::vector<double> all = canary_;
    all.insert(all.end(), active_.begin(), active_.end());
    std::sort(all.begin(), all.end());
    double ties = 0;
    for (auto low = all.begin(); low != all.end();) {
      const auto high = std::upper_bound(low, all.end(), *low);
      const auto t = static_cast<double>(high - low);
      ties += t * t * t - t;
      low = high;
    }
    double u = 0;
    double sum_canary = 0;
    double sum_active = 0;
    for (std::size_t i = 0; i < canary_.size(); ++i) {
      sum_canary += canary_[i];
      sum_active += active_[i];
      for (const double other : active_)
        u += canary_[i] > other ? 1 : canary_[i] == other ? 0.5 : 0;
    }
    const double variance = n * n / 12 * (2 * n + 1 - ties / (2 * n * (2 * n - 1)));
    return variance > 0 && (u - n * n / 2) / std::sqrt(variance) > kTwoSided &&
           sum_canary > kTolerated * sum_active;
  }

  std::vector<double> canary_;
  std::vector<double> active_;
  bool alarm_ = false;
};

}  // namespace

Evidence SimulatedEvidence(const SimulationPlan& plan, DeclaredSteps declared,
                           std::vector<StepUnits> units) {
  Evidence evidence;
  evidence.alpha_rollback = evidence.alpha_promote = AlphaBeforeAttempts(plan);
  evidence.margin = plan.margin;
  evidence.declared_steps = static_cast<int>(declared.count);
  evidence.steps = std::move(units);
  return evidence;
}

Series SimulatedSeries(std::string name, std::span<const LabelCounts> steps) {
  Series series{.name = std::move(name), .steps = {}};
  for (const LabelCounts& step : steps) {
    StepEvents& events = series.steps.emplace_back();
    events.null_ratio = step.null_ratio;
    events.canary_events = step.canary;
    events.events = step.all;
  }
  return series;
}

double AlphaBeforeAttempts(const SimulationPlan& plan) {
  return plan.alpha * std::numbers::pi * std::numbers::pi / 6;
}

std::unique_ptr<SimulatedRule> MakeRule(const SimulationPlan& plan, const World& world,
                                        std::size_t declared) {
  switch (plan.rule) {
    case Rule::kPodium:
      if (world.latency) return MakeLatencyRule(plan, declared);
      if (world.keys > 0) return MakeStickyRule(plan, world.keys, declared);
      return std::make_unique<LabelRule>(plan, declared);
    case Rule::kEveryEvent:
      return std::make_unique<LabelRule>(plan, declared);
    case Rule::kFailureLimit:
      return std::make_unique<ThresholdRule>(0.95, 3);
    case Rule::kSuccessRate:
      return std::make_unique<ThresholdRule>(0.99, 4);
    case Rule::kPeekingZ:
      return std::make_unique<PeekingZRule>();
    case Rule::kMannWhitney:
      return std::make_unique<MannWhitneyRule>();
  }
  return nullptr;
}

}  // namespace podium::rollout
