// The port through which time enters libpodium: a test passes a clock that it moves by hand.
#pragma once

#include <chrono>
#include <memory>

#include <podium/error.h>

namespace podium::v1 {

/// Microseconds since 1970, UTC: what the registry stores.
using WallTime = std::chrono::time_point<std::chrono::system_clock, std::chrono::microseconds>;
/// For ages within this process.
using SteadyTime = std::chrono::time_point<std::chrono::steady_clock, std::chrono::nanoseconds>;

/// Threads: both methods may be called from any thread. They must not throw.
class [[gnu::visibility("default")]] Clock {
 public:
  virtual ~Clock();
  virtual WallTime Now() const = 0;
  virtual SteadyTime SteadyNow() const = 0;
};

/// The clocks of the operating system: what is used where no clock is passed.
[[gnu::visibility("default")]] std::shared_ptr<const Clock> SystemClock();

}  // namespace podium::v1
