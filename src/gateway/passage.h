// The choke point: every call to the data plane goes through one of these, from its head to its
// last byte. It asks the hooks in their order, and makes sure that none is left out.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "auth/principal.h"
#include "base/result.h"
#include "gateway/call_hook.h"
#include "gateway/endpoint.h"
#include "gateway/gateway_core.h"
#include "gateway/logged_call.h"
#include "net/handler.h"
#include "telemetry/call_trace.h"

namespace podium::gateway {

/// Each step may be taken again by a call that was handed from the fast path to the other: it is
/// asked about once. REQUIRES: the steps in their order, which is asserted.
/// Threads: its core's. The core outlives it; it may outlive the exchange.
class Passage {
 public:
  Passage(GatewayCore& core, EndpointId endpoint)
      : core_(&core), endpoint_(&EndpointOf(endpoint)) {}
  Passage(Passage&&) = default;
  Passage& operator=(Passage&&) = default;

  /// Authenticates, then limits. The first thing that happens to a call, before its body is read.
  Status Enter(const net::Exchange& exchange);
  /// Admits it to what it names, then judges its text.
  Status Admit(std::string_view route, std::string_view request_id, std::string_view body);
  /// REQUIRES: Admit. No model may be asked before.
  void RequireAdmitted() const;
  Status SafetyOut(std::string_view piece);
  void Settle(const journal::Outcome& outcome);
  /// Once; what comes after is not told.
  void Record(int status);

  /// For a request that brought no id. Made once: it decides who answers, and a call that goes from
  /// the fast path to the other, because of who was drawn, must not be drawn anew.
  const std::string& MadeRequestId();

  /// The call's spans, which end with the passage; null when nobody traces.
  telemetry::CallTrace* trace() const { return trace_.get(); }

  /// To be logged as a prediction, unless that was asked before: a call that goes from the fast
  /// path to the other is one prediction. `request`: its body.
  void BeginLog(const net::Exchange& exchange, std::string_view route, std::string_view assigned,
                std::string_view unit, std::string_view request);
  /// Null when the call is not logged.
  LoggedCall* logged() const { return logged_.get(); }

  const Endpoint& endpoint() const { return *endpoint_; }
  const auth::Principal& principal() const { return principal_; }

 private:
  enum class Stage : std::uint8_t { kNew, kRefused, kEntered, kAdmitted, kRecorded };
  void BeginTrace(const net::Exchange& exchange);
  Status Authenticate(const net::Exchange& exchange);
  Status Refused(Status status);
  CallFacts Facts() const;
  bool watched() const;

  GatewayCore* core_;
  const Endpoint* endpoint_;
  Stage stage_ = Stage::kNew;
  auth::Principal principal_;
  std::unique_ptr<telemetry::CallTrace> trace_;
  bool log_asked_ = false;
  std::unique_ptr<LoggedCall> logged_;
  std::string made_request_id_;
  std::string route_;  // These two only if anybody asks.
  std::string request_id_;
};

}  // namespace podium::gateway
