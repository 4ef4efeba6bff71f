#include "gateway/routed_call.h"

#include <utility>

#include "base/limits.h"
#include "domain/evidence_ticket.h"
#include "domain/names.h"

namespace podium::gateway {
namespace {

using routing::kNoVersion;

constexpr std::string_view kOverrideHeader = "x-podium-model-version";

// Header first, then body; both absent is fine.
Result<std::string_view> IdFrom(const net::RequestHead& head, std::string_view header,
                                std::string_view from_body) {
  const std::string_view id = head.Find(header).value_or(from_body);
  PODIUM_TRY(CheckText(header, id, limits::kMaxUnitBytes));
  return id;
}

std::string_view ReasonText(const routing::Decision& decision, const Serving& serving) {
  if (serving.reason != routing::ServeReason::kAssigned) return NameOf(serving.reason);
  return NameOf(decision.reason);
}

}  // namespace

RoutedCall::RoutedCall(GatewayCore& core, net::Exchange& exchange, CallTarget target,
                       Passage& passage)
    : core_(core),
      exchange_(exchange),
      target_(std::move(target)),
      passage_(passage),
      view_(core.cell.Pin()) {}

Status RoutedCall::Admit(std::string_view body) {
  body_ = body;
  if (telemetry::CallTrace* trace = passage_.trace()) {
    trace->SetRoute(target_.route, view_->Find(target_.route) != nullptr,
                    view_->generation().get());
  }
  return passage_.Admit(target_.route, request_id_, body);
}

Status RoutedCall::TakeIds(const BodyIds& from_body) {
  PODIUM_TRY_ASSIGN(const std::string_view session,
                    IdFrom(exchange_.head(), "x-session-id", from_body.session_id));
  PODIUM_TRY_ASSIGN(const std::string_view request,
                    IdFrom(exchange_.head(), "x-request-id", from_body.request_id));
  PODIUM_TRY(CheckText("user", from_body.user, limits::kMaxUnitBytes));
  session_id_ = session;
  user_ = from_body.user;
  request_id_ = request;
  request_id_made_here_ = request_id_.empty();
  if (request_id_made_here_) request_id_ = passage_.MadeRequestId();
  return {};
}

bool RoutedCall::names_version() const {
  return !target_.version.empty() || exchange_.head().Find(kOverrideHeader);
}

// The version that the caller insists on. REQUIRES: names_version().
Result<std::string_view> RoutedCall::WantedVersion() const {
  const auto header = exchange_.head().Find(kOverrideHeader);
  if (!header || target_.version.empty() || *header == target_.version) {
    return header.value_or(target_.version);
  }
  return Fail(ErrorCode::kInvalidArgument,
              "the path names version {}, X-Podium-Model-Version names {}: send one of them",
              target_.version, *header);
}

const view::RouteView* RoutedCall::FindRoute() {
  route_ = view_->Find(target_.route);
  return route_;
}

Failure RoutedCall::NoSuchRoute() const {
  return Fail(ErrorCode::kNotFound,
              "there is no route {}: register a version of it, or see GET /api/v1/routes",
              target_.route);
}

routing::RequestIds RoutedCall::Ids() const {
  return {session_id_, user_, request_id_, request_id_made_here_};
}

Unit RoutedCall::unit() const { return routing::UnitOf(route_->route->sticky_on, Ids()); }

Status RoutedCall::Assign() {
  const routing::RequestIds ids = Ids();
  if (names_version()) {
    PODIUM_TRY(auth::RequireOverride(passage_.principal()));
    PODIUM_TRY_ASSIGN(const std::string_view wanted, WantedVersion());
    const routing::VersionIndex version = routing::FindOverride(*route_->route, wanted);
    if (version == kNoVersion) {
      return Fail(ErrorCode::kNotFound, "route {} has no version {}", target_.route, wanted);
    }
    decision_ = routing::ChooseOverride(*route_->route, view_->generation(), ids, version);
  } else {
    decision_ = routing::Choose(*route_->route, view_->generation(), ids);
  }
  if (core_.predictions != nullptr) BeginLog();
  return {};
}

/// As the decision has it. REQUIRES: assigned().
std::string_view RoutedCall::UnitText() const {
  switch (decision_->unit_kind) {
    case UnitKind::kRequest:
      return request_id_;
    case UnitKind::kUser:
      return user_;
    case UnitKind::kSession:
      break;
  }
  return session_id_;
}

void RoutedCall::BeginLog() const {
  const routing::VersionIndex assigned = decision_->version;
  passage_.BeginLog(
      exchange_, target_.route,
      assigned == kNoVersion ? std::string_view() : std::string_view(At(assigned).model_id.get()),
      UnitText(), body_);
}

bool RoutedCall::for_admin() const {
  return passage_.principal().may_administer || !core_.shared.authenticator.has_token();
}

void RoutedCall::RequireRequestId() {
  if (request_id_.empty()) request_id_ = passage_.MadeRequestId();
}

void RoutedCall::Count(routing::VersionIndex version, view::Outcome outcome,
                       std::chrono::nanoseconds latency) const {
  const WallTime now = core_.shared.clock.Now();
  view::VersionStats& stats = *ServingOf(version).stats;
  if (is_override()) return stats.RecordOverride(core_.index, outcome, now);
  stats.Record(core_.index, is_canary(version), outcome, latency, now);
}

view::RolloutTicket RoutedCall::CountIn(const view::ArmsHere& arms) const {
  view::RolloutTally& tally = *route_->tally;
  if (view::IsEvidence(*decision_, arms)) {
    return tally.Admit(core_.index, decision_->canary(), decision_->bucket.hash);
  }
  tally.Ineligible(core_.index);
  return {};
}

void RoutedCall::CountNotServed(routing::VersionIndex served) const {
  if (!decision_ || decision_->version == kNoVersion || is_override()) return;
  if (decision_->version == served) return;
  ServingOf(decision_->version).stats->RecordNotServed(core_.index);
}

void RoutedCall::Remember(const Serving& serving, int status) const {
  if (!decision_) return;
  const routing::Decision& decision = *decision_;
  const auto stats_of = [&](routing::VersionIndex version) -> const view::VersionStats* {
    return version == kNoVersion ? nullptr : ServingOf(version).stats.get();
  };
  view::AnsweredRequest request;
  request.request_id = request_id_;
  request.route = target_.route;
  request.unit_kind = decision.unit_kind;
  request.unit = UnitText();
  request.sticky = decision.sticky;
  request.generation = decision.generation;
  request.fine_bucket = decision.bucket.fine;
  request.reason = decision.reason;
  request.serve_reason = serving.reason;
  request.assigned = stats_of(decision.version);
  request.served = stats_of(serving.version);
  request.status = status;
  request.at = core_.shared.clock.Now();
  core_.shared.recent.Record(core_.index, request);
  if (LoggedCall* log = passage_.logged()) {
    const auto id_of = [&](routing::VersionIndex version) {
      return version == kNoVersion ? std::string_view() : At(version).model_id.get();
    };
    log->Describe(request, decision.propensity, id_of(decision.version), id_of(serving.version));
  }
}

void RoutedCall::Finish(const Serving& serving, int status) const {
  Remember(serving, status);
  if (telemetry::CallTrace* trace = passage_.trace();
      trace != nullptr && serving.version != routing::kNoVersion) {
    trace->SetVersion(At(serving.version).model_id.get());
  }
  passage_.Record(status);
}

void RoutedCall::AddHeaders(net::Response& response) const {
  net::ResponseHeaders& headers = response.headers;
  headers.Add("x-request-id", request_id_);
  if (route_ == nullptr) return;
  headers.Add("x-podium-route", target_.route);
  headers.Add("x-podium-generation", static_cast<std::int64_t>(view_->generation().get()));
  if (decision_) headers.Add("x-podium-bucket", decision_->bucket.fine);
  if (!ticket_ || !ticket_.tally->mark().tickets) return;
  const RolloutMark& mark = ticket_.tally->mark();
  headers.Add("x-podium-ticket",
              ToText({mark.id, mark.epoch, ticket_.canary, ticket_.unit, ticket_.rank}));
}

void RoutedCall::AddServingHeaders(const Serving& serving, net::Response& response) const {
  net::ResponseHeaders& headers = response.headers;
  headers.Add("x-podium-reason", ReasonText(*decision_, serving));
  headers.Add("x-podium-attempts", serving.attempts);
  if (serving.version == kNoVersion) return;
  headers.Add("x-podium-model", At(serving.version).model_id.get());
  headers.Add("x-podium-version", At(serving.version).version);
  headers.Add("x-podium-canary", is_canary(serving.version) ? "true" : "false");
}

}  // namespace podium::gateway
