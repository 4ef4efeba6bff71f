// What a rollout has counted in each epoch, all replicas together.
//
// Replicas send what each has counted; whose life it was no longer matters here. Pure.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
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

struct EpochCounts {
  ArmTotal canary;
  ArmTotal primary;
  std::uint64_t ineligible = 0;
  std::size_t incarnations = 0;  ///< That have counted here: replicas, or lives of one.
  /// Sticky units: keys with a bad outcome, each once, by series.
  std::array<std::vector<rollout::KeyHit>, kRolloutSeries> keys;

  /// The primary's part: what the next epoch is planned from.
  rollout::PrimaryCounts Primary() const;
  /// Keys with a bad outcome in `series`.
  std::uint64_t Hit(std::size_t series, bool of_canary) const;
};

/// As many as the rollout has epochs. A key is closed once its epoch is over, or once it was seen
/// often enough by the only one who counts: another replica may still see it.
std::vector<EpochCounts> MergeCounts(const store::RolloutEvidence& stored);

}  // namespace podium::control
