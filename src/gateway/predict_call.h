// One prediction, step by step: pin, identify, choose, read, run, record, answer.
//
// Every protocol goes through here and differs only in its codec. The steps are plain functions;
// the handler carries them between the core and the pool.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "gateway/call_codec.h"
#include "gateway/challenger_call.h"
#include "gateway/gateway_core.h"
#include "gateway/routed_call.h"
#include "gateway/shadow_copies.h"
#include "net/handler.h"
#include "view/core_view.h"

namespace podium::gateway {

/// Pure. An override is never answered by another version.
Serving FirstReady(const view::RouteView& route, const routing::Decision& decision);

/// State and reason, in a few words. The reason of a failed load names files of this server: that
/// is not for strangers.
std::string WhyNotReady(const view::VersionServing& serving, bool for_admin);

/// Threads: on one core, but for Run, which any thread may call once Prepare has succeeded.
class PredictCall {
 public:
  /// Pins the view: what follows sees this table and no other (invariant 3).
  /// Core, exchange, codec and passage outlive the call. REQUIRES: the passage was entered.
  PredictCall(GatewayCore& core, net::Exchange& exchange, CallCodec& codec, CallTarget target,
              Passage& passage);

  /// Everything up to the model: ids, admission, Choose, readiness, tensors.
  Status Prepare(std::string_view body);
  /// Gives the route's shadows their copies. Once, when it is settled where the model runs.
  void CopyToShadows();
  /// Whether a challenger is asked beside the primary: then nothing is answered at once.
  bool is_challenged() const;
  /// Asks the route's challenger beside the primary, if it has one. Once, as above.
  void AskChallenger(InferenceLanes& lanes);
  /// Whether the challenger's answer is the one to give: then it is waited for.
  bool awaits_challenger() const { return challenger_.begun() && challenger_.taken(); }
  /// REQUIRES: the primary has ended.
  Task<void> AwaitChallenger();
  /// Whether the model is quick enough for this many rows to run on the I/O core; while a rollout
  /// compares two, whether both are.
  bool runs_inline() const;
  /// After Prepare, once it is certain who runs the model and before that: it counts from here on.
  void Enter();
  const LoadedModel* model() const { return serving_here().model.get(); }
  Result<std::vector<Tensor>> Run() const;
  /// Writes the answer and records it: the one place where an outcome is counted. `outputs`: of
  /// Run, or why it was not called.
  void Answer(Result<std::vector<Tensor>> outputs, net::Response& response);
  /// The answer when Prepare failed, or the body could not be read.
  void Refuse(const Error& error, net::Response& response);

 private:
  const ModelVersion& served() const { return call_.At(serving_.version); }
  const CallInputs& inputs() const { return shared_inputs_ ? *shared_inputs_ : inputs_; }
  const view::VersionServing& serving_here() const { return call_.ServingOf(serving_.version); }
  void ShareInputs();
  Status Place(std::string_view body);
  Status CheckServable() const;
  bool IsQuick(const view::VersionServing& serving) const;
  void Record(const Result<std::vector<Tensor>>& outputs);
  void RecordRollout(view::Outcome outcome);
  void ObserveRowTime();
  bool TakesChallengers();
  void EndChallenge(const Result<std::vector<Tensor>>& champion, bool theirs);
  void EndCopies(Result<std::vector<Tensor>> champion);
  void GiveChallengers(net::Response& response);
  void RefuseFailed(const Error& error, net::Response& response);
  std::chrono::nanoseconds PrimarysLatency() const;
  void Give(const std::vector<Tensor>& outputs, net::Response& response);
  void AddHeaders(net::Response& response) const;

  GatewayCore& core_;
  net::Exchange& exchange_;
  CallCodec& codec_;
  RoutedCall call_;
  Serving serving_;
  CallInputs inputs_;  // Empty when they are shared.
  std::shared_ptr<const CallInputs> shared_inputs_;
  ShadowCopies copies_;
  ChallengerCall challenger_;
  std::optional<SteadyTime> champion_ended_;  // Set when a challenger is waited for.
  view::RolloutTicket ticket_;                // Until its outcome is recorded.
  mutable bool asked_ = false;                // The model was, whatever it said.
  /// Unset: the model did not run.
  mutable std::optional<std::chrono::nanoseconds> model_time_;
  std::optional<std::chrono::nanoseconds> answer_time_;  // Of whichever model's answer is given.
};

}  // namespace podium::gateway
