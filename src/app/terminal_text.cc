#include "app/terminal_text.h"

#include <fmt/format.h>

#include <cstdint>

#include "base/utf8.h"

namespace podium::app {
namespace {

// REQUIRES: `character` is one whole character.
std::uint32_t CodePoint(std::string_view character) {
  const auto lead = static_cast<unsigned char>(character[0]);
  if (character.size() == 1) return lead;
  std::uint32_t code = lead & (0xFFU >> (character.size() + 1));
  for (const char c : character.substr(1))
    code = code << 6 | (static_cast<unsigned char>(c) & 0x3F);
  return code;
}

// The C1 controls, and the marks that change the direction of what follows.
bool Steers(std::uint32_t code) {
  return (code >= 0x80 && code < 0xA0) || code == 0x061C || code == 0x200E || code == 0x200F ||
         (code >= 0x2028 && code <= 0x202E) || (code >= 0x2066 && code <= 0x2069);
}

}  // namespace

std::string Harmless(std::string_view text) {
  std::string shown;
  shown.reserve(text.size());
  while (!text.empty()) {
    const std::size_t length = Utf8Length(text);
    const std::string_view character = text.substr(0, length == 0 ? 1 : length);
    text.remove_prefix(character.size());
    if (length == 0) {
      shown += "\xEF\xBF\xBD";
      continue;
    }
    const std::uint32_t code = CodePoint(character);
    if (code == '\n' || code == '\t') {
      shown += static_cast<char>(code);
    } else if (code < 0x20 || code == 0x7F) {
      shown += '^';
      shown += static_cast<char>(code ^ 0x40U);  // As terminals themselves write them.
    } else if (Steers(code)) {
      shown += fmt::format("<U+{:04X}>", code);
    } else {
      shown += character;
    }
  }
  return shown;
}

}  // namespace podium::app
