// What a rollout has counted in each epoch, all replicas together.
//
// Replicas send what each has counted; whose life it was no longer matters here. Pure.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "domain/rollout.h"
#include "rollout/epoch_plan.h"
#include "rollout/sticky.h"
#include "store/rollout_store.h"

namespace podium::control {

/// One arm in one epoch.
struct ArmTotal {
  std::uint64_t units = 0;     ///< As RolloutCount: a key counts once on each replica that saw it.
  std::uint64_t requests = 0;  ///< Outcomes.
  std::array<std::uint64_t, kRolloutSeries> bad{};
  bool operator==(const ArmTotal&) const = default;
};

/// What the keys of one epoch come to.
struct KeyTallies {
  std::array<rollout::EpochTally, kAllSeries> of{};  ///< By series.
  std::set<std::string> incarnations;                ///< That have seen one fail.
};

struct EpochCounts {
  ArmTotal canary;
  ArmTotal primary;
  std::uint64_t ineligible = 0;
  std::size_t incarnations = 0;  ///< That have counted here: replicas, or lives of one.
  /// Keys with a bad outcome (of custom metrics requests too), each once, by series. Of an epoch
  /// that was not read they are not here, but in `tallies`.
  std::array<std::vector<rollout::KeyHit>, kAllSeries> keys;
  std::array<rollout::EpochTally, kAllSeries> tallies{};

  /// The primary's part: what the next epoch is planned from.
  rollout::PrimaryCounts Primary() const;
};

/// What a reader keeps of epochs that are over, so that they are read again only when something of
/// them has come late.
struct ClosedEpochs {
  store::EpochVersions versions;  ///< By epoch; -1: nothing is kept.
  std::vector<KeyTallies> kept;
};

/// As many as the rollout has epochs. A key is closed once its epoch is over, or once it was seen
/// often enough by the only one who counts: another replica may still see it.
/// `closed` is what `stored` was read by; it is brought up to date.
std::vector<EpochCounts> MergeCounts(const store::RolloutEvidence& stored, ClosedEpochs& closed);
/// Of evidence that was read whole.
std::vector<EpochCounts> MergeCounts(const store::RolloutEvidence& stored);

}  // namespace podium::control
