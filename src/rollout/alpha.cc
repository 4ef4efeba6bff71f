#include "rollout/alpha.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <numbers>

#include "base/assert.h"

namespace podium::rollout {

double AlphaOf(Profile profile) { return profile == Profile::kStrict ? 0.01 : 0.05; }

double AttemptAlpha(double alpha, int attempt) {
  PODIUM_ASSERT(attempt >= 1);
  const double k = attempt;
  return alpha * 6 / (std::numbers::pi * std::numbers::pi * k * k);
}

double EpochWeight(int epoch, int declared) {
  PODIUM_ASSERT(epoch >= 1 && declared >= 0);
  if (declared > 0) return epoch <= declared ? 1.0 / declared : 0;
  const double k = epoch;
  return 1 / (k * (k + 1));
}

int EpochsOfHold(double planned_hours) {
  constexpr int kEpochs = 8;
  constexpr double kMost = 10'000;  // More than a year of hours: nobody plans a longer hold.
  return std::max(kEpochs, static_cast<int>(std::ceil(std::clamp(planned_hours, 0.0, kMost))));
}

double LogThreshold(double alpha, double weight) {
  PODIUM_ASSERT(alpha > 0 && alpha < 1 && weight >= 0 && weight <= 1);
  if (weight <= 0) return std::numeric_limits<double>::infinity();
  return -std::log(weight * alpha);
}

std::vector<std::size_t> Discoveries(std::span<const double> log_e, double alpha) {
  std::vector<double> sorted(log_e.begin(), log_e.end());
  std::sort(sorted.begin(), sorted.end(), std::greater<>());
  double least = std::numeric_limits<double>::infinity();
  for (std::size_t k = 1; k <= sorted.size(); ++k) {
    const double share = static_cast<double>(k) / static_cast<double>(sorted.size());
    if (sorted[k - 1] >= LogThreshold(alpha, share)) least = sorted[k - 1];
  }
  std::vector<std::size_t> found;
  for (std::size_t i = 0; i < log_e.size(); ++i) {
    if (log_e[i] >= least) found.push_back(i);
  }
  return found;
}

}  // namespace podium::rollout
