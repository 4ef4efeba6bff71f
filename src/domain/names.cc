#include "domain/names.h"

#include <algorithm>

#include "base/limits.h"
#include "base/utf8.h"

namespace podium {
namespace {

bool IsAlnum(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}
bool IsSaltChar(char c) { return IsAlnum(c) || c == '.' || c == '_' || c == '-'; }
bool IsNameChar(char c) { return IsSaltChar(c) || c == ':'; }

}  // namespace

Status CheckName(std::string_view what, std::string_view name) {
  if (name.empty()) return Fail(ErrorCode::kInvalidArgument, "{} is empty", what);
  if (name.size() > limits::kMaxNameBytes) {
    return Fail(ErrorCode::kInvalidArgument, "{} is {} bytes long, the limit is {}", what,
                name.size(), limits::kMaxNameBytes);
  }
  if (!IsAlnum(name.front()) || !std::all_of(name.begin(), name.end(), IsNameChar)) {
    return Fail(ErrorCode::kInvalidArgument,
                "{} may hold letters, digits and . _ - : and starts with a letter or digit", what);
  }
  return {};
}

std::string NameFrom(std::string_view text) {
  std::string name(text.substr(0, limits::kMaxNameBytes));
  std::ranges::replace_if(name, [](char c) { return !IsNameChar(c); }, '-');
  if (name.empty() || !IsAlnum(name.front())) name.insert(0, 1, 'm');
  name.resize(std::min(name.size(), limits::kMaxNameBytes));
  return name;
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
    return Fail(ErrorCode::kInvalidArgument, "{} is {} bytes long, the limit is {}", what,
                text.size(), limit);
  }
  while (!text.empty()) {
    const std::size_t length = Utf8Length(text);
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
