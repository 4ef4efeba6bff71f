// How a row of the table is made for each type of setting. Private to the table's files.
#pragma once

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>
#include <cctype>
#include <chrono>
#include <filesystem>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "app/setting_table.h"
#include "app/setting_text.h"
#include "base/suggest.h"

namespace podium::app {

/// Where a setting is kept: a function of the settings and of what stands for the "*".
template <typename T>
auto Of(T Settings::* member) {
  return [member](Settings& settings, const std::string&) -> T& { return settings.*member; };
}
template <typename T>
auto OfProvider(T ProviderSettings::* member) {
  return [member](Settings& settings, const std::string& name) -> T& {
    return settings.providers[name].*member;
  };
}
template <typename Slot>
using ValueOf = std::remove_reference_t<std::invoke_result_t<Slot, Settings&, const std::string&>>;

inline std::string EnvironmentName(std::string_view path) {
  std::string name = "PODIUM_";
  for (const char c : path) {
    name += c == '.' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  }
  return name;
}

inline SettingRow Row(std::string_view path, std::string_view type, std::string_view help) {
  SettingRow row;
  row.path = path;
  if (!row.is_named()) row.env = EnvironmentName(path);
  row.type = type;
  row.help = help;
  return row;
}

inline Failure OutOfRange(std::string_view value, std::string_view low, std::string_view high) {
  return Fail(ErrorCode::kInvalidArgument, "is {}, must be within {}..{}", value, low, high);
}

// What a parser says about a text becomes "is wrong: ..." behind the path.
inline Failure Wrong(Error error) {
  return Fail(ErrorCode::kInvalidArgument, "is wrong: {}", error.message);
}

template <typename Slot>
SettingRow DurationRow(std::string_view path, Slot slot, std::chrono::microseconds low,
                       std::chrono::microseconds high, std::string_view help) {
  using Duration = ValueOf<Slot>;
  SettingRow row = Row(path, "duration", help);
  row.range = FormatDuration(low) + ".." + FormatDuration(high);
  row.set = [=](Settings& settings, const std::string& name,
                const std::vector<std::string>& values) -> Status {
    const auto value = ParseDuration(values.at(0));
    if (!value) return Wrong(value.error());
    if (*value < low || *value > high) {
      return OutOfRange(values.at(0), FormatDuration(low), FormatDuration(high));
    }
    const auto whole = std::chrono::duration_cast<Duration>(*value);
    if (whole != *value) {
      return Fail(ErrorCode::kInvalidArgument, "is {}, must be a multiple of {}", values.at(0),
                  FormatDuration(Duration(1)));
    }
    slot(settings, name) = whole;
    return {};
  };
  row.show = [=](Settings settings) { return FormatDuration(slot(settings, "")); };
  return row;
}

template <typename Slot>
SettingRow WholeRow(std::string_view path, Slot slot, std::int64_t low, std::int64_t high,
                    std::string_view help) {
  SettingRow row = Row(path, "whole number", help);
  row.range = fmt::format("{}..{}", low, high);
  row.set = [=](Settings& settings, const std::string& name,
                const std::vector<std::string>& values) -> Status {
    const auto value = ParseWhole(values.at(0));
    if (!value) return Wrong(value.error());
    if (*value < low || *value > high) {
      return OutOfRange(values.at(0), fmt::to_string(low), fmt::to_string(high));
    }
    slot(settings, name) = static_cast<ValueOf<Slot>>(*value);
    return {};
  };
  row.show = [=](Settings settings) { return fmt::to_string(slot(settings, "")); };
  return row;
}

template <typename Slot>
SettingRow SizeRow(std::string_view path, Slot slot, std::uint64_t low, std::uint64_t high,
                   std::string_view help) {
  SettingRow row = Row(path, "size", help);
  row.range = FormatSize(low) + ".." + FormatSize(high);
  row.set = [=](Settings& settings, const std::string& name,
                const std::vector<std::string>& values) -> Status {
    const auto value = ParseSize(values.at(0));
    if (!value) return Wrong(value.error());
    if (*value < low || *value > high) {
      return OutOfRange(values.at(0), FormatSize(low), FormatSize(high));
    }
    slot(settings, name) = *value;
    return {};
  };
  row.show = [=](Settings settings) { return FormatSize(slot(settings, "")); };
  return row;
}

template <typename Slot, typename Choice, std::size_t N>
SettingRow ChoiceRow(std::string_view path, std::string_view type, Slot slot,
                     std::array<std::pair<std::string_view, Choice>, N> choices,
                     std::string_view help) {
  SettingRow row = Row(path, type, help);
  row.set = [=](Settings& settings, const std::string& name,
                const std::vector<std::string>& values) -> Status {
    std::vector<std::string_view> names;
    for (const auto& [word, choice] : choices) {
      names.push_back(word);
      if (word == values.at(0)) {
        slot(settings, name) = choice;
        return {};
      }
    }
    return Fail(ErrorCode::kInvalidArgument, "is \"{}\", must be one of {}{}", values.at(0),
                fmt::join(names, ", "), DidYouMean(values.at(0), names));
  };
  row.show = [=](Settings settings) -> std::string {
    for (const auto& [word, choice] : choices) {
      if (slot(settings, "") == choice) return std::string(word);
    }
    return "";
  };
  return row;
}

/// The choices of a switch.
inline constexpr auto kYesNo =
    std::to_array<std::pair<std::string_view, bool>>({{"true", true}, {"false", false}});

inline Status CheckPath(const std::string& text) {
  if (text.empty()) return Fail(ErrorCode::kInvalidArgument, "has no value");
  if (text.find('\0') != std::string::npos) {
    return Fail(ErrorCode::kInvalidArgument, "holds a zero byte, which no path can");
  }
  return {};
}

template <typename Slot>
SettingRow PathRow(std::string_view path, Slot slot, std::string_view help) {
  SettingRow row = Row(path, "path", help);
  row.set = [=](Settings& settings, const std::string& name,
                const std::vector<std::string>& values) -> Status {
    PODIUM_TRY(CheckPath(values.at(0)));
    slot(settings, name) = values.at(0);
    return {};
  };
  row.show = [=](Settings settings) { return slot(settings, "").string(); };
  return row;
}

}  // namespace podium::app
