#include "gateway/challenger_call.h"

#include <utility>

namespace podium::gateway {

double DrawFor(const view::RouteChallenger& challenger, const RoutedCall& call, Rng& rng) {
  if (challenger.sticky) return view::ChallengerDraw(*call.route()->route, call.unit().value);
  constexpr double kTwoToThe53 = 9007199254740992.0;
  return static_cast<double>(rng.Next64() >> 11U) / kTwoToThe53;
}

ChallengerCall::~ChallengerCall() { Withdraw(); }

void ChallengerCall::Begin(const GatewayCore& core, const RoutedCall& call,
                           std::shared_ptr<const CallInputs> inputs, InferenceLanes& lanes) {
  const view::RouteChallenger& challenger = *call.route()->challenger;
  const double u = DrawFor(challenger, call, core.shared.rng);
  taken_ = TakesChallenger(u, challenger.weight);
  ChallengerRun::Parts parts;
  parts.inputs = std::move(inputs);
  if (challenger.version != routing::kNoVersion) {
    parts.model = call.ServingOf(challenger.version).model;
  }
  parts.tally = challenger.tally;
  parts.tolerance = challenger.tolerance;
  parts.deadline = challenger.deadline;
  parts.begun = begun_ = core.shared.clock.SteadyNow();
  parts.answer_limit = core.shared.options.shadow_answer_bytes;
  parts.record.champion.version = call.At(call.route()->route->primary).model_id.get();
  parts.record.challenger.version = challenger.tally->pairs.version().get();
  parts.record.u = u;
  parts.record.weight = challenger.weight.value() / static_cast<double>(BasisPoints::kWhole);
  challenger.tally->pairs.CountCall(core.index, true);
  const void* model = parts.model.get();
  run_ = std::make_shared<ChallengerRun>(std::move(parts));
  if (LoggedCall* log = call.logged()) log->SetChallenged(core, run_);
  if (model == nullptr) return run_->GiveUp();
  const Status asked =
      lanes.Submit(model, [run = run_, &core] { run->Run(core.shared.clock, core.ending); });
  if (!asked) run_->GiveUp();
}

Task<void> ChallengerCall::Await(const Clock& clock) {
  auto wait = run_->Await(clock);
  co_await std::move(wait);
}

void ChallengerCall::Withdraw() {
  if (run_ == nullptr || ended_) return;
  ended_ = true;
  run_->Withdraw();
}

void ChallengerCall::End(const std::vector<Tensor>* champion,
                         std::optional<std::chrono::nanoseconds> time) {
  ended_ = true;
  run_->EndChampion(champion, time);
}

void ChallengerCall::PassOverChampion() {
  ended_ = true;
  run_->PassOverChampion();
}

}  // namespace podium::gateway
