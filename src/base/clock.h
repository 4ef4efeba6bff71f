// Time enters Podium here and nowhere else, so that tests run in virtual time.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace podium {

/// Microseconds since 1970, UTC. What is stored and shown; comparable between replicas.
using WallTime = std::chrono::time_point<std::chrono::system_clock, std::chrono::microseconds>;
/// For durations and deadlines within this process; never stored, never sent.
using SteadyTime = std::chrono::time_point<std::chrono::steady_clock, std::chrono::nanoseconds>;

/// As it is stored, and back.
inline std::int64_t MicrosOf(WallTime time) { return time.time_since_epoch().count(); }
inline WallTime WallTimeOf(std::int64_t micros) { return WallTime(WallTime::duration(micros)); }

/// As figures are shown: 1.5 for 1,500 ms.
inline double SecondsOf(std::chrono::nanoseconds duration) {
  return std::chrono::duration<double>(duration).count();
}

/// Threads: all methods may be called from any thread.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual WallTime Now() const = 0;
  virtual SteadyTime SteadyNow() const = 0;
};

/// The operating system's clocks. The only place that reads them.
class SystemClock final : public Clock {
 public:
  WallTime Now() const override;
  SteadyTime SteadyNow() const override;
};

/// "2026-03-09T14:31:07.123456Z" (RFC 3339, always six digits, always UTC).
std::string FormatUtc(WallTime time);
/// The same, and what people type of it: without the fraction, or without the seconds too.
/// UTC only, nullopt for anything else.
std::optional<WallTime> ParseUtc(std::string_view text);

}  // namespace podium
