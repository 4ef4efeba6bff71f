#include "rollout/simulated_rules.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "rollout/alpha.h"
#include "rollout/label_likelihood.h"
#include "rollout/sticky.h"

namespace podium::rollout {
namespace {

/// Podium, unit = request; and what becomes of it when sticky keys are counted like requests.
class LabelRule final : public SimulatedRule {
 public:
  LabelRule(const SimulationPlan& plan, std::size_t declared) : plan_(plan), declared_{declared} {}

  void BeginStep(double share) override {
    steps_.push_back({.label_probability = share, .null_ratio = plan_.null_ratio});
    promoted_ = false;
  }
  void Add(const SimulatedRequest& request) override {
    if (!request.bad) return;
    ++steps_.back().all;
    steps_.back().canary += request.canary ? 1 : 0;
  }
  bool RollsBack() override {
    const double needs = LogThreshold(plan_.alpha);
    promoted_ = promoted_ || (steps_.size() == declared_.count &&
                              LogNonInferiorityE(steps_, plan_.margin) >= needs);
    return LogRegressionE(steps_, declared_) >= needs;
  }
  bool Promoted() const override { return promoted_; }

 private:
  SimulationPlan plan_;
  DeclaredSteps declared_;
  std::vector<LabelCounts> steps_;
  bool promoted_ = false;
};

/// Podium with sticky keys: one epoch per step.
class StickyRule final : public SimulatedRule {
 public:
  StickyRule(const SimulationPlan& plan, std::uint32_t keys, std::size_t declared)
      : plan_(plan), declared_(declared), seen_(keys), hits_(keys), canary_(keys) {}

  void BeginStep(double share) override {
    CloseAll();
    alarm_ = alarm_ || Alarm();  // Of the epoch that is over.
    judged_ = ChooseJudged(ActiveHits());
    std::fill(seen_.begin(), seen_.end(), 0);
    std::fill(hits_.begin(), hits_.end(), HitRecord{});
    closed_ = {};
    first_ = {.label_probability = share, .null_ratio = plan_.null_ratio};
    early_ = {.label_probability = share};
    ++epoch_;
    promoted_ = false;
  }
  void Add(const SimulatedRequest& request) override {
    const std::uint32_t rank = seen_[request.key]++;
    HitRecord& hit = hits_[request.key];
    canary_[request.key] = request.canary;
    if (request.bad) {
      const bool first = hit.first_rank == kNoRank;
      AddBad(hit, rank);
      if (first) Count(first_, request.canary);
      if (first && rank < judged_.requests) Count(early_, request.canary);
    }
    if (rank + 1 == kScoredRequests) Close(request.key);
  }
  bool RollsBack() override {
    const double margin = StickyMargin(plan_.margin, judged_.repeat_share);
    promoted_ = promoted_ ||
                (epoch_ == declared_ && margin > 1 &&
                 LogNonInferiorityE(std::span(&early_, 1), margin) >= LogThreshold(plan_.alpha));
    alarm_ = alarm_ || Alarm();
    return alarm_;
  }
  void End() override { CloseAll(); }
  bool Promoted() const override { return promoted_; }

 private:
  static void Count(LabelCounts& counts, bool canary) {
    ++counts.all;
    counts.canary += canary ? 1 : 0;
  }
  void Close(std::uint32_t key) {
    if (hits_[key].bad == 0) return;
    ++(canary_[key] ? closed_.canary : closed_.active)[hits_[key].bad - 1];
  }
  void CloseAll() {
    for (std::uint32_t key = 0; key < seen_.size(); ++key) {
      if (seen_[key] > 0 && seen_[key] < kScoredRequests) Close(key);
    }
  }
  bool Alarm() const {
    if (epoch_ == 0) return false;
    const double weight = EpochWeight(static_cast<int>(epoch_), static_cast<int>(declared_)) / 2;
    const double needs = LogThreshold(plan_.alpha, weight);
    return LogFirstEventE(first_) >= needs ||
           LogScoreE(closed_, first_.label_probability, plan_.null_ratio) >= needs;
  }
  std::vector<HitRecord> ActiveHits() const {
    std::vector<HitRecord> active;
    for (std::uint32_t key = 0; key < hits_.size(); ++key) {
      if (!canary_[key] && hits_[key].first_rank != kNoRank) active.push_back(hits_[key]);
    }
    return active;
  }

  SimulationPlan plan_;
  std::size_t declared_;
  std::vector<std::uint32_t> seen_;
  std::vector<HitRecord> hits_;
  std::vector<char> canary_;
  JudgedLimit judged_;
  ScoreHistogram closed_;
  LabelCounts first_;
  LabelCounts early_;
  std::size_t epoch_ = 0;
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

std::unique_ptr<SimulatedRule> MakeRule(const SimulationPlan& plan, std::uint32_t keys,
                                        std::size_t declared) {
  switch (plan.rule) {
    case Rule::kPodium:
      if (keys > 0) return std::make_unique<StickyRule>(plan, keys, declared);
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
