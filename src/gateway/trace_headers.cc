#include "gateway/trace_headers.h"

#include <string>
#include <string_view>

namespace podium::gateway {
namespace {

constexpr std::string_view kTraceparent = "traceparent";
constexpr std::string_view kTracestate = "tracestate";

// Several fields are one list, in their order.
std::string TracestateOf(const net::RequestHead& head) {
  std::string state;
  for (const net::HeaderField& field : head.headers) {
    if (!net::EqualsIgnoreCase(field.name, kTracestate) || field.value.empty()) continue;
    if (!state.empty()) state += ',';
    state += field.value;
  }
  return state;
}

}  // namespace

std::optional<telemetry::TraceContext> CallerOf(const net::RequestHead& head) {
  const net::HeaderField* found = nullptr;
  for (const net::HeaderField& field : head.headers) {
    if (!net::EqualsIgnoreCase(field.name, kTraceparent)) continue;
    if (found != nullptr) return std::nullopt;
    found = &field;
  }
  if (found == nullptr) return std::nullopt;
  return telemetry::ParseTraceparent(found->value);
}

void AddTraceHeaders(const net::RequestHead& head, const telemetry::CallTrace* trace,
                     telemetry::SpanId attempt, net::HeaderList& headers) {
  std::optional<std::string> parent;
  if (trace != nullptr) parent = trace->TraceparentOf(attempt);
  const bool is_ours = parent.has_value();
  if (!is_ours) {
    if (const auto sent = head.Find(kTraceparent)) parent = std::string(*sent);
  }
  if (!parent) return;
  headers.emplace_back(kTraceparent, *std::move(parent));
  if (is_ours && !trace->has_caller()) return;
  if (std::string state = TracestateOf(head); telemetry::MayPassTracestate(state)) {
    headers.emplace_back(kTracestate, std::move(state));
  }
}

}  // namespace podium::gateway
