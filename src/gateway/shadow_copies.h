// The copies of one classical call: made when its inputs are known, told how it ended.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <vector>

#include "domain/tensor.h"
#include "gateway/call_codec.h"
#include "gateway/gateway_core.h"
#include "gateway/routed_call.h"
#include "gateway/shadow_lane.h"

namespace podium::gateway {

/// Whether a call tells something about the primary: it was assigned to it, by no override, and it
/// answers. Pure.
bool IsPrimarysOwn(const view::RouteView& route, const routing::Decision& decision,
                   const Serving& serving);

/// INV-9: nothing here waits, fails, or changes what the caller gets.
/// Threads: its core's. A call that ends without an End has withdrawn.
class ShadowCopies {
 public:
  ShadowCopies() = default;
  ~ShadowCopies() { End(ChampionEnd::kWithdrawn, {}, std::nullopt); }
  ShadowCopies(const ShadowCopies&) = delete;
  ShadowCopies& operator=(const ShadowCopies&) = delete;

  /// Counts the call for the route's shadows, and gives each of them a copy if it is in the sample.
  /// `inputs` are shared then: null when nobody got one, and the call keeps them.
  /// REQUIRES: once; the route has shadows, the core a lane.
  std::shared_ptr<const CallInputs> Make(GatewayCore& core, const RoutedCall& call,
                                         CallInputs& inputs);
  /// How the call ended, once: later ends are not heard.
  void End(ChampionEnd end, std::vector<Tensor> outputs,
           std::optional<std::chrono::nanoseconds> time);

 private:
  ShadowLane* lane_ = nullptr;
  std::size_t answer_limit_ = 0;
  std::vector<std::shared_ptr<ShadowPair>> pairs_;
};

}  // namespace podium::gateway
