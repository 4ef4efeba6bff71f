// JSON for everything off the hot path: admin bodies, stored maps, command-line output.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "base/result.h"

namespace podium {

/// Keeps the order of keys as written, so that answers read as documented.
using Json = nlohmann::ordered_json;

/// Parses untrusted text. Refuses what a lenient parser would swallow: trailing bytes, duplicate
/// keys, invalid UTF-8, nesting above limits::kMaxJsonDepth. The error names line and column.
Result<Json> ParseJson(std::string_view text);

/// One line; bytes that are not UTF-8 become U+FFFD instead of an exception.
std::string DumpJson(const Json& value);
/// Two-space indentation, for people.
std::string DumpJsonPretty(const Json& value);

}  // namespace podium
