// The spans of one call: a server span from its head to the last byte of its answer, and below it a
// client span for each attempt at a provider. The same figures go into the metrics.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "domain/token_usage.h"
#include "telemetry/recorder.h"
#include "telemetry/span.h"
#include "telemetry/trace_context.h"

namespace podium::telemetry {

/// An attempt that has ended, in texts that live until it is recorded.
struct AttemptFacts {
  SpanId id;
  int number = 1;
  SteadyTime begun;
  std::optional<SteadyTime> first_output;  ///< Of a stream: when the first of it could be seen.
  std::string_view provider;               ///< As configuration names it.
  std::string_view gen_ai_kind;            ///< "openai". Static.
  std::string_view server_address;
  std::uint16_t server_port = 0;
  std::string_view upstream_model;
  std::string_view response_model;  ///< Empty: the provider did not say.
  std::string_view version;         ///< Model id of the registry's row; empty: configuration's.
  /// Somebody has set the model up; one that only its caller knows names no series of metrics.
  bool model_known = true;
  std::string_view error_type;  ///< Static; empty: it was answered.
  std::string_view finish;      ///< Why its first choice ended: "stop". Static; empty: not said.
  /// Between the chunks of a stream, as AttemptFigures has it. May be null.
  const HistogramPoint* between_chunks = nullptr;
  /// Estimates are marked in the span and left out of the metrics.
  TokenUsage usage;
};

/// What a call asks for.
struct Operation {
  std::string_view name;   ///< "chat", "predict". Static.
  bool is_gen_ai = false;  ///< Of a language model; others leave a span and no metrics.
};

/// Ends with its owner: the call, or the stream that it became. No text of it is a prompt, an
/// answer, a key or a user (invariant 15, and what the conventions hold back by default).
/// Threads: its core's.
class CallTrace {
 public:
  /// The recorder outlives it. `received`: when the call's head was there.
  CallTrace(Recorder& recorder, const std::optional<TraceContext>& caller, Operation operation,
            SteadyTime received);
  ~CallTrace();  ///< Records the server span.
  CallTrace(const CallTrace&) = delete;
  CallTrace& operator=(const CallTrace&) = delete;

  /// Names the attempt about to be made.
  SpanId NewAttempt() { return recorder_.traces() ? NewSpanId(recorder_.rng()) : SpanId(); }
  /// What the provider is told: the attempt is its caller. nullopt: what came is passed on.
  std::optional<std::string> TraceparentOf(SpanId attempt) const;
  void EndAttempt(const AttemptFacts& attempt);

  /// To be said before the first attempt ends. `known`: the table has it; any other text of a
  /// caller's names no metric, unless a provider is asked for it.
  void SetRoute(std::string_view route, bool known, std::uint64_t generation);
  /// Of the registry's row that serves.
  void SetVersion(std::string_view model_id) { version_ = model_id; }
  /// HTTP's, as the caller is told. A stream that broke has had its 200: its last attempt says so.
  void SetStatus(int status);
  /// Whether the caller has a span of its own, so that its `tracestate` goes along.
  bool has_caller() const { return !place_.parent.is_none(); }

 private:
  void WriteCall(std::chrono::nanoseconds duration,
                 std::optional<std::chrono::nanoseconds> first_output);
  void WriteAttempt(const AttemptFacts& attempt, std::chrono::nanoseconds duration,
                    std::optional<std::chrono::nanoseconds> first_chunk);

  Recorder& recorder_;
  CallPlace place_;
  const Operation operation_;
  const SteadyTime received_;
  std::string route_;
  bool route_known_ = false;
  std::uint64_t generation_ = 0;
  int status_ = 0;
  std::string_view error_type_;
  // Of the attempt that ended last.
  std::string_view attempt_error_;
  int attempts_ = 0;
  std::optional<SteadyTime> first_output_;
  std::optional<std::chrono::nanoseconds> per_token_;
  std::string_view finish_;
  std::string_view gen_ai_kind_ = "podium";  // Until a provider is asked.
  std::string provider_;
  std::string response_model_;
  std::string version_;
};

}  // namespace podium::telemetry
