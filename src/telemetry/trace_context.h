// Which trace a call belongs to, as W3C Trace Context puts it into `traceparent`. Pure.
//
// A header that is not understood is no header: the call starts a trace of its own, as the
// standard demands, and nothing fails.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/rng.h"

namespace podium::telemetry {

/// 16 bytes; all zero is none.
struct TraceId {
  std::uint64_t high = 0;
  std::uint64_t low = 0;

  bool is_none() const { return high == 0 && low == 0; }
  bool operator==(const TraceId&) const = default;
};

/// 8 bytes; zero is none.
struct SpanId {
  std::uint64_t value = 0;

  bool is_none() const { return value == 0; }
  bool operator==(const SpanId&) const = default;
};

TraceId NewTraceId(Rng& rng);
SpanId NewSpanId(Rng& rng);

std::string HexOf(const TraceId& id);  ///< 32 lower-case digits.
std::string HexOf(SpanId id);          ///< 16.

/// A span, as those below it are told of it.
struct TraceContext {
  TraceId trace;
  SpanId span;
  bool sampled = false;  ///< Whoever said so records it.

  bool operator==(const TraceContext&) const = default;
};

/// nullopt for what is malformed: white space, capitals, ids of zero, version ff. Of a later
/// version the fields of version 00 are read, and what follows them behind a dash is passed over.
std::optional<TraceContext> ParseTraceparent(std::string_view text);
/// Version 00, 55 characters.
std::string FormatTraceparent(const TraceContext& context);

/// Of all `tracestate` fields together, the longest that has to be passed on.
inline constexpr std::size_t kMaxTracestateBytes = 512;
/// Whether it may be passed on as it came: within the limit, and nothing but visible ASCII, spaces
/// and tabs. What the systems behind it mean by it is theirs.
bool MayPassTracestate(std::string_view text);

}  // namespace podium::telemetry
