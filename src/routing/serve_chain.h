// What is served when the assigned version cannot be: the chain of a classical route, as data.
//
// canary (or arm, or primary) -> primary -> warm previous primary -> nothing. An override is never
// answered by another version.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "routing/choose.h"

namespace podium::routing {

enum class ServeReason : std::uint8_t {
  kAssigned,         ///< The assigned version serves.
  kPrimaryFallback,  ///< The assigned one is not ready: its units go to the primary.
  kPreviousPrimary,  ///< Nor is the primary: the one before it, still warm.
  kChallenger,       ///< Both were asked, and the challenger's answer was drawn (D4).
};
std::string_view NameOf(ServeReason reason);

struct ServeStep {
  VersionIndex version = kNoVersion;
  ServeReason reason = ServeReason::kAssigned;
};

/// At most three steps, in the order to try them, without repetition.
struct ServeChain {
  std::array<ServeStep, 3> steps;
  int size = 0;

  const ServeStep* begin() const { return steps.data(); }
  const ServeStep* end() const { return steps.data() + size; }
};

/// Pure; no allocation.
ServeChain ChainOf(const Decision& decision);

}  // namespace podium::routing
