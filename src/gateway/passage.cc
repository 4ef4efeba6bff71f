#include "gateway/passage.h"

#include "base/assert.h"
#include "gateway/trace_headers.h"

namespace podium::gateway {
namespace {

// As the conventions name what is asked of a model: the surface is the caller's affair.
telemetry::Operation OperationOf(EndpointId endpoint) {
  switch (endpoint) {
    case EndpointId::kChat:
    case EndpointId::kResponses:
    case EndpointId::kMessages:
      return {"chat", true};
    case EndpointId::kEmbeddings:
      return {"embeddings", true};
    case EndpointId::kOipInfer:
      return {"infer", false};
    default:
      return {"predict", false};
  }
}

}  // namespace

Status CallHook::Limit(const CallFacts&) { return {}; }
Status CallHook::Admit(const CallFacts&) { return {}; }
Status CallHook::SafetyIn(const CallFacts&, std::string_view) { return {}; }
Status CallHook::SafetyOut(const CallFacts&, std::string_view) { return {}; }
void CallHook::Settle(const CallFacts&, const journal::Outcome&) {}
void CallHook::Record(const CallFacts&, int) {}

CallFacts Passage::Facts() const {
  return {*endpoint_, principal_, core_->index, route_, request_id_};
}

bool Passage::watched() const { return !core_->shared.hooks.empty(); }

const std::string& Passage::MadeRequestId() {
  if (made_request_id_.empty()) {
    made_request_id_ = RandomToken(core_->shared.rng, kRequestIdLength);
  }
  return made_request_id_;
}

Status Passage::Refused(Status status) {
  stage_ = Stage::kRefused;
  return status;
}

Status Passage::Authenticate(const net::Exchange& exchange) {
  const net::RequestHead& head = exchange.head();
  std::string_view authorization = head.Find("authorization").value_or(std::string_view());
  std::string key;
  // Anthropic's SDK has a header of its own for what others send as a bearer.
  if (endpoint_->access == Access::kPayer && authorization.empty()) {
    if (const auto own = head.Find("x-api-key")) {
      key = fmt::format("Bearer {}", *own);
      authorization = key;
    }
  }
  Result<auth::Principal> principal =
      core_->shared.authenticator.Identify({authorization, exchange.peer_is_loopback()});
  if (principal) {
    principal_ = *std::move(principal);
  } else if (endpoint_->access != Access::kOpen) {
    return Fail(std::move(principal).error());
  }
  if (endpoint_->access != Access::kPayer) return {};
  return auth::RequireAdmin(principal_);
}

void Passage::BeginTrace(const net::Exchange& exchange) {
  trace_ = std::make_unique<telemetry::CallTrace>(*core_->telemetry, CallerOf(exchange.head()),
                                                  OperationOf(endpoint_->id), exchange.received());
}

Status Passage::Enter(const net::Exchange& exchange) {
  if (stage_ != Stage::kNew) return {};
  if (core_->telemetry != nullptr && endpoint_->asks_model) BeginTrace(exchange);
  if (Status known = Authenticate(exchange); !known) return Refused(std::move(known));
  for (CallHook* hook : core_->shared.hooks) {
    if (Status status = hook->Limit(Facts()); !status) return Refused(std::move(status));
  }
  stage_ = Stage::kEntered;
  return {};
}

Status Passage::Admit(std::string_view route, std::string_view request_id, std::string_view body) {
  if (stage_ == Stage::kAdmitted) return {};
  PODIUM_ASSERT(stage_ == Stage::kEntered);
  if (watched()) {
    route_ = route;
    request_id_ = request_id;
    for (CallHook* hook : core_->shared.hooks) {
      if (Status status = hook->Admit(Facts()); !status) return Refused(std::move(status));
    }
    for (CallHook* hook : core_->shared.hooks) {
      if (Status status = hook->SafetyIn(Facts(), body); !status) {
        return Refused(std::move(status));
      }
    }
  }
  stage_ = Stage::kAdmitted;
  return {};
}

void Passage::BeginLog(const net::Exchange& exchange, std::string_view route,
                       std::string_view assigned, std::string_view unit, std::string_view request) {
  if (log_asked_) return;
  log_asked_ = true;
  predictions::CoreLog& log = *core_->predictions;
  const predictions::RouteLogging* logging = log.Of(route);
  if (logging == nullptr) return;
  const std::optional<double> keep = log.Admit(route, assigned, unit);
  if (!keep) return;
  logged_ =
      std::make_unique<LoggedCall>(log, *logging, core_->shared.clock, exchange.received(), *keep);
  logged_->TakeRequest(exchange.head().path, request);
}

void Passage::RequireAdmitted() const { PODIUM_ASSERT(stage_ == Stage::kAdmitted); }

Status Passage::SafetyOut(std::string_view piece) {
  RequireAdmitted();
  for (CallHook* hook : core_->shared.hooks) PODIUM_TRY(hook->SafetyOut(Facts(), piece));
  if (logged_) logged_->TakeAnswer(piece);
  return {};
}

void Passage::Settle(const journal::Outcome& outcome) {
  for (CallHook* hook : core_->shared.hooks) hook->Settle(Facts(), outcome);
  if (logged_) logged_->AddAttempt(outcome.status, outcome.cost);
}

void Passage::Record(int status) {
  if (stage_ == Stage::kRecorded) return;
  stage_ = Stage::kRecorded;
  if (trace_) trace_->SetStatus(status);
  if (logged_) logged_->End(status);
  for (CallHook* hook : core_->shared.hooks) hook->Record(Facts(), status);
}

}  // namespace podium::gateway
