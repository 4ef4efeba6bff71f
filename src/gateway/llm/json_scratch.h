// Where JSON is parsed: bodies, answers and frames of streams, one at a time.
#pragma once

#include <simdjson.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace podium::gateway::llm {

using JsonElement = simdjson::dom::element;

/// Threads: one per core, shared by all calls and streams of that core: none of them keeps
/// anything of it between two steps.
class JsonScratch {
 public:
  /// A copy of `text`, validated whole; elements live until the next call. kInvalidArgument with
  /// the place at fault where that is cheap to find. Integers beyond 64 bits are refused.
  Result<JsonElement> Parse(std::string_view text);

 private:
  simdjson::dom::parser parser_;
  std::string padded_;
};

/// What is wrong with a text that a parser refused with `code`: kInvalidArgument, with the place at
/// fault where that is cheap to find.
Error ExplainJson(simdjson::error_code code, std::string_view text);

// Reading of optional members: what is absent, null or of another type is the empty value.
std::string_view StringAt(JsonElement object, std::string_view key);
std::optional<std::int64_t> IntegerAt(JsonElement object, std::string_view key);
bool BoolAt(JsonElement object, std::string_view key);
/// The member, unless it is absent or null.
std::optional<JsonElement> MemberAt(JsonElement object, std::string_view key);
/// As MemberAt, if it is an object.
std::optional<JsonElement> ObjectAt(JsonElement object, std::string_view key);
std::optional<simdjson::dom::array> ArrayAt(JsonElement object, std::string_view key);
std::string TextOf(JsonElement element);  ///< Its JSON text without white space.

}  // namespace podium::gateway::llm
