#include "rollout/absolute_rate.h"

#include <array>
#include <cmath>

#include "base/assert.h"
#include "rollout/log_space.h"

namespace podium::rollout {
namespace {

// The likelihood of the counts at each of eight rates against that at the limit, averaged.
template <class RateAt>
double LogMixtureE(const AbsoluteCounts& counts, const RateAt& rate_at) {
  PODIUM_ASSERT(counts.limit > 0 && counts.limit < 1 && counts.bad <= counts.units);
  const auto bad = static_cast<double>(counts.bad);
  const auto good = static_cast<double>(counts.units - counts.bad);
  std::array<double, 8> logs{};
  for (std::size_t j = 0; j < logs.size(); ++j) {
    const double p = rate_at(0.5 * static_cast<double>(j + 1));
    logs[j] = bad * (std::log(p) - std::log(counts.limit)) +
              good * (std::log1p(-p) - std::log1p(-counts.limit));
  }
  return LogMeanExp(logs);
}

}  // namespace

double LogAbsoluteE(const AbsoluteCounts& counts) {
  return LogMixtureE(counts, [&](double octaves) { return counts.limit * std::exp2(-octaves); });
}

double LogAboveE(const AbsoluteCounts& counts) {
  const double odds = counts.limit / (1 - counts.limit);
  return LogMixtureE(counts, [&](double octaves) {
    return odds * std::exp2(octaves) / (1 + odds * std::exp2(octaves));
  });
}

double LogPromotionE(std::span<const LabelCounts> steps, double margin,
                     const std::optional<AbsoluteCounts>& absolute) {
  const double relative = LogNonInferiorityE(steps, margin);
  if (!absolute) return relative;
  return LogAddExp(relative, LogAbsoluteE(*absolute)) - std::log(2.0);
}

}  // namespace podium::rollout
