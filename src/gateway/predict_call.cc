#include "gateway/predict_call.h"

#include <algorithm>
#include <utility>

#include "base/limits.h"
#include "base/log.h"
#include "domain/names.h"

namespace podium::gateway {
namespace {

using routing::kNoVersion;

constexpr std::string_view kOverrideHeader = "x-podium-model-version";

// A model that failed on these rows will fail on them again; what was busy or not ready will not
// stay so.
bool IsWorthRetrying(ErrorCode code) {
  return TraitsOf(code).retryable && code != ErrorCode::kInternal;
}

// Header first, then body; both absent is fine.
Result<std::string_view> IdFrom(const net::RequestHead& head, std::string_view header,
                                std::string_view from_body) {
  const std::string_view id = head.Find(header).value_or(from_body);
  PODIUM_TRY(CheckText(header, id, limits::kMaxUnitBytes));
  return id;
}

view::Outcome OutcomeOf(const Result<std::vector<Tensor>>& outputs) {
  if (outputs) return view::Outcome::kOk;
  return outputs.error().code == ErrorCode::kDeadline ? view::Outcome::kTimeout
                                                      : view::Outcome::kError;
}

std::string_view ReasonText(const routing::Decision& decision, const Serving& serving) {
  if (serving.reason != routing::ServeReason::kAssigned) return NameOf(serving.reason);
  return NameOf(decision.reason);
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
                         CallTarget target)
    : core_(core),
      exchange_(exchange),
      codec_(codec),
      target_(std::move(target)),
      view_(core.cell.Pin()) {}

Status PredictCall::Prepare(std::string_view body) {
  PODIUM_TRY(Identify());
  PODIUM_TRY_ASSIGN(const BodyIds ids, codec_.Parse(body));
  PODIUM_TRY(TakeIds(ids));
  PODIUM_TRY(Assign());
  PODIUM_TRY_ASSIGN(inputs_, codec_.Read(serving_here().model->signature()));
  return {};
}

Status PredictCall::Identify() {
  const auth::Credentials credentials{
      exchange_.head().Find("authorization").value_or(std::string_view()),
      exchange_.peer_is_loopback()};
  // Nothing but an override asks who calls, so only then is a digest computed.
  if (!credentials.authorization.empty() || names_version()) {
    PODIUM_TRY_ASSIGN(principal_, core_.shared.authenticator.Identify(credentials));
  }
  return {};
}

Status PredictCall::TakeIds(const BodyIds& from_body) {
  PODIUM_TRY_ASSIGN(const std::string_view session,
                    IdFrom(exchange_.head(), "x-session-id", from_body.session_id));
  PODIUM_TRY_ASSIGN(const std::string_view request,
                    IdFrom(exchange_.head(), "x-request-id", from_body.request_id));
  session_id_ = session;
  request_id_ = request;
  request_id_made_here_ = request_id_.empty();
  if (request_id_made_here_) request_id_ = RandomToken(core_.shared.rng, 14);
  return {};
}

bool PredictCall::names_version() const {
  return !target_.version.empty() || exchange_.head().Find(kOverrideHeader);
}

// The version that the caller insists on. REQUIRES: names_version().
Result<std::string_view> PredictCall::WantedVersion() const {
  const auto header = exchange_.head().Find(kOverrideHeader);
  if (!header || target_.version.empty() || *header == target_.version) {
    return header.value_or(target_.version);
  }
  return Fail(ErrorCode::kInvalidArgument,
              "the path names version {}, X-Podium-Model-Version names {}: send one of them",
              target_.version, *header);
}

Status PredictCall::Assign() {
  route_ = view_->Find(target_.route);
  if (route_ == nullptr) {
    return Fail(ErrorCode::kNotFound,
                "there is no route {}: register a version of it, or see GET /api/v1/routes",
                target_.route);
  }
  routing::RequestIds ids;
  ids.session = session_id_;
  ids.request = request_id_;
  ids.request_made_here = request_id_made_here_;

  if (names_version()) {
    PODIUM_TRY(auth::RequireOverride(principal_));
    PODIUM_TRY_ASSIGN(const std::string_view wanted, WantedVersion());
    const routing::VersionIndex version = routing::FindOverride(*route_->route, wanted);
    if (version == kNoVersion) {
      return Fail(ErrorCode::kNotFound, "route {} has no version {}", target_.route, wanted);
    }
    decision_ = routing::ChooseOverride(*route_->route, view_->generation(), ids, version);
  } else {
    decision_ = routing::Choose(*route_->route, view_->generation(), ids);
  }
  serving_ = FirstReady(*route_, *decision_);
  return CheckServable();
}

// Why no version of the chain can answer, if none can.
Status PredictCall::CheckServable() const {
  if (serving_.version != kNoVersion) return {};
  if (decision_->version == kNoVersion) {
    return Fail(ErrorCode::kUnavailable,
                "route {} has no primary: activate a version (podium version activate ID)",
                target_.route);
  }
  const ModelVersion& assigned = route_->route->At(decision_->version);
  const bool for_admin = principal_.may_administer || !core_.shared.authenticator.has_token();
  const std::string why = WhyNotReady(route_->serving[decision_->version], for_admin);
  if (is_override()) {
    return Fail(ErrorCode::kConflict, "version {} of route {} is not ready here ({})",
                assigned.version, target_.route, why);
  }
  return Fail(ErrorCode::kUnavailable, "route {} has no version that is ready: {} is {}",
              target_.route, assigned.version, why);
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
  const WallTime now = core_.shared.clock.Now();
  Record(OutcomeOf(outputs), now);
  if (!outputs) {
    LogWarning("prediction failed", {{"route", target_.route},
                                     {"model_id", served().model_id.get()},
                                     {"error", Describe(outputs.error())},
                                     {"request_id", request_id_}});
    return Refuse(outputs.error(), response);
  }
  CountNotServed();
  codec_.WriteAnswer({*outputs, inputs_.rows, target_.route, served()}, response);
  AddHeaders(response);
  Remember(response.status, now);
}

// What a version did, counted on this core. What somebody chose by hand says nothing of the
// versions that chance tells apart: it is counted by itself (B3).
void PredictCall::Record(view::Outcome outcome, WallTime now) {
  view::VersionStats& stats = *serving_here().stats;
  if (model_time_) {
    stats.ObserveRowTime(core_.index, *model_time_ / static_cast<std::int64_t>(inputs_.rows));
  }
  if (is_override()) return stats.RecordOverride(core_.index, outcome, now);
  const bool canary = serving_.version == route_->route->canary;
  const std::chrono::nanoseconds latency = core_.shared.clock.SteadyNow() - exchange_.received();
  stats.Record(core_.index, canary, outcome, latency, now);
}

void PredictCall::Refuse(const Error& error, net::Response& response) {
  auto& counter = core_.rejected[static_cast<std::size_t>(error.code)];
  counter.store(counter.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  CountNotServed();
  if (request_id_.empty()) request_id_ = RandomToken(core_.shared.rng, 14);
  codec_.WriteError(error, request_id_, response);
  if (IsWorthRetrying(error.code)) response.headers.Add("Retry-After", kRetryAfterSeconds);
  AddHeaders(response);
  Remember(response.status, core_.shared.clock.Now());
}

// What `podium explain --request` shows. A call that was refused before anything was decided has
// nothing to explain.
void PredictCall::Remember(int status, WallTime now) {
  if (!decision_) return;
  const routing::Decision& decision = *decision_;
  const auto stats_of = [&](routing::VersionIndex version) -> const view::VersionStats* {
    return version == kNoVersion ? nullptr : route_->serving[version].stats.get();
  };
  view::AnsweredRequest request;
  request.request_id = request_id_;
  request.route = target_.route;
  request.unit_kind = decision.unit_kind;
  request.unit = decision.unit_kind == UnitKind::kRequest ? request_id_ : session_id_;
  request.sticky = decision.sticky;
  request.generation = decision.generation;
  request.fine_bucket = decision.bucket.fine;
  request.reason = decision.reason;
  request.serve_reason = serving_.reason;
  request.assigned = stats_of(decision.version);
  request.served = stats_of(serving_.version);
  request.status = status;
  request.at = now;
  core_.shared.recent.Record(core_.index, request);
}

// Counted with the answer: until then the call may still be handed from the fast path to the other.
void PredictCall::CountNotServed() {
  if (!decision_ || decision_->version == kNoVersion || is_override()) return;
  if (decision_->version == serving_.version) return;
  route_->serving[decision_->version].stats->RecordNotServed(core_.index);
}

void PredictCall::AddHeaders(net::Response& response) const {
  net::ResponseHeaders& headers = response.headers;
  headers.Add("x-request-id", request_id_);
  if (route_ == nullptr) return;
  headers.Add("x-podium-route", target_.route);
  headers.Add("x-podium-generation", static_cast<std::int64_t>(view_->generation().get()));
  if (!decision_) return;
  headers.Add("x-podium-bucket", decision_->bucket.fine);
  headers.Add("x-podium-reason", ReasonText(*decision_, serving_));
  headers.Add("x-podium-attempts", serving_.attempts);
  if (serving_.version == kNoVersion) return;
  headers.Add("x-podium-model", served().model_id.get());
  headers.Add("x-podium-version", served().version);
  headers.Add("x-podium-canary", serving_.version == route_->route->canary ? "true" : "false");
  const std::chrono::nanoseconds total = core_.shared.clock.SteadyNow() - exchange_.received();
  headers.Add("x-podium-overhead-us", std::chrono::duration_cast<std::chrono::microseconds>(
                                          total - model_time_.value_or(std::chrono::nanoseconds()))
                                          .count());
}

}  // namespace podium::gateway
