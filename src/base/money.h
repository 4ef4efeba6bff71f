// Money, exact: whole nano-dollars in 64 bits. Floating point never holds an amount.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

namespace podium {

/// An amount in 1e-9 US dollars: 9.2 billion dollars at most.
struct NanoUsd {
  std::int64_t value = 0;
  auto operator<=>(const NanoUsd&) const = default;
};

inline constexpr std::int64_t kNanosPerUsd = 1'000'000'000;
inline constexpr std::int64_t kNanosPerMicroUsd = 1'000;

/// nullopt when the sum does not fit.
inline std::optional<NanoUsd> Add(NanoUsd a, NanoUsd b) {
  std::int64_t sum = 0;
  if (__builtin_add_overflow(a.value, b.value, &sum)) return std::nullopt;
  return NanoUsd{sum};
}
/// The sum, or the largest amount where it does not fit. REQUIRES: neither is negative.
inline NanoUsd AddUpTo(NanoUsd a, NanoUsd b) {
  return Add(a, b).value_or(NanoUsd{std::numeric_limits<std::int64_t>::max()});
}

/// Whole micro-dollars (what the API shows), half to even.
std::int64_t RoundToMicroUsd(NanoUsd amount);
/// "0.000150000": always nine digits behind the point.
std::string FormatUsd(NanoUsd amount);
/// "0.000150": always six, as the API shows money; half to even.
std::string FormatMicroUsd(NanoUsd amount);
/// "2.5", "0.15", "3": plain decimal, at most nine digits behind the point, not negative; nullopt
/// for anything else and for what does not fit.
std::optional<NanoUsd> ParseUsd(std::string_view text);

}  // namespace podium
