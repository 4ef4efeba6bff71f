#include "routing/serve_chain.h"

#include <algorithm>

namespace podium::routing {
namespace {

void Append(ServeChain& chain, VersionIndex version, ServeReason reason) {
  const bool there = std::any_of(chain.begin(), chain.end(),
                                 [&](const ServeStep& step) { return step.version == version; });
  if (version == kNoVersion || there) return;
  chain.steps[static_cast<std::size_t>(chain.size++)] = {version, reason};
}

}  // namespace

std::string_view NameOf(ServeReason reason) {
  switch (reason) {
    case ServeReason::kAssigned:
      return "assigned";
    case ServeReason::kPrimaryFallback:
      return "primary_fallback";
    case ServeReason::kPreviousPrimary:
      return "previous_primary";
    case ServeReason::kChallenger:
      return "challenger";
  }
  return "assigned";
}

ServeChain ChainOf(const Decision& decision) {
  ServeChain chain;
  Append(chain, decision.version, ServeReason::kAssigned);
  // Whoever names a version asks about that version: another one's answer would mislead.
  if (decision.reason == Reason::kOverride || decision.route == nullptr) return chain;
  Append(chain, decision.route->primary, ServeReason::kPrimaryFallback);
  Append(chain, decision.route->previous_primary, ServeReason::kPreviousPrimary);
  return chain;
}

}  // namespace podium::routing
