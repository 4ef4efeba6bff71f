// What the copies of one route may cost in a day: a budget of their own, never a caller's.
//
// The cap holds over all replicas together, as far as they know of each other: each adds what it
// has spent lately to what the store has of everybody. Between two looks at the store (see
// limits::kShadowBudgetLook) others may spend what they do not see of us: the cap may be passed by
// what the replicas spend in that time.
#pragma once

#include <cstdint>
#include <mutex>

#include "base/clock.h"
#include "base/money.h"

namespace podium::view {

/// Threads: any.
class ShadowBudget {
 public:
  /// Holds the most that a copy may cost; false when the day (UTC) would go beyond `cap` with it.
  bool Hold(NanoUsd most, NanoUsd cap, WallTime now);
  /// What was held has cost this much.
  void Settle(NanoUsd held, NanoUsd cost, WallTime now);
  /// The store's sum of that day, over all replicas. What was settled here since the look before
  /// this one counts beside it, since it may not have got there yet.
  void Learn(NanoUsd in_store, WallTime now);
  NanoUsd spent_today(WallTime now) const;

 private:
  void Turn(WallTime now);  // REQUIRES: the lock. A new day starts with nothing.

  mutable std::mutex mutex_;
  std::int64_t day_ = 0;  // Since 1970. Protected by mutex_, as all below.
  NanoUsd stored_;
  NanoUsd before_look_;  // Settled here between the last two looks,
  NanoUsd since_look_;   // and since the last one.
  NanoUsd held_;
};

}  // namespace podium::view
