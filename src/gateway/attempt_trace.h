// What is remembered of an attempt at a provider until its span is written.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/limits.h"
#include "domain/token_usage.h"
#include "gateway/provider_table.h"
#include "journal/attempt.h"
#include "telemetry/call_trace.h"

namespace podium::gateway {

/// Threads: its core's.
class AttemptTrace {
 public:
  /// Null when the call is not traced. `model_known`: somebody has set it up.
  static std::unique_ptr<AttemptTrace> Begin(telemetry::CallTrace* call,
                                             const journal::IntentView& intent, bool model_known,
                                             SteadyTime now);

  telemetry::SpanId id() const { return id_; }
  /// What the provider calls its model, as far as it has said so.
  /// A provider may say anything: more than a span holds is cut.
  void SetResponseModel(std::string_view name) {
    response_model_ = name.substr(0, limits::kMaxSpanTextBytes);
  }
  void SetFirstOutput(SteadyTime now) { first_output_ = now; }
  /// `error` is static; empty for an answer.
  void End(telemetry::CallTrace& call, const Provider& provider, const TokenUsage& usage,
           std::string_view error) const;

 private:
  AttemptTrace() = default;

  telemetry::SpanId id_;
  int number_ = 1;
  SteadyTime begun_;
  bool model_known_ = true;
  std::string upstream_model_;
  std::string version_;
  std::string response_model_;
  std::optional<SteadyTime> first_output_;
};

}  // namespace podium::gateway
