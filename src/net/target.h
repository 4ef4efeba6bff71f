// Paths and queries: percent-decoding without surprises. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace podium::net {

/// Fails on a '%' without two hexadecimal digits and on %00. '+' stays as it is.
Result<std::string> PercentDecode(std::string_view text);
/// Everything but letters, digits and "-._~" encoded: right for one path segment or query value.
std::string PercentEncode(std::string_view text);

/// The segments between slashes, decoded: "/a/b%2Fc" gives {"a", "b/c"}; "/" gives {}; "/a/" gives
/// {"a", ""}. REQUIRES: `path` starts with '/'; otherwise kInvalidArgument.
Result<std::vector<std::string>> SplitPath(std::string_view path);

/// The decoded value of the first `key` in "a=1&b=2" ('+' means a space here); nullopt when absent
/// or not decodable (which the head parser has refused before).
std::optional<std::string> QueryValue(std::string_view query, std::string_view key);

}  // namespace podium::net
