#include "gateway/llm_copies.h"

#include <utility>

#include "base/limits.h"
#include "gateway/shadow_copies.h"
#include "net/handler.h"

namespace podium::gateway {

void LlmPair::EndChampion(ChampionEnd end, std::optional<std::chrono::nanoseconds> time) {
  champion_ = end;
  champion_time_ = time;
  if (challenger_ended_) Meet();
}

void LlmPair::EndChallenger(bool failed, std::optional<std::chrono::nanoseconds> time) {
  challenger_ended_ = true;
  challenger_failed_ = failed;
  challenger_time_ = time;
  if (champion_) Meet();
}

void LlmPair::Meet() {
  if (*champion_ == ChampionEnd::kWithdrawn) return;
  view::ShadowPairOutcome outcome;
  outcome.champion_failed = *champion_ == ChampionEnd::kFailed;
  outcome.challenger_failed = challenger_failed_;
  if (!outcome.champion_failed && !challenger_failed_) {
    outcome.champion_time = champion_time_;
    outcome.challenger_time = challenger_time_;
  }
  tally->CountPair(outcome);
}

std::unique_ptr<LlmCopy> CopyFor(const GatewayCore& core, const RoutedCall& call,
                                 routing::VersionIndex version, llm::Surface surface,
                                 std::string_view body) {
  const ModelVersion& row = call.At(version);
  auto copy = std::make_unique<LlmCopy>();
  copy->surface = surface;
  copy->body.reserve(body.size() + net::kBodyPadding);
  copy->body = body;
  copy->body.append(net::kBodyPadding, '\0');
  copy->size = body.size();
  copy->provider = core.llm->shared.providers.IndexOf(row.provider_key);
  copy->upstream_model = row.upstream_model;
  copy->model = row.catalogue_id.empty() ? row.upstream_model : row.catalogue_id;
  copy->version = row.model_id.get();
  copy->route = call.route_name();
  copy->request_id = call.request_id();
  return copy;
}

void LlmCopies::Make(GatewayCore& core, const RoutedCall& call, llm::Surface surface,
                     std::string_view body) {
  const view::RouteShadows& shadows = *call.route()->shadows;
  const bool sampled = view::InShadowSample(*call.route()->route, shadows.rate, call.unit().value);
  for (const view::ShadowTarget& target : shadows.targets) {
    if (!call.ServingOf(target.version).remote) continue;  // Of this process: it reads tensors.
    target.tally->CountCall(core.index, sampled);
    if (!sampled) continue;
    if (body.size() > limits::kMaxShadowBodyBytes) {
      target.tally->CountShed(view::ShadowShed::kSize);
      continue;
    }
    if (core.shadow_calls >= limits::kShadowCalls) {
      target.tally->CountShed(view::ShadowShed::kFull);
      continue;
    }
    auto pair = std::make_shared<LlmPair>(target.tally);
    pairs_.push_back(pair);
    std::unique_ptr<LlmCopy> copy = CopyFor(core, call, target.version, surface, body);
    copy->tally = target.tally;
    copy->daily_cap = shadows.daily_cap;
    copy->budget = shadows.budget;
    copy->ended = [pair = std::move(pair)](const CopyEnd& end) {
      if (end.sent && !end.cancelled) pair->EndChallenger(end.error.has_value(), end.time);
    };
    ++core.shadow_calls;
    core.shared.spawn(core.index, CarryCopy(core, std::move(copy)));
  }
}

void LlmCopies::End(ChampionEnd end, std::optional<std::chrono::nanoseconds> time) {
  for (const std::shared_ptr<LlmPair>& pair : pairs_) pair->EndChampion(end, time);
  pairs_.clear();
}

}  // namespace podium::gateway
