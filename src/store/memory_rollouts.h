// Rollouts in this process's memory, with what was counted of them: a part of MemoryStore.
#pragma once

#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "base/clock.h"
#include "store/decide.h"
#include "store/rollout_store.h"

namespace podium::store {

/// Threads: none of its own; MemoryStore's lock is held around every call.
class MemoryRollouts {
 public:
  const Rollout* Find(const RolloutId& id) const;
  const Rollout* RunningOn(const RouteName& route) const;
  Page<Rollout> List(const RolloutQuery& query, Revision before) const;

  /// What a mutation has to know of its route's rollouts. REQUIRES: the rest of `state` is read.
  void AddTo(const Subject& subject, RouteSnapshot& state) const;
  void Write(const Changes& changes);

  std::optional<RolloutLease> TakeLease(const RolloutId& id, const std::string& owner,
                                        std::chrono::milliseconds duration, WallTime now);
  std::optional<RolloutLease> LeaseOf(const RolloutId& id, WallTime now) const;
  void GiveUpLease(const RolloutId& id, const std::string& owner);

  void Record(const RolloutCount& count);
  void Record(const RolloutHit& hit);
  /// REQUIRES: Find(id).
  RolloutEvidence Evidence(const RolloutId& id, const EpochVersions& known, WallTime now) const;
  std::uint64_t CountHits(const RolloutId& id, std::uint32_t epoch, std::uint32_t series) const;

  /// kConflict unless both parts of `pin` stand. REQUIRES: Find(id).
  Status CheckPin(const RolloutId& id, const LookPin& pin) const;
  void Keep(const RolloutVerdict& verdict);
  LatestVerdicts Latest(const RolloutId& id) const;
  VerdictPage Verdicts(const RolloutId& id, const VerdictQuery& query) const;

 private:
  struct Row {
    Rollout rollout;
    std::string artifact;
    Revision started;
  };
  using CountKey = std::tuple<std::uint32_t, std::string, bool>;  // Epoch, incarnation, arm.
  // Epoch, series, unit as the databases order it, incarnation.
  using HitKey = std::tuple<std::uint32_t, std::uint32_t, std::int64_t, std::string>;
  struct Counted {
    std::map<CountKey, RolloutCount> counts;
    std::map<HitKey, RolloutHit> hits;
    std::map<std::uint32_t, std::int64_t> versions;  // By epoch.
  };
  bool Runs(const RolloutId& id) const;

  std::map<RolloutId, Row> rows_;
  std::map<RolloutId, RolloutLease> leases_;  // Never removed, so that tokens only grow.
  std::map<RolloutId, Counted> counted_;
  std::map<RolloutId, std::map<std::int64_t, RolloutVerdict>> verdicts_;  // By number.
};

}  // namespace podium::store
