#include "domain/names.h"

#include <algorithm>

#include "base/limits.h"

namespace podium {
namespace {

bool IsAlnum(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}
bool IsSaltChar(char c) { return IsAlnum(c) || c == '.' || c == '_' || c == '-'; }
bool IsNameChar(char c) { return IsSaltChar(c) || c == ':'; }

// Bytes of the UTF-8 sequence that starts `text`; 0 when it is not valid (RFC 3629).
std::size_t SequenceLength(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return 1;
  std::size_t length = 0;
  unsigned char low = 0x80;
  unsigned char high = 0xBF;
  if (lead >= 0xC2 && lead <= 0xDF) {
    length = 2;
  } else if (lead >= 0xE0 && lead <= 0xEF) {
    length = 3;
    if (lead == 0xE0) low = 0xA0;   // Overlong.
    if (lead == 0xED) high = 0x9F;  // Surrogates.
  } else if (lead >= 0xF0 && lead <= 0xF4) {
    length = 4;
    if (lead == 0xF0) low = 0x90;   // Overlong.
    if (lead == 0xF4) high = 0x8F;  // Above U+10FFFF.
  } else {
    return 0;
  }
  if (text.size() < length || byte(1) < low || byte(1) > high) return 0;
  for (std::size_t i = 2; i < length; ++i) {
    if (byte(i) < 0x80 || byte(i) > 0xBF) return 0;
  }
  return length;
}

}  // namespace

Status CheckName(std::string_view what, std::string_view name) {
  if (name.empty()) return Fail(ErrorCode::kInvalidArgument, "{} is empty", what);
  if (name.size() > limits::kMaxNameBytes) {
    return Fail(ErrorCode::kInvalidArgument, "{} is {} bytes long, the limit is {}", what, name.size(),
                limits::kMaxNameBytes);
  }
  if (!IsAlnum(name.front()) || !std::all_of(name.begin(), name.end(), IsNameChar)) {
    return Fail(ErrorCode::kInvalidArgument,
                "{} may hold letters, digits and . _ - : and starts with a letter or digit", what);
  }
  return {};
}

Status CheckSalt(std::string_view salt) {
  if (salt.empty() || salt.size() > limits::kMaxSaltBytes ||
      !std::all_of(salt.begin(), salt.end(), IsSaltChar)) {
    return Fail(ErrorCode::kInvalidArgument, "a salt is 1 to {} of [A-Za-z0-9._-]",
                limits::kMaxSaltBytes);
  }
  return {};
}

Status CheckText(std::string_view what, std::string_view text, std::size_t limit) {
  if (text.size() > limit) {
    return Fail(ErrorCode::kInvalidArgument, "{} is {} bytes long, the limit is {}", what, text.size(),
                limit);
  }
  while (!text.empty()) {
    const std::size_t length = SequenceLength(text);
    const auto lead = static_cast<unsigned char>(text.front());
    if (length == 0) return Fail(ErrorCode::kInvalidArgument, "{} is not valid UTF-8", what);
    if (lead < 0x20 || lead == 0x7F) {
      return Fail(ErrorCode::kInvalidArgument, "{} holds a control character", what);
    }
    text.remove_prefix(length);
  }
  return {};
}

}  // namespace podium
