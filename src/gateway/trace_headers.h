// W3C trace context in the headers of a request, in and out.
#pragma once

#include <optional>

#include "net/http_head.h"
#include "telemetry/call_trace.h"
#include "telemetry/trace_context.h"

namespace podium::gateway {

/// The span that a call comes from; nullopt without exactly one well-formed `traceparent`.
std::optional<telemetry::TraceContext> CallerOf(const net::RequestHead& head);

/// What a provider is told: below `attempt`, a span of ours, if the call is traced; else what the
/// caller has sent, as it came. `trace` may be null. A `tracestate` goes along with its caller.
void AddTraceHeaders(const net::RequestHead& head, const telemetry::CallTrace* trace,
                     telemetry::SpanId attempt, net::HeaderList& headers);

}  // namespace podium::gateway
