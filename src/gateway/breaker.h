// A circuit breaker: who has failed too often is left alone for a while, then tried carefully.
//
// Pure: time is an argument. One for each (provider, upstream model), on each core.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/clock.h"

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
  explicit Breaker(const BreakerPolicy& policy) : policy_(policy) {}

  /// nullopt: no call may be made now. One that may must be followed by one of the three below.
  std::optional<BreakerTicket> Admit(SteadyTime now);
  void Succeeded(const BreakerTicket& ticket, SteadyTime now);
  void Failed(const BreakerTicket& ticket, SteadyTime now);
  /// The call said nothing about the provider's health: the caller left, or was wrong.
  void Withdrawn(const BreakerTicket& ticket);

  BreakerState state(SteadyTime now) const;

 private:
  struct Half {
    int calls = 0;
    int failures = 0;
  };
  void Count(SteadyTime now, bool failed);
  void Roll(SteadyTime now);
  void Open(SteadyTime now);
  void Close();
  bool TooManyFail() const;

  BreakerPolicy policy_;
  std::uint32_t era_ = 0;  // One more each time that it opens or closes.
  int in_a_row_ = 0;
  std::array<Half, 2> halves_{};  // The window as two halves: the one going on, the one before.
  SteadyTime half_begun_{};
  bool open_ = false;  // Or half open, once open_until_ has passed.
  SteadyTime open_until_{};
  int times_opened_ = 0;  // Since it was last closed.
  int probing_ = 0;
  int probes_passed_ = 0;
};

}  // namespace podium::gateway
