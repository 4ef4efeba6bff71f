// Brings what this replica has counted of rollouts to the store.
//
// What a tally holds is cumulative, so nothing is lost when a store does not answer and nothing is
// counted twice when it did and nobody heard: the numbers go again, as they are by then.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "base/result.h"
#include "control/rollouts/evidence_rows.h"
#include "domain/rollout.h"
#include "store/rollout_store.h"
#include "view/rollout_tally.h"

namespace podium::control {

/// Threads: one at a time; all of it blocks.
class EvidenceSender {
 public:
  /// The epochs that calls are assigned in now: those of the newest view.
  using LiveMarks = std::function<std::vector<RolloutMark>()>;

  /// What is referred to outlives this. `incarnation` names this life of the replica.
  EvidenceSender(view::RolloutTallies& tallies, store::RolloutStore& store, std::string incarnation,
                 LiveMarks live)
      : tallies_(tallies),
        store_(store),
        incarnation_(std::move(incarnation)),
        live_(std::move(live)) {}

  /// Stores what has changed since the last call, in batches of limits::kEvidenceBatch keys. An
  /// error: some of it has to go again, which the next call does. Behind a complete one the tallies
  /// that nobody counts in any more are forgotten. What was counted in an epoch that a live one
  /// has replaced, under the same number with other thresholds, is no evidence and goes nowhere.
  Status Send();

 private:
  using Epoch = std::tuple<RolloutId, std::uint32_t, std::uint64_t>;  // And its sequel.
  using Counts = std::vector<store::RolloutCount>;                    // Of both arms.

  Status SendAll(const std::vector<RolloutMark>& live);
  CountedIn PlaceOf(const view::RolloutTally& tally) const;
  Counts CountsOf(const view::RolloutTally& tally) const;
  Status SendKeys(view::RolloutTally& tally);

  view::RolloutTallies& tallies_;
  store::RolloutStore& store_;
  const std::string incarnation_;
  const LiveMarks live_;
  std::map<Epoch, Counts> stored_;
};

}  // namespace podium::control
