#include "gateway/predict_call.h"

#include <algorithm>
#include <utility>

#include "base/limits.h"
#include "base/log.h"
#include "gateway/prediction_scores.h"

namespace podium::gateway {
namespace {

using routing::kNoVersion;

// A model that failed on these rows will fail on them again; what was busy or not ready will not
// stay so.
bool IsWorthRetrying(ErrorCode code) {
  return TraitsOf(code).retryable && code != ErrorCode::kInternal;
}

view::Outcome OutcomeOf(const Result<std::vector<Tensor>>& outputs) {
  if (outputs) return view::Outcome::kOk;
  return outputs.error().code == ErrorCode::kDeadline ? view::Outcome::kTimeout
                                                      : view::Outcome::kError;
}

}  // namespace

std::string WhyNotReady(const view::VersionServing& serving, bool for_admin) {
  if (serving.error.empty() || !for_admin) return std::string(NameOf(serving.state));
  return fmt::format("{}: {}", NameOf(serving.state), serving.error);
}

Serving FirstReady(const view::RouteView& route, const routing::Decision& decision) {
  Serving serving;
  for (const routing::ServeStep& step : routing::ChainOf(decision)) {
    ++serving.attempts;
    if (!route.serving[step.version].ready()) continue;
    serving.version = step.version;
    serving.reason = step.reason;
    return serving;
  }
  return serving;
}

PredictCall::PredictCall(GatewayCore& core, net::Exchange& exchange, CallCodec& codec,
                         CallTarget target, Passage& passage)
    : core_(core),
      exchange_(exchange),
      codec_(codec),
      call_(core, exchange, std::move(target), passage) {}

Status PredictCall::Prepare(std::string_view body) {
  PODIUM_TRY_ASSIGN(const BodyIds ids, codec_.Parse(body));
  PODIUM_TRY(call_.TakeIds(ids));
  PODIUM_TRY(Place(body));
  PODIUM_TRY_ASSIGN(inputs_, codec_.Read(serving_here().model->signature()));
  return {};
}

Status PredictCall::Place(std::string_view body) {
  if (call_.FindRoute() == nullptr) return call_.NoSuchRoute();
  PODIUM_TRY(call_.Admit(body));
  PODIUM_TRY(call_.Assign());
  serving_ = FirstReady(*call_.route(), call_.decision());
  return CheckServable();
}

// Why no version of the chain can answer, if none can.
Status PredictCall::CheckServable() const {
  const routing::VersionIndex assigned = call_.decision().version;
  if (serving_.version != kNoVersion) {
    if (serving_here().model != nullptr) return {};
    return Fail(ErrorCode::kInvalidArgument,
                "route {} is answered by a language model of {}: call /v1/chat/completions with "
                "\"model\": \"{}\"",
                call_.route_name(), served().provider_key, call_.route_name());
  }
  if (assigned == kNoVersion) {
    return Fail(ErrorCode::kUnavailable,
                "route {} has no primary: activate a version (podium version activate ID)",
                call_.route_name());
  }
  const std::string why = WhyNotReady(call_.ServingOf(assigned), call_.for_admin());
  if (call_.is_override()) {
    return Fail(ErrorCode::kConflict, "version {} of route {} is not ready here ({})",
                call_.At(assigned).version, call_.route_name(), why);
  }
  return Fail(ErrorCode::kUnavailable, "route {} has no version that is ready: {} is {}",
              call_.route_name(), call_.At(assigned).version, why);
}

bool PredictCall::IsQuick(const view::VersionServing& serving) const {
  if (!serving.model->may_run_inline()) return false;
  // The warm-up saw zeros; until real rows were measured on this core, the pool takes the risk.
  const std::optional<std::chrono::nanoseconds> seen = serving.stats->TimePerRow(core_.index);
  if (!seen) return false;
  const std::chrono::nanoseconds per_row = std::max(serving.model->time_per_row(), *seen);
  const std::chrono::nanoseconds estimate = per_row * static_cast<std::int64_t>(inputs().rows);
  return estimate <= core_.shared.options.inline_limit;
}

bool PredictCall::runs_inline() const {
  if (!IsQuick(serving_here())) return false;
  // The arms of a rollout are compared by their latency: neither has the shorter way alone.
  const view::RouteView& route = *call_.route();
  if (route.tally == nullptr || route.route->canary_share.value() == 0) return true;
  const auto is_in_nobodys_way = [&](routing::VersionIndex arm) {
    return arm == routing::kNoVersion || route.serving[arm].model == nullptr ||
           IsQuick(route.serving[arm]);
  };
  return is_in_nobodys_way(route.route->primary) && is_in_nobodys_way(route.route->canary);
}

// A version that a provider serves is no arm of a path that asks models in this process.
void PredictCall::Enter() {
  ticket_ = call_.EnterRollout(
      [this](routing::VersionIndex version) { return call_.ServingOf(version).model != nullptr; });
}

void PredictCall::CopyToShadows() {
  if (call_.route()->shadows == nullptr || core_.shared.shadows == nullptr) return;
  if (!IsPrimarysOwn(*call_.route(), call_.decision(), serving_)) return;
  shared_inputs_ = copies_.Make(core_, call_, inputs_);
}

void PredictCall::ShareInputs() {
  if (!shared_inputs_) shared_inputs_ = std::make_shared<const CallInputs>(std::move(inputs_));
}

void PredictCall::AskChallenger(InferenceLanes& lanes) {
  if (!is_challenged()) return;
  ShareInputs();
  challenger_.Begin(core_, call_, shared_inputs_, lanes);
}

bool PredictCall::is_challenged() const {
  return call_.route()->challenger != nullptr &&
         IsPrimarysOwn(*call_.route(), call_.decision(), serving_);
}

Task<void> PredictCall::AwaitChallenger() {
  champion_ended_ = core_.shared.clock.SteadyNow();
  auto wait = challenger_.Await(core_.shared.clock);
  co_await std::move(wait);
}

Result<std::vector<Tensor>> PredictCall::Run() const {
  if (core_.ending.load(std::memory_order_relaxed)) {
    return Fail(ErrorCode::kUnavailable, "the server is stopping: try again");
  }
  asked_ = true;
  const SteadyTime start = core_.shared.clock.SteadyNow();
  Result<std::vector<Tensor>> outputs = serving_here().model->Run(inputs().tensors);
  const bool ran = outputs || outputs.error().code != ErrorCode::kUnavailable;
  if (ran) model_time_ = core_.shared.clock.SteadyNow() - start;
  return outputs;
}

void PredictCall::Answer(Result<std::vector<Tensor>> outputs, net::Response& response) {
  answer_time_ = model_time_;
  // What does not fit the model's signature is the caller's mistake and says nothing of the
  // version.
  if (!outputs && outputs.error().code == ErrorCode::kInvalidArgument) {
    return Refuse(outputs.error(), response);
  }
  const bool theirs = TakesChallengers();
  EndChallenge(outputs, theirs);
  Record(outputs);
  if (theirs) {
    GiveChallengers(response);
  } else if (outputs) {
    Give(*outputs, response);
  } else {
    RefuseFailed(outputs.error(), response);
  }
  EndCopies(std::move(outputs));
}

/// Settles whose answer is given. A call that could ask nobody says nothing of either, unless the
/// challenger's was drawn.
bool PredictCall::TakesChallengers() {
  if (!challenger_.begun() || (!asked_ && !challenger_.taken())) return false;
  return challenger_.Settle() == ChallengerChoice::kChallenger;
}

// A full queue is this server's overload, not a limit that the caller has used up.
void PredictCall::RefuseFailed(const Error& error, net::Response& response) {
  if (!asked_ && error.code == ErrorCode::kLimited) {
    return Refuse(Error(error).Wrap(ErrorCode::kUnavailable,
                                    "this server is busy with other predictions: try again "
                                    "shortly"),
                  response);
  }
  if (asked_) {
    LogWarning("prediction failed", {{"route", call_.route_name()},
                                     {"model_id", served().model_id.get()},
                                     {"error", Describe(error)},
                                     {"request_id", call_.request_id()}});
  }
  Refuse(error, response);
}

void PredictCall::Give(const std::vector<Tensor>& outputs, net::Response& response) {
  if (LoggedCall* log = call_.logged()) {
    log->SetScores(ScoresOf(outputs, inputs().rows), inputs().rows);
  }
  codec_.WriteAnswer({outputs, inputs().rows, call_.route_name(), served()}, response);
  if (const Status safe = call_.passage().SafetyOut(response.body); !safe) {
    return Refuse(safe.error(), response);
  }
  // Counted with the answer: until then the call may still be handed from the fast path to the
  // other. A challenger's champion was asked beside it, unless there was no place for it.
  if (serving_.reason != routing::ServeReason::kChallenger || !asked_) {
    call_.CountNotServed(serving_.version);
  }
  AddHeaders(response);
  call_.Finish(serving_, response.status);
}

// D4: this one's answer was drawn. How the champion ended is its own, and counted as such.
void PredictCall::GiveChallengers(net::Response& response) {
  serving_.version = call_.route()->challenger->version;
  serving_.reason = routing::ServeReason::kChallenger;
  serving_.attempts = 1;
  answer_time_ = challenger_.took();
  ObserveRowTime();
  call_.Count(serving_.version, view::Outcome::kOk, challenger_.latency(exchange_.received()));
  Give(challenger_.outputs(), response);
}

/// Tells the record of both how the champion ended, before the call is logged. `theirs`: the
/// challenger's answer is given.
void PredictCall::EndChallenge(const Result<std::vector<Tensor>>& champion, bool theirs) {
  if (!challenger_.begun()) return;
  if (model_time_) return challenger_.End(champion ? &*champion : nullptr, model_time_);
  if (theirs) return challenger_.PassOverChampion();
  challenger_.Withdraw();
}

/// Tells the shadows how the champion ended; the caller's answer is written.
void PredictCall::EndCopies(Result<std::vector<Tensor>> champion) {
  if (!model_time_) return;  // They withdraw.
  if (champion) {
    copies_.End(ChampionEnd::kAnswered, std::move(*champion), model_time_);
  } else {
    copies_.End(ChampionEnd::kFailed, {}, std::nullopt);
  }
}

void PredictCall::ObserveRowTime() {
  if (!answer_time_) return;
  serving_here().stats->ObserveRowTime(core_.index,
                                       *answer_time_ / static_cast<std::int64_t>(inputs().rows));
}

// What whoever was asked by the call itself did, counted on this core. A version that was not asked
// did nothing; but for a rollout one that is too slow fills its queue, and callers get no answer.
void PredictCall::Record(const Result<std::vector<Tensor>>& outputs) {
  if (!asked_) {
    if (outputs.error().code == ErrorCode::kLimited) RecordRollout(view::Outcome::kError);
    ticket_ = {};
    return;
  }
  ObserveRowTime();
  call_.Count(serving_.version, OutcomeOf(outputs), PrimarysLatency());
  RecordRollout(OutcomeOf(outputs));
}

/// Of whoever was asked by the call itself: what a challenger has taken beyond it is not its own.
std::chrono::nanoseconds PredictCall::PrimarysLatency() const {
  return champion_ended_.value_or(core_.shared.clock.SteadyNow()) - exchange_.received();
}

// Both arms were ready, so the one that was asked is the one that was assigned.
void PredictCall::RecordRollout(view::Outcome outcome) {
  const view::RolloutTicket ticket = std::exchange(ticket_, {});
  if (!ticket) return;
  view::RolloutOutcome of_version;
  of_version.failed = outcome != view::Outcome::kOk;
  of_version.timed_out = outcome == view::Outcome::kTimeout;
  of_version.latency = PrimarysLatency();
  ticket.tally->Record(core_.index, ticket, of_version);
}

void PredictCall::Refuse(const Error& error, net::Response& response) {
  challenger_.Withdraw();
  core_.CountRejected(error.code);
  call_.CountNotServed(serving_.version);
  call_.RequireRequestId();
  codec_.WriteError(error, call_.request_id(), response);
  if (IsWorthRetrying(error.code)) response.headers.Add("Retry-After", kRetryAfterSeconds);
  AddHeaders(response);
  call_.Finish(serving_, response.status);
}

void PredictCall::AddHeaders(net::Response& response) const {
  call_.AddHeaders(response);
  if (!call_.assigned()) return;
  call_.AddServingHeaders(serving_, response);
  if (serving_.version == kNoVersion) return;
  const std::chrono::nanoseconds total = core_.shared.clock.SteadyNow() - exchange_.received();
  response.headers.Add("x-podium-overhead-us",
                       std::chrono::duration_cast<std::chrono::microseconds>(
                           total - answer_time_.value_or(std::chrono::nanoseconds()))
                           .count());
}

}  // namespace podium::gateway
