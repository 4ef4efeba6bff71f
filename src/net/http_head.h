// What the first lines of a request or a response say, once parsed.
//
// All text is a view into the buffer that was parsed: a head is valid as long as that buffer is.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace podium::net {

/// The methods that Podium answers. A closed list: any other valid token is 501.
enum class HttpMethod : std::uint8_t { kGet, kHead, kPost, kPut, kDelete, kPatch, kOptions };
inline constexpr int kHttpMethodCount = static_cast<int>(HttpMethod::kOptions) + 1;

std::string_view NameOf(HttpMethod method);
std::optional<HttpMethod> MethodFrom(std::string_view name);  ///< Case-sensitive, as in RFC 9110.

struct HeaderField {
  std::string_view name;   ///< As sent; compare without case.
  std::string_view value;  ///< Without the white space around it.
};

/// Names and values of headers to send.
using HeaderList = std::vector<std::pair<std::string, std::string>>;

/// ASCII only, as header names and tokens are.
bool EqualsIgnoreCase(std::string_view a, std::string_view b);

/// The value of the first field of that name; nullopt when there is none.
std::optional<std::string_view> FindField(const std::vector<HeaderField>& fields,
                                          std::string_view name);

struct RequestHead {
  HttpMethod method = HttpMethod::kGet;
  std::string_view target;  ///< As sent.
  std::string_view path;    ///< Starts with '/', still percent-encoded ("*" for OPTIONS *).
  std::string_view query;   ///< After the first '?', still percent-encoded.
  int version_minor = 1;    ///< HTTP/1.x
  std::vector<HeaderField> headers;
  std::optional<std::uint64_t> content_length;  ///< Never together with `chunked`.
  bool chunked = false;
  bool keep_alive = true;
  bool expect_continue = false;

  std::optional<std::string_view> Find(std::string_view name) const {
    return FindField(headers, name);
  }
  bool has_body() const { return chunked || content_length.value_or(0) > 0; }
};

struct ResponseHead {
  int status = 0;
  std::string_view reason;
  int version_minor = 1;
  std::vector<HeaderField> headers;
  std::optional<std::uint64_t> content_length;  ///< Never together with `chunked`.
  bool chunked = false;
  bool keep_alive = true;

  std::optional<std::string_view> Find(std::string_view name) const {
    return FindField(headers, name);
  }
};

}  // namespace podium::net
