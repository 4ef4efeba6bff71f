// Champion-challenger as one classical call sees it: drawn, asked, waited for, settled, recorded.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "gateway/challenger_run.h"
#include "gateway/gateway_core.h"
#include "gateway/inference_lanes.h"
#include "gateway/routed_call.h"

namespace podium::gateway {

/// The draw of one call, in [0, 1): of its unit if the route says so, else from the dice.
double DrawFor(const view::RouteChallenger& challenger, const RoutedCall& call, Rng& rng);

/// Threads: its core's. A call that ends without End has withdrawn.
class ChallengerCall {
 public:
  ChallengerCall() = default;
  ~ChallengerCall();
  ChallengerCall(const ChallengerCall&) = delete;
  ChallengerCall& operator=(const ChallengerCall&) = delete;

  /// Asks the challenger on the pool, which the core outlives. REQUIRES: once; the route has one
  /// that is tested.
  void Begin(const GatewayCore& core, const RoutedCall& call,
             std::shared_ptr<const CallInputs> inputs, InferenceLanes& lanes);
  bool begun() const { return run_ != nullptr; }
  /// Whether its answer is to be given: who answers waits for it.
  bool taken() const { return taken_; }
  Task<void> Await(const Clock& clock);
  /// Whose answer is given, from what is known by now. Once.
  ChallengerChoice Settle() { return run_->Settle(taken_); }
  /// REQUIRES: Settle said kChallenger.
  const std::vector<Tensor>& outputs() const { return run_->outputs(); }
  std::chrono::nanoseconds took() const { return run_->took(); }
  /// Of a call that came at `received`, as far as the challenger is the cause of it: what was done
  /// before it was asked, and its own time.
  std::chrono::nanoseconds latency(SteadyTime received) const {
    return begun_ - received + run_->took();
  }
  /// How the champion has ended, once: null when it failed.
  void End(const std::vector<Tensor>* champion, std::optional<std::chrono::nanoseconds> time);
  /// The same of one that was not asked, though the challenger answers.
  void PassOverChampion();
  /// The call says nothing about either, unless it has ended.
  void Withdraw();

 private:
  std::shared_ptr<ChallengerRun> run_;
  SteadyTime begun_{};
  bool taken_ = false;
  bool ended_ = false;
};

}  // namespace podium::gateway
