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
  void SetFirstOutput(SteadyTime now) { first_output_ = last_chunk_ = now; }
  /// Another piece of a stream came. REQUIRES: the first was told.
  void AddChunk(SteadyTime now);
  /// Static.
  void SetFinish(std::string_view reason) { finish_ = reason; }
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
  SteadyTime last_chunk_;
  telemetry::HistogramPoint between_chunks_;
  std::string_view finish_;
};

}  // namespace podium::gateway
