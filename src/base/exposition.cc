#include "base/exposition.h"

#include <fmt/format.h>

#include <array>
#include <chrono>
#include <cmath>

namespace podium {
namespace {

struct Bound {
  std::chrono::microseconds limit;
  std::string_view seconds;
};
constexpr std::array<Bound, 16> kBounds = {{
    {std::chrono::microseconds(100), "0.0001"},
    {std::chrono::microseconds(250), "0.00025"},
    {std::chrono::microseconds(500), "0.0005"},
    {std::chrono::microseconds(1'000), "0.001"},
    {std::chrono::microseconds(2'500), "0.0025"},
    {std::chrono::microseconds(5'000), "0.005"},
    {std::chrono::microseconds(10'000), "0.01"},
    {std::chrono::microseconds(25'000), "0.025"},
    {std::chrono::microseconds(50'000), "0.05"},
    {std::chrono::microseconds(100'000), "0.1"},
    {std::chrono::microseconds(250'000), "0.25"},
    {std::chrono::microseconds(500'000), "0.5"},
    {std::chrono::microseconds(1'000'000), "1"},
    {std::chrono::microseconds(2'500'000), "2.5"},
    {std::chrono::microseconds(5'000'000), "5"},
    {std::chrono::microseconds(10'000'000), "10"},
}};

void AppendEscaped(std::string& out, std::string_view value) {
  for (const char c : value) {
    if (c == '\n') {
      out += "\\n";
      continue;
    }
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
}

std::string NumberText(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
  const bool whole = std::trunc(value) == value && std::abs(value) < 1e15;
  return whole ? fmt::format("{}", static_cast<std::int64_t>(value)) : fmt::format("{}", value);
}

}  // namespace

void Exposition::Family(std::string_view name, std::string_view type, std::string_view help) {
  family_ = name;
  text_ += fmt::format("# HELP {} {}\n# TYPE {} {}\n", name, help, name, type);
}

void Exposition::Sample(Labels labels, double value) { Line("", labels, "", value); }

void Exposition::Sample(Labels labels, const HistogramSnapshot& histogram) {
  for (const Bound& bound : kBounds) {
    Line("_bucket", labels, bound.seconds, static_cast<double>(histogram.CountAtMost(bound.limit)));
  }
  Line("_bucket", labels, "+Inf", static_cast<double>(histogram.count()));
  Line("_sum", labels, "", std::chrono::duration<double>(histogram.sum()).count());
  Line("_count", labels, "", static_cast<double>(histogram.count()));
}

void Exposition::Line(std::string_view suffix, Labels labels, std::string_view le, double value) {
  text_ += family_;
  text_ += suffix;
  if (labels.size() > 0 || !le.empty()) {
    char separator = '{';
    for (const auto& [key, text] : labels) {
      text_ += separator;
      text_ += fmt::format("{}=\"", key);
      AppendEscaped(text_, text);
      text_ += '"';
      separator = ',';
    }
    if (!le.empty()) text_ += fmt::format("{}le=\"{}\"", separator, le);
    text_ += '}';
  }
  text_ += ' ';
  text_ += NumberText(value);
  text_ += '\n';
}

}  // namespace podium
