// Values as people write them in settings: "30s", "8MiB", "2".
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace podium::app {

/// A whole number with a unit: us, ms, s, m, h. A bare number is an error that proposes seconds;
/// "0" needs no unit.
Result<std::chrono::microseconds> ParseDuration(std::string_view text);
/// In the largest unit that leaves a whole number: 90s, 2m.
std::string FormatDuration(std::chrono::microseconds duration);

/// A whole number of bytes, or with a unit: B, KiB, MiB, GiB. "8MB" is an error that proposes
/// "8MiB": two readings of one text are one too many.
Result<std::uint64_t> ParseSize(std::string_view text);
std::string FormatSize(std::uint64_t bytes);

Result<std::int64_t> ParseWhole(std::string_view text);

}  // namespace podium::app
