#include "telemetry/trace_context.h"

#include <fmt/format.h>

#include <algorithm>

namespace podium::telemetry {
namespace {

// 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01
constexpr std::size_t kVersion = 0;
constexpr std::size_t kTrace = 3;
constexpr std::size_t kSpan = 36;
constexpr std::size_t kFlags = 53;
constexpr std::size_t kLength = 55;
constexpr std::uint64_t kNoSuchVersion = 0xFF;
constexpr std::uint64_t kSampled = 0x01;

// Lower case only. At most 16 digits.
std::optional<std::uint64_t> Hex(std::string_view digits) {
  std::uint64_t value = 0;
  for (const char c : digits) {
    std::uint64_t digit = 0;
    if (c >= '0' && c <= '9') {
      digit = static_cast<std::uint64_t>(c - '0');
    } else if (c >= 'a' && c <= 'f') {
      digit = static_cast<std::uint64_t>(c - 'a') + 10;
    } else {
      return std::nullopt;
    }
    value = value << 4 | digit;
  }
  return value;
}

bool HasDashes(std::string_view text) {
  return text[kTrace - 1] == '-' && text[kSpan - 1] == '-' && text[kFlags - 1] == '-';
}

}  // namespace

TraceId NewTraceId(Rng& rng) {
  TraceId id;
  while (id.is_none()) id = {rng.Next64(), rng.Next64()};
  return id;
}

SpanId NewSpanId(Rng& rng) {
  SpanId id;
  while (id.is_none()) id.value = rng.Next64();
  return id;
}

std::string HexOf(const TraceId& id) { return fmt::format("{:016x}{:016x}", id.high, id.low); }
std::string HexOf(SpanId id) { return fmt::format("{:016x}", id.value); }

std::optional<TraceContext> ParseTraceparent(std::string_view text) {
  if (text.size() < kLength || !HasDashes(text)) return std::nullopt;
  const auto version = Hex(text.substr(kVersion, 2));
  const auto high = Hex(text.substr(kTrace, 16));
  const auto low = Hex(text.substr(kTrace + 16, 16));
  const auto span = Hex(text.substr(kSpan, 16));
  const auto flags = Hex(text.substr(kFlags, 2));
  if (!version || !high || !low || !span || !flags) return std::nullopt;
  if (*version == kNoSuchVersion) return std::nullopt;
  const bool has_more = text.size() > kLength;
  if (has_more && (*version == 0 || text[kLength] != '-')) return std::nullopt;
  const TraceContext context{{*high, *low}, {*span}, (*flags & kSampled) != 0};
  if (context.trace.is_none() || context.span.is_none()) return std::nullopt;
  return context;
}

std::string FormatTraceparent(const TraceContext& context) {
  return fmt::format("00-{:016x}{:016x}-{:016x}-{:02x}", context.trace.high, context.trace.low,
                     context.span.value, context.sampled ? kSampled : 0);
}

bool MayPassTracestate(std::string_view text) {
  return !text.empty() && text.size() <= kMaxTracestateBytes &&
         std::ranges::all_of(text, [](char c) { return c == '\t' || (c >= ' ' && c <= '~'); });
}

}  // namespace podium::telemetry
