// Time that a test moves by hand.
#pragma once

#include <chrono>
#include <mutex>

#include "base/clock.h"

namespace podium::testing {

/// Both clocks stand still until told otherwise.
/// Threads: all methods from any thread.
class SimClock final : public Clock {
 public:
  /// 2026-03-09T14:00:00Z, a moment without meaning.
  static constexpr WallTime kStart{std::chrono::seconds(1'773'064'800)};

  explicit SimClock(WallTime start = kStart) : now_(start) {}

  WallTime Now() const override {
    const std::lock_guard lock(mutex_);
    return now_;
  }
  SteadyTime SteadyNow() const override {
    const std::lock_guard lock(mutex_);
    return steady_;
  }

  /// As time passes: both clocks move. REQUIRES: step >= 0.
  void Advance(std::chrono::nanoseconds step) {
    const std::lock_guard lock(mutex_);
    steady_ += step;
    now_ += std::chrono::duration_cast<WallTime::duration>(step);
  }
  /// As an operator or NTP does: the wall clock jumps, back if need be; the steady one does not.
  void SetWall(WallTime now) {
    const std::lock_guard lock(mutex_);
    now_ = now;
  }

 private:
  mutable std::mutex mutex_;
  WallTime now_;         // Protected by mutex_.
  SteadyTime steady_{};  // Protected by mutex_.
};

}  // namespace podium::testing
