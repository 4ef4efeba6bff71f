#include "gateway/shadow_copies.h"

#include <utility>

#include "base/limits.h"
#include "gateway/answer_agreement.h"

namespace podium::gateway {

bool IsPrimarysOwn(const view::RouteView& route, const routing::Decision& decision,
                   const Serving& serving) {
  return decision.reason == routing::Reason::kPrimary && serving.version == route.route->primary &&
         serving.reason == routing::ServeReason::kAssigned;
}

std::shared_ptr<const CallInputs> ShadowCopies::Make(GatewayCore& core, const RoutedCall& call,
                                                     CallInputs& inputs) {
  const view::RouteShadows& shadows = *call.route()->shadows;
  const routing::CompiledRoute& route = *call.route()->route;
  const bool sampled = view::InShadowSample(route, shadows.rate, call.unit().value);
  const bool fits = !sampled || SizeOf(inputs.tensors) <= limits::kMaxShadowInputBytes;
  std::shared_ptr<const CallInputs> shared;
  lane_ = core.shared.shadows;
  answer_limit_ = core.shared.options.shadow_answer_bytes;
  for (const view::ShadowTarget& target : shadows.targets) {
    const ModelHandle& model = call.ServingOf(target.version).model;
    if (model == nullptr) continue;  // Of a provider, which does not read tensors.
    target.tally->CountCall(core.index, sampled);
    if (!sampled) continue;
    if (!fits) {
      target.tally->CountShed(view::ShadowShed::kSize);
      continue;
    }
    if (shared == nullptr) shared = std::make_shared<const CallInputs>(std::exchange(inputs, {}));
    auto pair = std::make_shared<ShadowPair>(
        ShadowPair::Parts{shared, model, target.tally, shadows.tolerance, answer_limit_,
                          core.shared.clock.SteadyNow(), core.index});
    if (lane_->Offer(pair)) pairs_.push_back(std::move(pair));
  }
  return shared;
}

void ShadowCopies::End(ChampionEnd end, std::vector<Tensor> outputs,
                       std::optional<std::chrono::nanoseconds> time) {
  const bool kept = end == ChampionEnd::kAnswered && SizeOf(outputs) <= answer_limit_;
  for (std::size_t i = 0; i < pairs_.size(); ++i) {
    const bool last = i + 1 == pairs_.size();
    std::optional<std::vector<Tensor>> own;
    if (kept) own = last ? std::exchange(outputs, {}) : outputs;
    const bool is_second = pairs_[i]->EndChampion(end, std::move(own), time);
    if (is_second) lane_->Return(std::move(pairs_[i]));
  }
  pairs_.clear();
}

}  // namespace podium::gateway
