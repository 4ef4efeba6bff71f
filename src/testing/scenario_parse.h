// Reads the language of tests/scenarios/README.md. Pure: text in, statements out.
#pragma once

#include <string_view>

#include "base/result.h"
#include "testing/scenario.h"

namespace podium::testing::scenario {

inline constexpr std::size_t kMaxLines = 1000;
inline constexpr int kMaxCrowd = 100'000;
inline constexpr std::chrono::hours kMaxPass{24 * 366};

/// kInvalidArgument with "file:line:column" as `where`; the first mistake is told.
Result<Scenario> ParseScenario(std::string_view file, std::string_view text);

/// "5s", "250ms", "1h": the longest unit that is whole.
std::string FormatPass(std::chrono::milliseconds time);

}  // namespace podium::testing::scenario
