// Invariants 12 and 13 of the design, judged from outside: by the rows, by what was committed and
// by the verdicts that are stored with it, each computed again.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "store/registry_store.h"
#include "store/rollout_store.h"
#include "testing/sim/plain_rows.h"

namespace podium::testing {

/// What rollouts came to: one that never did proves nothing.
struct RolloutCounts {
  std::uint64_t started = 0;
  std::uint64_t stepped = 0;      ///< By a driver, up.
  std::uint64_t promoted = 0;     ///< By a driver.
  std::uint64_t rolled_back = 0;  ///< By a driver.
  std::uint64_t paged = 0;
  std::uint64_t by_person = 0;  ///< Moves of any kind.

  void Add(const RolloutCounts& other);
};

/// Threads: one at a time.
class RolloutChecks {
 public:
  using Report = std::function<void(std::string)>;

  /// `fail` is told what is wrong. All outlives this.
  RolloutChecks(const RowHistory& rows, Report fail) : rows_(rows), fail_(std::move(fail)) {}

  /// A mutation that was accepted, whoever asked for it. REQUIRES: `rows` has it.
  void Committed(const store::Mutation& mutation, const store::Committed& committed,
                 store::RolloutStore& raw);
  /// What stands. `raw` is the store itself, behind all faults.
  void AfterStep(store::RolloutStore& raw);
  /// A running rollout whose evidence says "roll back", in half a sentence; empty: none.
  std::string LeftUndone(store::RolloutStore& raw) const;

  const RolloutCounts& counts() const { return counts_; }

 private:
  void Invariant12And13DriversMove(const store::MoveRollout& move, const Rollout& before,
                                   const Rollout& after, store::RolloutStore& raw);
  void Invariant12PersonsPromotion(const store::MoveRollout& move, const std::string& actor);
  void Invariant12AndWhatEndedStaysSo(const Rollout& rollout);
  void Invariant12NeverAboveItsMost(const Rollout& rollout);
  void Count(const store::MoveRollout& move, const Rollout& before, const Rollout& after);

  const RowHistory& rows_;
  const Report fail_;
  std::map<RolloutId, Rollout> known_;
  Revision judged_at_{-1};
  RolloutCounts counts_;
};

}  // namespace podium::testing
