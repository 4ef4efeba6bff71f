#include "net/http_head.h"

#include <array>

#include "net/char_class.h"

namespace podium::net {
namespace {

constexpr std::array<std::string_view, kHttpMethodCount> kNames = {
    "GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"};

}  // namespace

std::string_view NameOf(HttpMethod method) { return kNames[static_cast<std::size_t>(method)]; }

std::optional<HttpMethod> MethodFrom(std::string_view name) {
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    if (kNames[i] == name) return static_cast<HttpMethod>(i);
  }
  return std::nullopt;
}

bool EqualsIgnoreCase(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (LowerAscii(a[i]) != LowerAscii(b[i])) return false;
  }
  return true;
}

std::optional<std::string_view> FindField(const std::vector<HeaderField>& fields,
                                          std::string_view name) {
  for (const HeaderField& field : fields) {
    if (EqualsIgnoreCase(field.name, name)) return field.value;
  }
  return std::nullopt;
}

}  // namespace podium::net
