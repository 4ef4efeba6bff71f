#include "domain/cost_event.h"

#include <algorithm>
#include <initializer_list>

#include "base/limits.h"

namespace podium {

CostEvent Bounded(CostEvent event) {
  TokenUsage& usage = event.usage;
  for (std::int64_t* count : {&usage.uncached_input, &usage.cache_read, &usage.cache_write_5m,
                              &usage.cache_write_1h, &usage.audio_input, &usage.output_text,
                              &usage.output_reasoning, &usage.images, &usage.calls}) {
    const std::int64_t kept = std::clamp<std::int64_t>(*count, 0, limits::kMaxUsage);
    if (kept != *count) usage.contradictory = true;
    *count = kept;
  }
  if (event.cost && (event.cost->value < 0 || event.cost->value > limits::kMaxAttemptCostNanoUsd)) {
    event.cost.reset();
    usage.contradictory = true;
  }
  return event;
}

}  // namespace podium
