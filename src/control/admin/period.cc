#include "control/admin/period.h"

#include <fmt/format.h>

#include <charconv>
#include <optional>

#include "control/admin/query.h"

namespace podium::control {
namespace {

constexpr const char* kUsualAge = "24h";
constexpr std::int64_t kMostAgo = 36'500;  // Of any unit's number: a hundred years of days.

std::optional<std::chrono::seconds> UnitOfAge(char unit) {
  switch (unit) {
    case 's':
      return std::chrono::seconds(1);
    case 'm':
      return std::chrono::minutes(1);
    case 'h':
      return std::chrono::hours(1);
    case 'd':
      return std::chrono::hours(24);
    default:
      return std::nullopt;
  }
}

}  // namespace

Result<WallTime> ReadMoment(std::string_view name, const std::string& text, WallTime now) {
  std::int64_t number = 0;
  const char* end = text.data() + text.size();
  const auto [stop, failed] = std::from_chars(text.data(), end, number);
  if (failed == std::errc() && stop + 1 == end && number >= 0 && number <= kMostAgo * 24) {
    if (const auto unit = UnitOfAge(*stop)) return now - number * *unit;
  }
  if (const std::optional<WallTime> time = ParseUtc(text)) return *time;
  return Fail(Error{ErrorCode::kInvalidArgument,
                    fmt::format("{} must be a time such as 2026-03-09T14:31:07Z, or an age such "
                                "as 24h, not \"{}\"",
                                name, text),
                    std::string(name), nullptr});
}

Result<Period> ReadPeriod(const net::RequestHead& head, WallTime now) {
  Period period;
  PODIUM_TRY_ASSIGN(period.since,
                    ReadMoment("since", QueryText(head, "since").value_or(kUsualAge), now));
  period.until = now + std::chrono::microseconds(1);
  if (const auto until = QueryText(head, "until")) {
    PODIUM_TRY_ASSIGN(period.until, ReadMoment("until", *until, now));
  }
  return period;
}

}  // namespace podium::control
