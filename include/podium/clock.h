// The port through which time enters libpodium: a test passes a clock that it moves by hand.
//
// Most of libpodium only reads it. What works by itself, a CanaryController's stepper, waits
// through it too: so a clock that a test moves drives the stepper from inside that move, with no
// thread.
#pragma once

#include <chrono>
#include <functional>
#include <memory>

#include <podium/error.h>

namespace podium::v1 {

/// Microseconds since 1970, UTC: what the registry stores.
using WallTime = std::chrono::time_point<std::chrono::system_clock, std::chrono::microseconds>;
/// For ages within this process.
using SteadyTime = std::chrono::time_point<std::chrono::steady_clock, std::chrono::nanoseconds>;

/// Calls that a clock makes again and again; letting go of it ends them. Null: the clock makes
/// none.
using Ticker = std::shared_ptr<void>;

/// Threads: all methods may be called from any thread. Now and SteadyNow must not throw.
class [[gnu::visibility("default")]] Clock {
 public:
  virtual ~Clock();
  virtual WallTime Now() const = 0;
  virtual SteadyTime SteadyNow() const = 0;

  /// Calls `call` when `period` (above 0) of SteadyNow has passed, and again a period after it
  /// returned, until it returns false or the ticker is let go of. It does not throw. The caller
  /// keeps the clock as long as the ticker, and does not let go of the ticker inside the call.
  ///
  /// As it stands here it makes one thread, which waits by the operating system's time for what
  /// SteadyNow leaves to wait; letting go waits for a call that is under way. Override it to make
  /// the calls from a timer of your event loop (then a last one may come while the ticker is let go
  /// of), or inside the function by which a test moves the time.
  virtual Ticker CallEvery(std::chrono::nanoseconds period, std::function<bool()> call) const;
};

/// The clocks of the operating system: what is used where no clock is passed.
[[gnu::visibility("default")]] std::shared_ptr<const Clock> SystemClock();

}  // namespace podium::v1
