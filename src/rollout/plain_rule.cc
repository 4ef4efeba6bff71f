#include "rollout/plain_rule.h"

#include <algorithm>

namespace podium::rollout {

double SuccessRate(std::uint64_t successes, std::uint64_t total) {
  return total == 0 ? 0 : static_cast<double>(successes) / static_cast<double>(total);
}

std::optional<double> NextShare(const PlainStep& step) {
  if (!(step.rate >= step.threshold && step.share < step.most)) return std::nullopt;
  return std::min(step.share + step.step, step.most);
}

}  // namespace podium::rollout
