#include "testing/scenario_values.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "testing/scenario_parse.h"

namespace podium::testing::scenario {
namespace {

constexpr std::size_t kMaxDigits = 9;

struct TimeUnit {
  std::string_view name;
  std::chrono::milliseconds length;
};
// The longest first: FormatPass takes the first that fits.
constexpr std::array kTimeUnits = {
    TimeUnit{"h", std::chrono::hours(1)},
    TimeUnit{"m", std::chrono::minutes(1)},
    TimeUnit{"s", std::chrono::seconds(1)},
    TimeUnit{"ms", std::chrono::milliseconds(1)},
};

bool Digit(char c) { return c >= '0' && c <= '9'; }

std::optional<std::pair<std::string_view, std::string_view>> SplitRange(std::string_view text) {
  const std::size_t dots = text.find("..");
  if (dots == std::string_view::npos) return std::nullopt;
  return std::pair(text.substr(0, dots), text.substr(dots + 2));
}

std::size_t PrefixLength(std::string_view text) {
  std::size_t length = text.size();
  while (length > 0 && Digit(text[length - 1])) --length;
  return length;
}

}  // namespace

std::optional<int> ReadNumber(std::string_view text) {
  if (text.empty() || text.size() > kMaxDigits) return std::nullopt;
  int number = 0;
  for (const char c : text) {
    if (!Digit(c)) return std::nullopt;
    number = number * 10 + (c - '0');
  }
  return number;
}

std::optional<BasisPoints> ReadShare(std::string_view text) {
  if (text.empty() || !text.ends_with('%') || !Digit(text.front())) return std::nullopt;
  text.remove_suffix(1);
  double percent = 0;
  const auto [end, problem] =
      std::from_chars(text.data(), text.data() + text.size(), percent, std::chars_format::fixed);
  if (problem != std::errc() || end != text.data() + text.size()) return std::nullopt;
  const Result<BasisPoints> share = BasisPoints::FromPercent(percent);
  return share ? std::optional(*share) : std::nullopt;
}

std::optional<std::chrono::milliseconds> ReadPass(std::string_view text) {
  const std::size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  const std::optional<int> number = ReadNumber(text.substr(0, digits));
  if (!number) return std::nullopt;
  for (const TimeUnit& unit : kTimeUnits) {
    if (text.substr(digits) != unit.name) continue;
    const std::chrono::milliseconds time = *number * unit.length;
    return time <= kMaxPass ? std::optional(time) : std::nullopt;
  }
  return std::nullopt;
}

std::string FormatPass(std::chrono::milliseconds time) {
  if (time.count() == 0) return "0s";
  for (const TimeUnit& unit : kTimeUnits) {
    if (time % unit.length == std::chrono::milliseconds(0)) {
      return fmt::format("{}{}", time / unit.length, unit.name);
    }
  }
  return "";  // Every time is whole milliseconds.
}

std::optional<Crowd> ReadCrowd(std::string_view text) {
  const auto ends = SplitRange(text);
  if (!ends) return std::nullopt;
  const std::size_t prefix = PrefixLength(ends->first);
  if (ends->second.substr(0, std::min(prefix, ends->second.size())) !=
      ends->first.substr(0, prefix)) {
    return std::nullopt;
  }
  const std::optional<int> first = ReadNumber(ends->first.substr(prefix));
  const std::optional<int> last = ReadNumber(ends->second.substr(prefix));
  if (!first || !last || *last < *first || *last - *first >= kMaxCrowd) return std::nullopt;
  return Crowd{std::string(ends->first.substr(0, prefix)), *first, *last};
}

std::optional<ShareRange> ReadShareRange(std::string_view text) {
  const auto ends = SplitRange(text);
  if (!ends) return std::nullopt;
  const std::optional<BasisPoints> low = ReadShare(ends->first);
  const std::optional<BasisPoints> high = ReadShare(ends->second);
  if (!low || !high || *high < *low) return std::nullopt;
  return ShareRange{*low, *high};
}

}  // namespace podium::testing::scenario
