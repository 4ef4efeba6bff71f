// What to do after an export, from what the collector said. Pure.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

namespace podium::telemetry {

enum class ExportVerdict : std::uint8_t {
  kTaken,
  kAgain,    ///< It may be taken later: 429, 502, 503, 504, or no answer at all.
  kRefused,  ///< It never will be.
};
/// Of an answer's HTTP status.
ExportVerdict VerdictOf(int status);

/// Of one request, the first included.
inline constexpr int kMaxExportTries = 5;
inline constexpr std::chrono::milliseconds kFirstExportPause{1000};
inline constexpr std::chrono::milliseconds kMaxExportPause{30'000};

/// Before the next try, after `tries` that came to nothing; nullopt: give up. Doubled each time,
/// with jitter from `chance`; a Retry-After in seconds holds instead, and one beyond
/// kMaxExportPause ends it: what is measured meanwhile needs the room.
std::optional<std::chrono::milliseconds> ExportPause(int tries,
                                                     std::optional<std::string_view> retry_after,
                                                     std::uint64_t chance);

}  // namespace podium::telemetry
