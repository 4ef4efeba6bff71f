// Spans and figures for the tests of telemetry.
#pragma once

#include <string>

#include "base/clock.h"
#include "base/rng.h"
#include "telemetry/recorder.h"
#include "telemetry/span.h"

namespace podium::telemetry {

/// 2026-03-09T14:00:00Z.
inline constexpr WallTime kTestTime{std::chrono::seconds(1'773'064'800)};
inline constexpr TraceContext kTestCaller{
    {0x4bf92f3577b34da6, 0xa3ce929d0e0e4736}, {0x00f067aa0ba902b7}, true};

/// An attempt that was answered in a stream, with everything that a span may say.
inline void FillAttempt(Span& span) {
  span.Clear();
  span.trace = kTestCaller.trace;
  span.id = {0x0102030405060708};
  span.parent = {0x1112131415161718};
  span.kind = SpanKind::kClient;
  span.start = kTestTime;
  span.duration = std::chrono::microseconds(1'234'567);
  span.first_chunk = std::chrono::milliseconds(250);
  span.operation = "chat";
  span.gen_ai_kind = "openai";
  span.finish = "stop";
  span.server_port = 443;
  span.attempt = 2;
  span.generation = 9'007'199'254'740'993;  // No double holds it.
  span.usage = TokenUsage{.uncached_input = 10,
                          .cache_read = 20,
                          .cache_write_5m = 3,
                          .output_text = 7,
                          .output_reasoning = 5};
  span.route.Assign("support");
  span.version.Assign("support-v2");
  span.request_model.Assign("gpt-mini");
  span.response_model.Assign("gpt-mini-2026-01-01");
  span.provider.Assign("main");
  span.server_address.Assign("api.example.com");
}

/// A call that nobody answered.
inline void FillFailedCall(Span& span) {
  span.Clear();
  span.trace = kTestCaller.trace;
  span.id = {0x1112131415161718};
  span.parent = kTestCaller.span;
  span.parent_is_remote = true;
  span.start = kTestTime;
  span.duration = std::chrono::milliseconds(2);
  span.operation = "chat";
  span.gen_ai_kind = "podium";
  span.error_type = "unavailable";
  span.status = 503;
  span.attempt = 3;
  span.generation = 42;
  span.route.Assign("sup\"port\n\xFF");
  span.request_model.Assign("sup\"port\n\xFF");
}

}  // namespace podium::telemetry
