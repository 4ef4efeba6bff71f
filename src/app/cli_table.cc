#include "app/cli_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>

#include "base/assert.h"

namespace podium::app {
namespace {

constexpr std::string_view kGap = "  ";

// Code points, which is what a terminal counts as far as names and numbers go.
std::size_t Width(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U;
  }));
}

void AppendCell(std::string& line, std::string_view text, std::size_t width, Table::Align align) {
  const std::string padding(width - Width(text), ' ');
  if (align == Table::Align::kRight) line += padding;
  line += text;
  if (align == Table::Align::kLeft) line += padding;
}

void AppendLine(std::string& text, std::string line) {
  line.erase(line.find_last_not_of(' ') + 1);
  text += line + "\n";
}

std::string TrimZeros(std::string text) {
  if (text.find('.') == std::string::npos) return text;
  text.erase(text.find_last_not_of('0') + 1);
  if (text.ends_with('.')) text.pop_back();
  return text;
}

}  // namespace

void Table::Add(std::vector<std::string> cells) {
  PODIUM_ASSERT(cells.size() == columns_.size());
  for (std::string& cell : cells) {
    if (cell.empty()) cell = "-";
  }
  rows_.push_back(std::move(cells));
}

std::string Table::Render() const {
  std::vector<std::size_t> widths;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    std::size_t width = Width(columns_[i].title);
    for (const auto& row : rows_) width = std::max(width, Width(row[i]));
    widths.push_back(width);
  }
  std::string text;
  std::string line;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    if (i > 0) line += kGap;
    AppendCell(line, columns_[i].title, widths[i], columns_[i].align);
  }
  AppendLine(text, std::move(line));
  for (const auto& row : rows_) {
    line.clear();
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      if (i > 0) line += kGap;
      AppendCell(line, row[i], widths[i], columns_[i].align);
    }
    AppendLine(text, std::move(line));
  }
  return text;
}

std::string WithThousands(std::uint64_t number) {
  std::string digits = fmt::to_string(number);
  for (std::size_t at = digits.size(); at > 3;) {
    at -= 3;
    digits.insert(at, ",");
  }
  return digits;
}

std::string AsPercent(double fraction) { return ShowPercent(fraction * 100); }

std::string ShowPercent(double percent) { return TrimZeros(fmt::format("{:.2f}", percent)) + " %"; }

std::string ShowMilliseconds(double milliseconds) {
  const int digits = milliseconds < 1 ? 3 : milliseconds < 10 ? 2 : milliseconds < 100 ? 1 : 0;
  return fmt::format("{:.{}f}", milliseconds, digits);
}

}  // namespace podium::app
