#include "base/money.h"

#include <fmt/format.h>

#include <charconv>
#include <cstdlib>
#include <system_error>

namespace podium {
namespace {

constexpr std::size_t kDigits = 9;

bool AllDigits(std::string_view text) {
  return text.find_first_not_of("0123456789") == std::string_view::npos;
}

std::optional<std::int64_t> ParseWhole(std::string_view digits) {
  std::int64_t value = 0;
  const char* end = digits.data() + digits.size();
  const auto [stop, error] = std::from_chars(digits.data(), end, value);
  if (error != std::errc{} || stop != end) return std::nullopt;
  return value;
}

}  // namespace

std::int64_t RoundToMicroUsd(NanoUsd amount) {
  const std::int64_t whole = amount.value / kNanosPerMicroUsd;
  const std::int64_t rest = amount.value % kNanosPerMicroUsd;
  const std::int64_t twice = 2 * std::abs(rest);
  const bool away = twice > kNanosPerMicroUsd || (twice == kNanosPerMicroUsd && whole % 2 != 0);
  if (!away) return whole;
  return amount.value < 0 ? whole - 1 : whole + 1;
}

std::string FormatUsd(NanoUsd amount) {
  const bool negative = amount.value < 0;
  const auto bits = static_cast<std::uint64_t>(amount.value);
  const std::uint64_t size = negative ? 0 - bits : bits;
  const auto unit = static_cast<std::uint64_t>(kNanosPerUsd);
  return fmt::format("{}{}.{:09}", negative ? "-" : "", size / unit, size % unit);
}

std::optional<NanoUsd> ParseUsd(std::string_view text) {
  const std::size_t point = text.find('.');
  const std::string_view whole = text.substr(0, point);
  const std::string_view rest = point == std::string_view::npos ? "" : text.substr(point + 1);
  if (whole.empty() || !AllDigits(whole) || !AllDigits(rest) || rest.size() > kDigits) {
    return std::nullopt;
  }
  if (point != std::string_view::npos && rest.empty()) return std::nullopt;
  const std::optional<std::int64_t> usd = ParseWhole(whole);
  const std::string padded = std::string(rest) + std::string(kDigits - rest.size(), '0');
  const std::optional<std::int64_t> nanos = ParseWhole(padded);
  std::int64_t scaled = 0;
  if (!usd || !nanos || __builtin_mul_overflow(*usd, kNanosPerUsd, &scaled)) return std::nullopt;
  return Add(NanoUsd{scaled}, NanoUsd{*nanos});
}

}  // namespace podium
