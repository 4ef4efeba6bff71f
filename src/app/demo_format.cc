#include "app/demo_format.h"

#include <fmt/format.h>

#include <algorithm>

namespace podium::app {
namespace {

// Bytes of the UTF-8 sequence that starts at `text[at]`, never past the end.
std::size_t SequenceAt(std::string_view text, std::size_t at) {
  const auto lead = static_cast<unsigned char>(text[at]);
  const std::size_t length = lead < 0xC0 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  return std::min(length, text.size() - at);
}

// U+0080 to U+009F (0xC2 and then below 0xA0) count too: some terminals obey them. A byte that
// starts no sequence is shown as one unknown character.
bool Shown(std::string_view sequence) {
  const auto lead = static_cast<unsigned char>(sequence[0]);
  if (sequence.size() == 1) return lead >= 0x20 && lead < 0x7F;
  return lead != 0xC2 || static_cast<unsigned char>(sequence[1]) >= 0xA0;
}

}  // namespace

std::string ShortPercent(double percent) {
  std::string text = fmt::format("{:.2f}", percent);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.back() == '.') text.pop_back();
  return text;
}

std::string ShowRatio(std::optional<double> ratio, int decimals) {
  return ratio ? fmt::format("{:.{}f}%", *ratio * 100, decimals) : "-";
}

std::string ShowMilliseconds(std::chrono::nanoseconds time) {
  const double ms = std::chrono::duration<double, std::milli>(time).count();
  if (ms < 10) return fmt::format("{:.2f}", ms);
  return ms < 100 ? fmt::format("{:.1f}", ms) : fmt::format("{:.0f}", ms);
}

std::string ShowElapsed(std::chrono::seconds time) {
  const auto seconds = time.count();
  return fmt::format("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
}

std::string ShowSeconds(std::chrono::milliseconds time) {
  return fmt::format("{:.2f} s", static_cast<double>(time.count()) / 1000);
}

std::string ShowCount(std::uint64_t count, std::string_view one) {
  return fmt::format("{} {}{}", count, one, count == 1 ? "" : "s");
}

std::string Fit(std::string_view text, std::size_t width) {
  std::string out;
  std::size_t length = 0;
  for (std::size_t at = 0; at < text.size() && width > 0; at += length, --width) {
    length = SequenceAt(text, at);
    const std::string_view sequence = text.substr(at, length);
    out += Shown(sequence) ? sequence : "?";
  }
  return out;
}

std::size_t CharactersOf(std::string_view text) {
  std::size_t count = 0;
  for (std::size_t at = 0; at < text.size(); at += SequenceAt(text, at)) ++count;
  return count;
}

std::string ShellWord(std::string_view text) {
  constexpr std::string_view kPlain =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789/._-+:@%,=";
  if (!text.empty() && text.find_first_not_of(kPlain) == std::string_view::npos) {
    return std::string(text);
  }
  std::string word = "'";
  for (const char c : text) word += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return word + "'";
}

std::string ShownProgram(std::string_view program, std::string_view directory) {
  if (directory.empty() || directory == "/" || !program.starts_with(directory)) {
    return std::string(program);
  }
  std::string_view below = program.substr(directory.size());
  if (!below.starts_with('/')) return std::string(program);
  below.remove_prefix(1);
  // Without a slash the shell would look it up in PATH.
  return below.find('/') == std::string_view::npos ? fmt::format("./{}", below)
                                                   : std::string(below);
}

}  // namespace podium::app
