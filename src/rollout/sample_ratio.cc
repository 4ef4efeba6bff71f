#include "rollout/sample_ratio.h"

#include <cmath>
#include <limits>

#include "base/assert.h"
#include "rollout/log_space.h"

namespace podium::rollout {

double LogSampleRatioE(std::span<const double> weights, std::span<const std::uint64_t> counts) {
  PODIUM_ASSERT(weights.size() == counts.size());
  const long double prior = kSampleRatioPrior;
  long double n = 0;
  long double log_e = LogGamma(prior);
  for (std::size_t i = 0; i < weights.size(); ++i) {
    if (counts[i] == 0) continue;
    if (weights[i] <= 0) return std::numeric_limits<double>::infinity();
    const long double weight = weights[i];
    const auto x = static_cast<long double>(counts[i]);
    n += x;
    log_e += LogGamma(prior * weight + x) - LogGamma(prior * weight) - x * std::log(weight);
  }
  return static_cast<double>(log_e - LogGamma(prior + n));
}

double LogSampleRatioE(double share, std::uint64_t canary_units, std::uint64_t units) {
  PODIUM_ASSERT(share >= 0 && share <= 1 && canary_units <= units);
  const double weights[] = {share, 1 - share};
  const std::uint64_t counts[] = {canary_units, units - canary_units};
  return LogSampleRatioE(weights, counts);
}

}  // namespace podium::rollout
