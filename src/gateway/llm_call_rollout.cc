// The rollout of a call's route, as a call to a language model sees it (rollout_part.h).
#include "gateway/llm_call.h"

namespace podium::gateway {

using routing::VersionIndex;

// Before anybody is asked: what comes of the request is an outcome of the version that it was
// assigned to, whoever answers.
void LlmCall::EnterRollout() {
  if (!call_.assigned()) return;
  const view::RolloutTicket ticket =
      call_.EnterRollout([this](VersionIndex version) { return IsAble(version); });
  if (ticket) rollout_ = RolloutPart(call_.route()->tally, ticket, fields_.stream);
}

/// Whether a version would be asked now. One whose breaker is being probed would not by most.
bool LlmCall::IsAble(VersionIndex version) const {
  if (!call_.ServingOf(version).remote) return false;
  const ModelVersion& row = call_.At(version);
  const std::size_t provider = llm_.shared.providers.IndexOf(row.provider_key);
  const BoardedBreaker& breaker = llm_.breakers.Of(core_.index, provider, row.upstream_model);
  if (breaker.state(core_.shared.clock.SteadyNow()) != BreakerState::kClosed) return false;
  return ArmsSpeakAlike() || HasWordsFor(llm_.shared.providers.At(provider), row);
}

/// What one arm cannot be asked, the other cannot either: then it is the caller's mistake.
bool LlmCall::ArmsSpeakAlike() const {
  const routing::CompiledRoute& route = *call_.route()->route;
  for (const VersionIndex arm : {route.primary, route.canary}) {
    // No call counts.
    if (arm == routing::kNoVersion || !call_.ServingOf(arm).remote) return true;
  }
  const auto provider = [&](VersionIndex arm) -> const Provider& {
    const ProviderTable& table = llm_.shared.providers;
    return table.At(table.IndexOf(call_.At(arm).provider_key));
  };
  return SpeakAlike(provider(route.primary), provider(route.canary));
}

bool LlmCall::HasWordsFor(const Provider& provider, const ModelVersion& version) const {
  return llm_.AdapterOf(provider)
      .Encode(surface_, fields_, body_, version.upstream_model, provider.options)
      .has_value();
}

}  // namespace podium::gateway
