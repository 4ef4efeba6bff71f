// What the copies of one route may cost in a day: a budget of their own, never a caller's.
//
// The cap holds over all replicas together, as far as they know of each other: each adds what it
// has spent itself to what the store has of the others. Between two looks at the store (see
// limits::kShadowBudgetLook), and until their events have got there, others may spend what they do
// not see of us: the cap may be passed by what the other replicas spend in that time. What a
// process had spent when it ended, and had not brought to the store, is unknown to the next one
// until its journal is read.
#pragma once

#include <cstdint>
#include <mutex>

#include "base/clock.h"
#include "base/money.h"

namespace podium::view {

/// What a day has cost, when the store has `all` of all replicas, `own` of that this process's, and
/// this process knows that it has spent `settled`: events may be late, never lost. Pure.
NanoUsd SpentInDay(NanoUsd all, NanoUsd own, NanoUsd settled);

/// Threads: any.
class ShadowBudget {
 public:
  /// Holds the most that a copy may cost; false when the day (UTC) would go beyond `cap` with it.
  bool Hold(NanoUsd most, NanoUsd cap, WallTime now);
  /// What was held has cost this much.
  void Settle(NanoUsd held, NanoUsd cost, WallTime now);
  /// The store's sums of the day of `now`: over all replicas, and of this process's own events.
  void Learn(NanoUsd all, NanoUsd own, WallTime now);
  NanoUsd spent_today(WallTime now) const;

 private:
  void Turn(WallTime now);  // REQUIRES: the lock. A new day starts with nothing.

  mutable std::mutex mutex_;
  std::int64_t day_ = 0;  // Since 1970. Protected by mutex_, as all below.
  NanoUsd all_;           // As the store had them last.
  NanoUsd own_;
  NanoUsd settled_;  // Here, today.
  NanoUsd held_;
};

}  // namespace podium::view
