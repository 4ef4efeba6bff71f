#include "predictions/logging_policy.h"

#include <algorithm>
#include <charconv>

namespace podium::predictions {
namespace {

// The next part of a pointer, unescaped; takes it off the front. REQUIRES: it starts with '/'.
std::string TakePart(std::string_view& pointer) {
  pointer.remove_prefix(1);
  const std::size_t end = std::min(pointer.find('/'), pointer.size());
  std::string part;
  for (std::size_t i = 0; i < end; ++i) {
    const bool escaped = pointer[i] == '~' && i + 1 < end;
    if (!escaped) {
      part += pointer[i];
    } else {
      part += pointer[++i] == '1' ? '/' : '~';
    }
  }
  pointer.remove_prefix(end);
  return part;
}

std::size_t RedactAt(Json& value, std::string_view pointer) {
  if (pointer.empty()) {
    value = std::string(kRedacted);
    return 1;
  }
  if (!value.is_structured()) return 0;
  const std::string part = TakePart(pointer);
  std::size_t count = 0;
  if (part == "*") {
    for (Json& each : value) count += RedactAt(each, pointer);
    return count;
  }
  if (value.is_object()) {
    const auto found = value.find(part);
    return found == value.end() ? 0 : RedactAt(*found, pointer);
  }
  std::size_t index = 0;
  const char* end = part.data() + part.size();
  const auto [stop, failed] = std::from_chars(part.data(), end, index);
  if (failed != std::errc() || stop != end || index >= value.size()) return 0;
  return RedactAt(value[index], pointer);
}

}  // namespace

bool LoggingPolicy::any() const {
  return all.log || std::ranges::any_of(routes, [](const auto& route) { return route.second.log; });
}

std::size_t Redact(Json& value, const std::vector<std::string>& pointers) {
  std::size_t count = 0;
  for (const std::string& pointer : pointers) count += RedactAt(value, pointer);
  return count;
}

bool IsJsonPointer(std::string_view text) {
  if (text.empty()) return true;
  if (text.front() != '/') return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '~') continue;
    if (i + 1 >= text.size() || (text[i + 1] != '0' && text[i + 1] != '1')) return false;
  }
  return true;
}

}  // namespace podium::predictions
