#include "runtime/path_text.h"

#include <algorithm>
#include <utility>

#include "domain/model_limits.h"

namespace podium::runtime {
namespace {

int DigitAt(std::string_view text, std::size_t at) {
  if (at >= text.size()) return -1;
  const char c = text[at];
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

std::string DecodedOnce(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size(); ++at) {
    const int high = text[at] == '%' ? DigitAt(text, at + 1) : -1;
    const int low = high < 0 ? -1 : DigitAt(text, at + 2);
    if (low < 0) {
      out += text[at];
      continue;
    }
    out += static_cast<char>(high * 16 + low);
    at += 2;
  }
  return out;
}

}  // namespace

std::optional<std::string> DecodedFully(std::string_view text) {
  std::string decoded(text);
  for (int times = 0; times <= limits::kMaxPathDecodings; ++times) {
    std::string next = DecodedOnce(decoded);
    if (next == decoded) return decoded;
    decoded = std::move(next);
  }
  return std::nullopt;
}

bool LeadsUp(std::string_view decoded) {
  while (true) {
    const std::size_t end = decoded.find_first_of("/\\?#;");
    if (decoded.substr(0, end) == "..") return true;
    if (end == std::string_view::npos) return false;
    decoded.remove_prefix(end + 1);
  }
}

bool HasControl(std::string_view text) {
  return std::ranges::any_of(
      text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; });
}

}  // namespace podium::runtime
