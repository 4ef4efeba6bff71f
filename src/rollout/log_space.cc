#include "rollout/log_space.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/assert.h"

namespace podium::rollout {

double LogSumExp(std::span<const double> logs) {
  double most = -std::numeric_limits<double>::infinity();
  for (const double each : logs) most = std::max(most, each);
  if (!std::isfinite(most)) return most;
  double sum = 0;
  for (const double each : logs) sum += std::exp(each - most);
  return most + std::log(sum);
}

double LogMeanExp(std::span<const double> logs) {
  PODIUM_ASSERT(!logs.empty());
  return LogSumExp(logs) - std::log(static_cast<double>(logs.size()));
}

double LogAddExp(double a, double b) {
  const double both[] = {a, b};
  return LogSumExp(both);
}

long double LogGamma(long double x) {
  PODIUM_ASSERT(x > 0);
  int sign = 0;
  return ::lgammal_r(x, &sign);
}

}  // namespace podium::rollout
