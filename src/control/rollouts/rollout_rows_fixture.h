// A rollout with evidence, in the words of a test.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "control/rollouts/evidence_assembly.h"
#include "domain/rollout.h"
#include "rollout/epoch_plan.h"
#include "store/rollout_store.h"

namespace podium::control {

inline constexpr WallTime kRolloutStart{std::chrono::seconds(1'773'064'800)};

inline BasisPoints Share(int value) { return *BasisPoints::From(value); }

/// What is known of a primary with 1 % errors and these latencies.
inline rollout::EpochBaseline KnownPrimary() {
  rollout::EpochBaseline baseline;
  baseline.units = 10'000;
  baseline.bad = {100, 5'000, 1'000, 100};
  baseline.thresholds.latency_ms = {10, 20, 30};
  return baseline;
}

/// Rows as the store would hand them out: a rollout at the first step of 5, 25 and 50 %, guarded by
/// its error rate alone, two hours in a step at most.
class RolloutRows {
 public:
  explicit RolloutRows(SplitUnit unit = SplitUnit::kRequest) {
    Rollout& rollout = rows_.rollout;
    rollout.id = RolloutId("r-1");
    rollout.route = RouteName("fraud");
    rollout.candidate = ModelId("m-2");
    rollout.primary = ModelId("m-1");
    rollout.plan = DefaultPlan();
    rollout.plan.unit = unit;
    rollout.plan.steps.clear();
    for (const int share : {500, 2'500, 5'000}) {
      RolloutStep step;
      step.share = Share(share);
      rollout.plan.steps.push_back(step);
    }
    rollout.plan.guards.resize(1);
    rollout.plan.deadline = std::chrono::hours(2);
    rollout.revision = Revision(7);
    rollout.started_at = rollout.step_entered_at = kRolloutStart;
    Begin(rollout::FirstEpoch(rollout.plan, KnownPrimary()), std::chrono::seconds(0));
    After(std::chrono::minutes(30));
  }

  Rollout& rollout() { return rows_.rollout; }
  RolloutPlan& plan() { return rows_.rollout.plan; }
  RolloutEpoch& epoch() { return rows_.rollout.epochs.back(); }
  store::RolloutEvidence& rows() { return rows_; }

  RolloutRows& Begin(RolloutEpoch epoch, std::chrono::seconds at) {
    epoch.began_at = kRolloutStart + at;
    rows_.rollout.step = epoch.step;
    rows_.rollout.epochs.push_back(epoch);
    return *this;
  }
  RolloutRows& After(std::chrono::seconds since_start) {
    rows_.now = kRolloutStart + since_start;
    return *this;
  }
  /// Requests of one arm in the present epoch, with errors.
  RolloutRows& Count(bool canary, std::uint64_t units, std::uint64_t errors,
                     const std::string& incarnation = "a") {
    store::RolloutCount count;
    count.rollout = rows_.rollout.id;
    count.epoch = Epoch();
    count.incarnation = incarnation;
    count.canary = canary;
    count.units = count.requests = units;
    count.bad[0] = errors;
    rows_.counts.push_back(count);
    return *this;
  }
  /// Keys with errors, from `first_unit` on.
  RolloutRows& Hit(bool canary, std::uint64_t first_unit, std::uint64_t keys,
                   const std::string& incarnation = "a", std::uint32_t bad = 1,
                   std::uint32_t seen = 1) {
    for (std::uint64_t i = 0; i < keys; ++i) {
      store::RolloutHit hit;
      hit.rollout = rows_.rollout.id;
      hit.epoch = Epoch();
      hit.unit = first_unit + i;
      hit.incarnation = incarnation;
      hit.canary = canary;
      hit.second_rank = bad > 1 ? 1 : rollout::kNoRank;
      hit.bad = bad;
      hit.seen = seen;
      rows_.hits.push_back(hit);
    }
    return *this;
  }

  RolloutLook Look(const rollout::EpochBaseline& baseline = KnownPrimary()) const {
    return LookAt(rows_, baseline, rows_.rollout.log_e_peak);
  }

 private:
  std::uint32_t Epoch() const {
    return static_cast<std::uint32_t>(rows_.rollout.epochs.size() - 1);
  }

  store::RolloutEvidence rows_;
};

}  // namespace podium::control
