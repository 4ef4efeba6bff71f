// One finished span as a value that is cheap to fill: no allocation, every text bounded.
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/clock.h"
#include "base/limits.h"
#include "domain/token_usage.h"
#include "telemetry/trace_context.h"

namespace podium::telemetry {

/// The first limits::kMaxSpanTextBytes of a text, cut between two characters.
class SpanText {
 public:
  void Assign(std::string_view text);
  void Clear() { size_ = 0; }
  std::string_view view() const { return {bytes_.data(), size_}; }
  bool empty() const { return size_ == 0; }

 private:
  std::size_t size_ = 0;
  std::array<char, limits::kMaxSpanTextBytes> bytes_;  // Beyond size_ nothing was ever written.
};

/// OTLP's numbers.
enum class SpanKind : std::uint8_t {
  kServer = 2,  ///< A call, as its caller sees it.
  kClient = 3,  ///< One attempt at a provider.
};

/// What of a span is no text of somebody else's.
struct SpanFacts {
  TraceId trace;
  SpanId id;
  SpanId parent;  ///< None: the trace begins here.
  SpanKind kind = SpanKind::kServer;
  bool parent_is_remote = false;
  bool is_gen_ai = true;  ///< Of a language model: it has the attributes of those.
  WallTime start;
  std::chrono::nanoseconds duration{};
  /// Behind `start`: the first that the caller, or we, could see of a streamed answer.
  std::optional<std::chrono::nanoseconds> first_chunk;
  std::string_view operation;    ///< "chat". Static.
  std::string_view gen_ai_kind;  ///< `gen_ai.provider.name`: "openai". Static; may be empty.
  std::string_view error_type;   ///< Static; empty: it went well.
  std::string_view finish;       ///< Why the answer ended: "stop". Static; empty: nobody said.
  std::uint16_t server_port = 0;
  int status = 0;   ///< HTTP, of the answer to a caller; 0: no answer, or not for a caller.
  int attempt = 0;  ///< Of a client span its number, from 1; of a server span how many there were.
  std::uint64_t generation = 0;
  std::optional<TokenUsage> usage;  ///< Of a client span.
};

struct Span : SpanFacts {
  SpanText route;
  SpanText version;
  SpanText request_model;  ///< What the provider was asked for; of a server span, what we were.
  SpanText response_model;
  SpanText provider;  ///< As configuration names it.
  SpanText server_address;

  void Clear();
};

}  // namespace podium::telemetry
