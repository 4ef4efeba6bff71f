#include "rollout/absolute_rate.h"

#include <array>
#include <cmath>

#include "base/assert.h"
#include "rollout/log_space.h"

namespace podium::rollout {

double LogAbsoluteE(const AbsoluteCounts& counts) {
  PODIUM_ASSERT(counts.limit > 0 && counts.limit < 1 && counts.bad <= counts.units);
  const auto bad = static_cast<double>(counts.bad);
  const auto good = static_cast<double>(counts.units - counts.bad);
  std::array<double, 8> logs{};
  for (std::size_t j = 0; j < logs.size(); ++j) {
    const double octaves = -0.5 * static_cast<double>(j + 1);
    const double p = counts.limit * std::exp2(octaves);
    logs[j] = bad * octaves * std::log(2.0) + good * (std::log1p(-p) - std::log1p(-counts.limit));
  }
  return LogMeanExp(logs);
}

double LogPromotionE(std::span<const LabelCounts> steps, double margin,
                     const std::optional<AbsoluteCounts>& absolute) {
  const double relative = LogNonInferiorityE(steps, margin);
  if (!absolute) return relative;
  return LogAddExp(relative, LogAbsoluteE(*absolute)) - std::log(2.0);
}

}  // namespace podium::rollout
