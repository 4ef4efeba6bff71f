// A `traceparent` as callers may send it: what is taken is well formed, and survives being written.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/assert.h"
#include "telemetry/trace_context.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace podium::telemetry;  // NOLINT: a fuzz target has one subject.
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto context = ParseTraceparent(text);
  if (!context) return 0;
  PODIUM_ASSERT(!context->trace.is_none() && !context->span.is_none());
  const std::string written = FormatTraceparent(*context);
  PODIUM_ASSERT(ParseTraceparent(written) == context);
  PODIUM_ASSERT(written.substr(3, 50) == text.substr(3, 50));
  PODIUM_ASSERT(MayPassTracestate(written));
  return 0;
}
