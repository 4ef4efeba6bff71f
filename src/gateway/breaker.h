// A circuit breaker: who has failed too often is left alone for a while, then tried carefully.
//
// Pure: time is an argument, and so is how many calls went well: those are counted where they are
// made (breaker_board.h). One for each (provider, upstream model).
#pragma once

#include <chrono>
#include <cstdint>
#include <limits>
#include <optional>
#include <string_view>

#include "base/clock.h"
#include "gateway/window_counter.h"

namespace podium::gateway {

struct BreakerPolicy {
  int failures = 5;        ///< One after the other that open it; 0: none do.
  int error_percent = 50;  ///< Of the calls of a window that open it; 0: none do.
  int min_calls = 20;      ///< In a window, before its percentage means anything.
  std::chrono::milliseconds window{10'000};
  std::chrono::milliseconds open_time{5'000};  ///< Doubled for each probe that fails.
  std::chrono::milliseconds max_open_time{60'000};
  int probes = 1;  ///< At once, while half open; as many successes close it.
};

enum class BreakerState : std::uint8_t { kClosed, kHalfOpen, kOpen };
std::string_view NameOf(BreakerState state);  ///< "closed", "half_open", "open"

/// A call that a breaker let through. What it has to say counts only while the breaker is in the
/// state in which it was let through: a long stream from before the trouble says nothing about it.
struct BreakerTicket {
  std::uint32_t era = 0;
  bool probe = false;
};

/// closed -(failures in a row, or too many of a window)-> open -(time)-> half open -> closed, or
/// open again.
class Breaker {
 public:
  explicit Breaker(const BreakerPolicy& policy) : policy_(policy), failures_(policy.window) {}

  /// nullopt: no call may be made now. One that may must be followed by one of the three below.
  std::optional<BreakerTicket> Admit(SteadyTime now);
  void Succeeded(const BreakerTicket& ticket, SteadyTime now);
  /// `successes`: of the window that ends now, from `counted_from()` on.
  void Failed(const BreakerTicket& ticket, SteadyTime now, std::int64_t successes);
  /// The call said nothing about the provider's health: the caller left, or was wrong.
  void Withdrawn(const BreakerTicket& ticket);

  BreakerState state(SteadyTime now) const;
  std::uint32_t era() const { return era_; }
  bool is_open() const { return open_; }  ///< Or half open.
  /// Of the last calls, those that failed one after the other.
  int failures_in_a_row() const { return in_a_row_; }
  /// When it may be probed. REQUIRES: it is open, or half open.
  SteadyTime open_until() const { return open_until_; }
  /// What was counted before has nothing to say about the share of failures: it is of before the
  /// trouble. The half in which it closed is not counted, since it began before.
  WindowCounter::Half counted_from() const { return counted_from_; }

 private:
  void Open(SteadyTime now);
  void Close(SteadyTime now);
  bool TooManyFail(SteadyTime now, std::int64_t successes) const;

  const BreakerPolicy policy_;
  std::uint32_t era_ = 0;  // One more each time that it opens or closes.
  int in_a_row_ = 0;
  WindowCounter failures_;
  WindowCounter::Half counted_from_ = std::numeric_limits<WindowCounter::Half>::min();
  bool open_ = false;  // Or half open, once open_until_ has passed.
  SteadyTime open_until_{};
  int times_opened_ = 0;  // Since it was last closed.
  int probing_ = 0;
  int probes_passed_ = 0;
};

}  // namespace podium::gateway
