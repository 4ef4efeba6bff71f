#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "rollout/alpha.h"
#include "rollout/power.h"
#include "rollout/simulated_rules.h"
#include "rollout/sticky.h"

namespace podium::rollout {
namespace {

/// Podium with sticky keys: one epoch per step.
class StickyRule final : public SimulatedRule {
 public:
  StickyRule(const SimulationPlan& plan, std::uint32_t keys, std::size_t declared)
      : plan_(plan), declared_(declared), keys_(keys) {}

  void BeginStep(double share) override {
    EndEpoch();
    StepEvents& next = epochs_.emplace_back();
    next.null_ratio = plan_.null_ratio;
    next.judged = ChooseJudged(ActiveHits());
    units_.push_back({.share = *BasisPoints::From(std::lround(share * BasisPoints::kWhole)),
                      .label_probability = share});
    std::fill(keys_.begin(), keys_.end(), Key{});
    changed_ = true;
    promoted_ = false;
  }
  void Add(const SimulatedRequest& request) override {
    Key& key = keys_[request.key];
    const std::uint32_t rank = key.seen++;
    if (rank == 0) {
      key.canary = request.canary;
      ++units_.back().units;
      units_.back().canary_units += request.canary ? 1 : 0;
    }
    if (request.bad) {
      const bool first = key.hit.first_rank == kNoRank;
      AddBad(key.hit, rank);
      if (first) CountHit(request.canary, rank);
    }
    if (rank + 1 == kScoredRequests) Close(key);
  }
  bool RollsBack() override {
    if (!std::exchange(changed_, false)) return alarm_;
    const StepEvents& epoch = epochs_.back();
    const double margin = StickyMargin(plan_.margin, epoch.judged.repeat_share);
    const LabelCounts early{.label_probability = units_.back().label_probability,
                            .canary = epoch.canary_early,
                            .all = epoch.early};
    promoted_ = promoted_ ||
                (epochs_.size() == declared_ && margin > 1 &&
                 LogNonInferiorityE(std::span(&early, 1), margin) >= LogThreshold(plan_.alpha));
    alarm_ = alarm_ || Alarm();
    return alarm_;
  }
  void End() override {
    EndEpoch();
    changed_ = true;
  }
  bool Promoted() const override { return promoted_; }
  std::optional<Evidence> Counters(const StepOutlook& outlook) const override {
    Evidence evidence;
    evidence.unit = RolloutUnit::kSticky;
    evidence.alpha_rollback = evidence.alpha_promote = AlphaBeforeAttempts(plan_);
    evidence.margin = plan_.margin;
    evidence.declared_steps = static_cast<int>(declared_);
    evidence.units_left = UnhitKeysLeft(outlook.units, epochs_.back().events, outlook.left);
    evidence.steps = units_;
    evidence.metrics = {
        {.name = "error rate",
         .series = {{.name = "errors", .rate_before = outlook.rate_before, .steps = epochs_}}}};
    return evidence;
  }

 private:
  struct Key {
    std::uint32_t seen = 0;
    bool canary = false;
    HitRecord hit;
  };

  void CountHit(bool canary, std::uint32_t rank) {
    StepEvents& epoch = epochs_.back();
    ++epoch.events;
    epoch.canary_events += canary ? 1 : 0;
    if (rank < epoch.judged.requests) {
      ++epoch.early;
      epoch.canary_early += canary ? 1 : 0;
    }
    changed_ = true;
  }
  void Close(const Key& key) {
    if (key.hit.bad == 0) return;
    ScoreHistogram& closed = epochs_.back().closed;
    ++(key.canary ? closed.canary : closed.active)[key.hit.bad - 1];
    changed_ = true;
  }
  // Keys that were not judged in full close with what they have, and are looked at once more.
  void EndEpoch() {
    if (epochs_.empty()) return;
    for (const Key& key : keys_) {
      if (key.seen > 0 && key.seen < kScoredRequests) Close(key);
    }
    alarm_ = alarm_ || Alarm();
  }
  bool Alarm() const {
    const StepEvents& epoch = epochs_.back();
    const LabelCounts first{.label_probability = units_.back().label_probability,
                            .null_ratio = epoch.null_ratio,
                            .canary = epoch.canary_events,
                            .all = epoch.events};
    const double weight =
        EpochWeight(static_cast<int>(epochs_.size()), static_cast<int>(declared_)) / 2;
    const double needs = LogThreshold(plan_.alpha, weight);
    return LogFirstEventE(first) >= needs ||
           LogScoreE(epoch.closed, first.label_probability, epoch.null_ratio) >= needs;
  }
  std::vector<HitRecord> ActiveHits() const {
    std::vector<HitRecord> active;
    for (const Key& key : keys_) {
      if (!key.canary && key.hit.first_rank != kNoRank) active.push_back(key.hit);
    }
    return active;
  }

  SimulationPlan plan_;
  std::size_t declared_;
  std::vector<Key> keys_;
  std::vector<StepUnits> units_;
  std::vector<StepEvents> epochs_;
  bool changed_ = true;
  bool alarm_ = false;
  bool promoted_ = false;
};

}  // namespace

std::unique_ptr<SimulatedRule> MakeStickyRule(const SimulationPlan& plan, std::uint32_t keys,
                                              std::size_t declared) {
  return std::make_unique<StickyRule>(plan, keys, declared);
}

}  // namespace podium::rollout
