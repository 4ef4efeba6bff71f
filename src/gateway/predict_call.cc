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

bool PredictCall::runs_inline() const {
  if (!serving_here().model->may_run_inline()) return false;
  // The warm-up saw zeros; until real rows were measured on this core, the pool takes the risk.
  const std::optional<std::chrono::nanoseconds> seen =
      serving_here().stats->TimePerRow(core_.index);
  if (!seen) return false;
  const std::chrono::nanoseconds per_row = std::max(serving_here().model->time_per_row(), *seen);
  const std::chrono::nanoseconds estimate = per_row * static_cast<std::int64_t>(inputs_.rows);
  return estimate <= core_.shared.options.inline_limit;
}

Result<std::vector<Tensor>> PredictCall::Run() const {
  if (core_.ending.load(std::memory_order_relaxed)) {
    return Fail(ErrorCode::kUnavailable, "the server is stopping: try again");
  }
  const SteadyTime start = core_.shared.clock.SteadyNow();
  Result<std::vector<Tensor>> outputs = serving_here().model->Run(inputs_.tensors);
  const bool ran = outputs || outputs.error().code != ErrorCode::kUnavailable;
  if (ran) model_time_ = core_.shared.clock.SteadyNow() - start;
  return outputs;
}

void PredictCall::Answer(Result<std::vector<Tensor>> outputs, net::Response& response) {
  // What does not fit the model's signature is the caller's mistake and says nothing of the
  // version.
  if (!outputs && outputs.error().code == ErrorCode::kInvalidArgument) {
    return Refuse(outputs.error(), response);
  }
  Record(OutcomeOf(outputs));
  if (!outputs) {
    LogWarning("prediction failed", {{"route", call_.route_name()},
                                     {"model_id", served().model_id.get()},
                                     {"error", Describe(outputs.error())},
                                     {"request_id", call_.request_id()}});
    return Refuse(outputs.error(), response);
  }
  if (LoggedCall* log = call_.logged()) {
    log->SetScores(ScoresOf(*outputs, inputs_.rows), inputs_.rows);
  }
  codec_.WriteAnswer({*outputs, inputs_.rows, call_.route_name(), served()}, response);
  if (const Status safe = call_.passage().SafetyOut(response.body); !safe) {
    return Refuse(safe.error(), response);
  }
  // Counted with the answer: until then the call may still be handed from the fast path to the
  // other.
  call_.CountNotServed(serving_.version);
  AddHeaders(response);
  call_.Finish(serving_, response.status);
}

// What a version did, counted on this core.
void PredictCall::Record(view::Outcome outcome) {
  view::VersionStats& stats = *serving_here().stats;
  if (model_time_) {
    stats.ObserveRowTime(core_.index, *model_time_ / static_cast<std::int64_t>(inputs_.rows));
  }
  call_.Count(serving_.version, outcome, core_.shared.clock.SteadyNow() - exchange_.received());
}

void PredictCall::Refuse(const Error& error, net::Response& response) {
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
                           total - model_time_.value_or(std::chrono::nanoseconds()))
                           .count());
}

}  // namespace podium::gateway
