#include "app/setting_text.h"

#include <array>
#include <charconv>
#include <limits>
#include <optional>

namespace podium::app {
namespace {

struct Unit {
  std::string_view name;
  std::uint64_t factor;
};

// Largest first, so that formatting takes the first that divides.
constexpr std::array<Unit, 5> kDurations = {
    {{"h", 3'600'000'000}, {"m", 60'000'000}, {"s", 1'000'000}, {"ms", 1'000}, {"us", 1}}};
constexpr std::array<Unit, 4> kSizes = {
    {{"GiB", 1ULL << 30}, {"MiB", 1ULL << 20}, {"KiB", 1ULL << 10}, {"B", 1}}};

struct Measured {
  std::uint64_t number = 0;
  std::string_view unit;
};

// "30s" is 30 and "s"; spaces between are allowed. Nothing else is.
std::optional<Measured> Split(std::string_view text) {
  Measured measured;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, measured.number);
  if (error != std::errc{}) return std::nullopt;
  measured.unit = text.substr(static_cast<std::size_t>(stop - text.data()));
  const std::size_t first = measured.unit.find_first_not_of(' ');
  measured.unit = first == std::string_view::npos ? "" : measured.unit.substr(first);
  return measured;
}

template <std::size_t N>
std::optional<std::uint64_t> Factor(const std::array<Unit, N>& units, std::string_view name) {
  for (const Unit& unit : units) {
    if (unit.name == name) return unit.factor;
  }
  return std::nullopt;
}

template <std::size_t N>
std::string Format(const std::array<Unit, N>& units, std::uint64_t value) {
  for (const Unit& unit : units) {
    if (value != 0 && value % unit.factor == 0) {
      return fmt::format("{}{}", value / unit.factor, unit.name);
    }
  }
  return "0";
}

bool Fits(std::uint64_t number, std::uint64_t factor) {
  return number <= static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()) / factor;
}

}  // namespace

Result<std::chrono::microseconds> ParseDuration(std::string_view text) {
  const auto measured = Split(text);
  if (measured && measured->unit.empty()) {
    if (measured->number == 0) return std::chrono::microseconds(0);
    return Fail(ErrorCode::kInvalidArgument, "\"{}\" has no unit (did you mean \"{}s\"?)", text,
                measured->number);
  }
  const auto factor = measured ? Factor(kDurations, measured->unit) : std::nullopt;
  if (!factor || !Fits(measured->number, *factor)) {
    return Fail(ErrorCode::kInvalidArgument,
                "\"{}\" is not a duration: write a whole number and us, ms, s, m or h, as in 30s",
                text);
  }
  return std::chrono::microseconds(measured->number * *factor);
}

std::string FormatDuration(std::chrono::microseconds duration) {
  return Format(kDurations, static_cast<std::uint64_t>(duration.count()));
}

Result<std::uint64_t> ParseSize(std::string_view text) {
  const auto measured = Split(text);
  const std::string_view unit = measured ? measured->unit : "";
  if (unit == "KB" || unit == "MB" || unit == "GB" || unit == "kB" || unit == "K" || unit == "M" ||
      unit == "G" || unit == "k") {
    const char letter = unit.front() == 'k' ? 'K' : unit.front();
    return Fail(ErrorCode::kInvalidArgument, "\"{}\" has no clear unit (did you mean \"{}{}iB\"?)",
                text, measured->number, letter);
  }
  const auto factor = !measured      ? std::nullopt
                      : unit.empty() ? std::optional<std::uint64_t>(1)
                                     : Factor(kSizes, unit);
  if (!factor || !Fits(measured->number, *factor)) {
    return Fail(ErrorCode::kInvalidArgument,
                "\"{}\" is not a size: write a whole number and B, KiB, MiB or GiB, as in 8MiB",
                text);
  }
  return measured->number * *factor;
}

std::string FormatSize(std::uint64_t bytes) { return Format(kSizes, bytes); }

Result<std::int64_t> ParseWhole(std::string_view text) {
  std::int64_t value = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (text.empty() || error != std::errc{} || stop != end) {
    return Fail(ErrorCode::kInvalidArgument, "\"{}\" is not a whole number", text);
  }
  return value;
}

}  // namespace podium::app
