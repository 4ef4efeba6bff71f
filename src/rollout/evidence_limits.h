// The limits of what one rollout may be judged by; base/limits.h has all others.
#pragma once

#include <cstddef>

namespace podium::limits {

inline constexpr std::size_t kMaxRolloutSteps = 1024;  ///< Steps of a ramp, or epochs of all steps.
inline constexpr std::size_t kMaxRolloutMetrics = 32;
inline constexpr std::size_t kMaxMetricSeries = 8;

}  // namespace podium::limits
