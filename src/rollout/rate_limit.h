// A guard's limit, as people write it, compiled into the rate ratio that the tests take.
//
// statistics_sticky.md, "Guards and retries". Compiled once, at the start of a step or epoch, from
// the primary's rate before it: known before the data that it judges. Pure.
#pragma once

#include <cstdint>
#include <optional>

#include "base/result.h"

namespace podium::rollout {

inline constexpr double kDefaultNullRatio = 1.1;
inline constexpr double kLeastNullRatio = 1;
inline constexpr double kMostNullRatio = 8;

/// "At most 10 % more", "at most 0.5 points more"; with both, the smaller; with none, the default.
struct RateLimit {
  std::optional<double> percent{};  ///< Of the primary's rate. 10 tolerates 1.1 times as many.
  std::optional<double> points{};   ///< Percentage points above the primary's rate.
};

/// What is stored with the step, so that anybody can compute it again.
struct CompiledLimit {
  std::uint64_t bad = 0;  ///< The primary's, before the step.
  std::uint64_t n = 0;
  double rate = 0;  ///< (bad + 1/2)/(n + 1)
  double null_ratio = kDefaultNullRatio;
};

/// kInvalidArgument for a limit below 0, one that is not finite, or bad > n.
Result<CompiledLimit> Compile(const RateLimit& limit, std::uint64_t bad, std::uint64_t n);

}  // namespace podium::rollout
