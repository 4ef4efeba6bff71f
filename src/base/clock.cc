#include "base/clock.h"

#include <fmt/chrono.h>

#include <algorithm>
#include <charconv>

namespace podium {
namespace {

/// Reads a time from left to right; anything unexpected makes it bad for good.
class TimeText {
 public:
  explicit TimeText(std::string_view text) : text_(text) {}

  int Digits(std::size_t count) {
    int value = 0;
    if (text_.size() < count) return Spoil();
    const char* end = text_.data() + count;
    const auto [stop, error] = std::from_chars(text_.data(), end, value);
    if (error != std::errc() || stop != end || text_.front() == '-') return Spoil();
    text_.remove_prefix(count);
    return value;
  }
  bool Skip(char c) {
    if (text_.empty() || text_.front() != c) return false;
    text_.remove_prefix(1);
    return true;
  }
  void Expect(char c) { good_ = Skip(c) && good_; }
  /// What follows the point, one to six digits, as microseconds.
  int Fraction() {
    const std::size_t count = std::min(text_.find_first_not_of("0123456789"), text_.size());
    if (count < 1 || count > 6) return Spoil();
    int micros = Digits(count);
    for (std::size_t digit = count; digit < 6; ++digit) micros *= 10;
    return micros;
  }
  bool ended_well() const { return good_ && text_.empty(); }

 private:
  int Spoil() {
    good_ = false;
    return 0;
  }

  std::string_view text_;
  bool good_ = true;
};

}  // namespace

WallTime SystemClock::Now() const {
  return std::chrono::time_point_cast<std::chrono::microseconds>(std::chrono::system_clock::now());
}

SteadyTime SystemClock::SteadyNow() const { return std::chrono::steady_clock::now(); }

std::string FormatUtc(WallTime time) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time);
  const auto micros = (time - seconds).count();
  const std::time_t unix_seconds = seconds.time_since_epoch().count();
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:06}Z", fmt::gmtime(unix_seconds), micros);
}

std::optional<WallTime> ParseUtc(std::string_view text) {
  namespace chrono = std::chrono;
  TimeText in(text);
  const chrono::year year{in.Digits(4)};
  in.Expect('-');
  const chrono::month month{static_cast<unsigned>(in.Digits(2))};
  in.Expect('-');
  const chrono::day day{static_cast<unsigned>(in.Digits(2))};
  in.Expect('T');
  const int hour = in.Digits(2);
  in.Expect(':');
  const int minute = in.Digits(2);
  const int second = in.Skip(':') ? in.Digits(2) : 0;
  const int micros = in.Skip('.') ? in.Fraction() : 0;
  in.Expect('Z');
  const chrono::year_month_day date = year / month / day;
  if (!in.ended_well() || !date.ok() || hour > 23 || minute > 59 || second > 59) return {};
  return WallTime(chrono::sys_days(date)) + chrono::hours(hour) + chrono::minutes(minute) +
         chrono::seconds(second) + chrono::microseconds(micros);
}

}  // namespace podium
