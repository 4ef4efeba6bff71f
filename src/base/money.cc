#include "base/money.h"

#include <fmt/format.h>

#include <charconv>
#include <cstdlib>
#include <system_error>

namespace podium {
namespace {

constexpr std::size_t kDigits = 9;
constexpr std::size_t kMicroDigits = 6;

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

// `value` with its last `places` digits behind the point.
std::string WithPoint(std::int64_t value, std::size_t places) {
  const auto bits = static_cast<std::uint64_t>(value);
  const fmt::format_int text(value < 0 ? 0 - bits : bits);
  const std::string_view digits(text.data(), text.size());
  const std::size_t whole = digits.size() > places ? digits.size() - places : 0;
  std::string out = value < 0 ? "-" : "";
  out.append(whole > 0 ? digits.substr(0, whole) : "0").append(".");
  out.append(places - (digits.size() - whole), '0');
  return out.append(digits.substr(whole));
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

std::string FormatUsd(NanoUsd amount) { return WithPoint(amount.value, kDigits); }

std::string FormatMicroUsd(NanoUsd amount) {
  return WithPoint(RoundToMicroUsd(amount), kMicroDigits);
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
