// Taking a provider's total apart into disjoint classes. Private to the readers of usage.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>

#include "base/limits.h"

namespace podium::gateway::llm {

/// Reported counts as they come: a negative or absurd one is none, and a contradiction.
class UsageParts {
 public:
  std::int64_t Count(std::optional<std::int64_t> reported) {
    if (!reported) return 0;
    if (*reported >= 0 && *reported <= limits::kMaxReportedTokens) return *reported;
    contradictory_ = true;
    return 0;
  }
  /// Moves `part` out of `rest`; what is not there is a contradiction.
  std::int64_t Take(std::optional<std::int64_t> part, std::int64_t& rest) {
    const std::int64_t wanted = Count(part);
    const std::int64_t taken = std::min(wanted, rest);
    contradictory_ = contradictory_ || taken != wanted;
    rest -= taken;
    return taken;
  }
  void Expect(bool holds) { contradictory_ = contradictory_ || !holds; }
  bool contradictory() const { return contradictory_; }

 private:
  bool contradictory_ = false;
};

}  // namespace podium::gateway::llm
