// The quantiles of the primary's latency that a candidate is judged above.
#pragma once

#include <array>

#include "rollout/label_likelihood.h"

namespace podium::rollout {

struct LatencyQuantile {
  const char* name;
  double nominal_rate;  ///< How often it is exceeded by definition.
  RatioGrid grid;
};
inline constexpr std::array<LatencyQuantile, 3> kLatencyQuantiles = {
    {{"p50", 0.5, kP50Grid}, {"p90", 0.1, kP90Grid}, {"p99", 0.01, kP99Grid}}};

}  // namespace podium::rollout
