// When an import asks again that was answered badly. Pure.
#pragma once

#include <chrono>
#include <optional>
#include <string_view>

namespace podium::app {

inline constexpr int kImportTries = 5;  ///< Of one call, the first included.
inline constexpr std::chrono::milliseconds kFirstImportPause{500};
/// A server that asks for a longer pause than this is left alone.
inline constexpr std::chrono::milliseconds kMostImportPause{60'000};

/// Whether the same call may be answered better later, by an HTTP status: as MLflow's clients do.
bool IsPassing(int status);

/// Before the next try, after `tries` that came to nothing; nullopt: give up. Doubled each time; a
/// `retry_after` in whole seconds holds instead (a date says nothing: two clocks may differ).
std::optional<std::chrono::milliseconds> ImportPause(int tries, std::string_view retry_after);

}  // namespace podium::app
