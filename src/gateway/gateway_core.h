// What the gateway keeps per core: nothing here is shared, so nothing here is locked.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "auth/principal.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/rng.h"
#include "base/task.h"
#include "base/worker_pool.h"
#include "gateway/inference_lanes.h"
#include "gateway/llm_core.h"
#include "gateway/oip_codec.h"
#include "gateway/predict_codec.h"
#include "predictions/core_log.h"
#include "telemetry/recorder.h"
#include "view/core_view.h"
#include "view/recent_requests.h"

namespace podium::gateway {

class CallHook;
class ShadowLane;

struct GatewayOptions {
  std::chrono::nanoseconds inline_limit = limits::kInlineInference;
  std::size_t max_body_bytes = limits::kMaxPredictBodyBytes;
  /// Of answers that are kept to be compared with a shadow's.
  std::size_t shadow_answer_bytes = limits::kMaxShadowAnswerBytes;
  InferenceLanes::Options lanes;  ///< How models share the inference pool.
  std::string build = "dev";
  /// What /readyz would say, seen from a core; without it, whether a table has arrived.
  std::function<bool(const view::CoreView&)> is_ready = {};
};

inline constexpr std::size_t kRequestIdLength = 14;
inline constexpr int kRetryAfterSeconds = 1;  ///< Of answers that another moment may change.

/// Shared by all cores; immutable, or of any thread.
struct GatewayShared {
  const auth::Authenticator& authenticator;
  const Clock& clock;
  Rng& rng;
  WorkerPool& inference;  ///< Where work above the inline limit goes.
  view::RecentRequests& recent;
  GatewayOptions options;
  std::optional<LlmShared> llm = {};  ///< Without it no language model is served.
  /// What every call passes, in this order (call_hook.h).
  std::vector<CallHook*> hooks = {};
  /// By core; empty: nobody wants any.
  std::vector<telemetry::Recorder*> telemetry = {};
  /// Where copies of calls go; null: no model of this process gets any. Outlives the gateway.
  ShadowLane* shadows = nullptr;
  /// Begins a task beside the calls of that core, on which it is called; it ends with the server.
  /// Empty: no provider gets copies, and no record waits for a challenger that runs on.
  std::function<void(std::size_t core, Task<void> task)> spawn = {};
  /// By core; empty: no route is logged.
  std::vector<predictions::CoreLog*> predictions = {};
};

/// Threads: that core's, but for the counters, which a scrape reads.
struct GatewayCore {
  /// `breakers`: of all cores; null without language models.
  GatewayCore(const GatewayShared& shared_in, view::ViewCell& cell_in, std::size_t index_in,
              BreakerBoard* breakers)
      : shared(shared_in), cell(cell_in), index(index_in) {
    if (shared.llm) llm.emplace(*shared.llm, index, *breakers);
    if (!shared.telemetry.empty()) telemetry = shared.telemetry.at(index);
    if (!shared.predictions.empty()) predictions = shared.predictions.at(index);
  }

  /// A call ended in that error.
  void CountRejected(ErrorCode code) {  // One writer.
    auto& counter = rejected[static_cast<std::size_t>(code)];
    counter.store(counter.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  }

  const GatewayShared& shared;
  view::ViewCell& cell;
  const std::size_t index;
  std::atomic<bool> ending{false};  ///< No model is asked any more.
  PredictDecoder rows;              ///< Of /predict.
  OipWorkspace oip;
  std::optional<LlmCore> llm;
  telemetry::Recorder* telemetry = nullptr;  ///< Null: nobody wants any.
  std::size_t shadow_calls = 0;              ///< Copies at providers, at most limits::kShadowCalls.
  std::size_t challenger_calls = 0;          ///< The same, at most kMaxChallengerCalls.
  predictions::CoreLog* predictions = nullptr;  ///< Null: no route is logged.
  /// Calls that ended in an error, by code. One writer.
  std::array<std::atomic<std::uint64_t>, kErrorCodeCount> rejected{};
};

}  // namespace podium::gateway
