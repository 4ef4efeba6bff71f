#include "net/request_head.h"

#include <algorithm>

#include "net/char_class.h"

namespace podium::net {
namespace {

bool NamesLength(const OutgoingHead& head) {
  return head.content_length > 0 || head.method == HttpMethod::kPost ||
         head.method == HttpMethod::kPut || head.method == HttpMethod::kPatch;
}

bool IsValid(std::string_view name, std::string_view value) {
  return !name.empty() && TokenPrefix(name) == name.size() && IsFieldText(value);
}

}  // namespace

Result<std::string> HeadText(const OutgoingHead& head) {
  const bool target_ok = head.target.starts_with('/') &&
                         std::all_of(head.target.begin(), head.target.end(), IsTargetChar);
  if (!target_ok) {
    return Fail(ErrorCode::kInvalidArgument, "'{}' is not a percent-encoded path", head.target);
  }
  std::string text;
  text.reserve(512);
  text.append(NameOf(head.method)).append(" ").append(head.target).append(" HTTP/1.1\r\nHost: ");
  text.append(head.host).append("\r\n");
  if (NamesLength(head)) {
    const fmt::format_int digits(head.content_length);
    text.append("Content-Length: ").append(digits.data(), digits.size()).append("\r\n");
  }
  if (head.content_length > 0 && !head.content_type.empty()) {
    text.append("Content-Type: ").append(head.content_type).append("\r\n");
  }
  if (head.expect_continue) text.append("Expect: 100-continue\r\n");
  for (const auto& [name, value] : head.headers) {
    if (!IsValid(name, value)) {
      return Fail(ErrorCode::kInvalidArgument, "header '{}' cannot be sent", name);
    }
    text.append(name).append(": ").append(value).append("\r\n");
  }
  text.append("\r\n");
  return text;
}

}  // namespace podium::net
