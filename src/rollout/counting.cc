#include "rollout/counting.h"

namespace podium::rollout {

std::optional<Counted> Count(const Assignment& assignment, const Outcome& outcome,
                             const LatencyThresholds& thresholds) {
  if (assignment.origin != Origin::kRandomised) return std::nullopt;
  Counted counted{.step = assignment.step, .canary = assignment.canary};
  counted.error = outcome.failed || outcome.timed_out;
  for (std::size_t i = 0; i < counted.slow.size(); ++i) {
    counted.slow[i] = counted.error || outcome.latency_ms > thresholds.exceeds[i];
  }
  return counted;
}

}  // namespace podium::rollout
