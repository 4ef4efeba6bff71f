#include "rollout/rate_limit.h"

#include <algorithm>
#include <cmath>

namespace podium::rollout {
namespace {

Status CheckLimit(const std::optional<double>& limit, const char* unit) {
  if (!limit || (std::isfinite(*limit) && *limit >= 0)) return {};
  return Fail(ErrorCode::kInvalidArgument, "a limit of {} {} cannot be kept: give one of 0 or more",
              *limit, unit);
}

}  // namespace

Result<CompiledLimit> Compile(const RateLimit& limit, std::uint64_t bad, std::uint64_t n) {
  PODIUM_TRY(CheckLimit(limit.percent, "percent"));
  PODIUM_TRY(CheckLimit(limit.points, "percentage points"));
  if (bad > n) {
    return Fail(ErrorCode::kInvalidArgument,
                "{} bad outcomes of {}: count both from the same calls", bad, n);
  }
  CompiledLimit compiled{.bad = bad, .n = n};
  compiled.rate = (static_cast<double>(bad) + 0.5) / (static_cast<double>(n) + 1);
  double ratio = limit.percent || limit.points ? kMostNullRatio : kDefaultNullRatio;
  if (limit.percent) ratio = std::min(ratio, 1 + *limit.percent / 100);
  if (limit.points) ratio = std::min(ratio, (compiled.rate + *limit.points / 100) / compiled.rate);
  compiled.null_ratio = std::clamp(ratio, kLeastNullRatio, kMostNullRatio);
  return compiled;
}

}  // namespace podium::rollout
