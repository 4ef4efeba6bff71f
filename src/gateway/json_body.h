// A request's body as a validated JSON tree. Private to the codecs.
#pragma once

#include <simdjson.h>

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace podium::gateway {

/// Threads: one per core. The memory of large bodies is given back with the next small one.
class JsonBody {
 public:
  /// The whole text, validated; elements live until the next call. Integers beyond 64 bits read as
  /// floating point. kInvalidArgument with line and column; `when_empty` is the message for no
  /// text. REQUIRES: net::kBodyPadding readable bytes behind `text`.
  Result<simdjson::dom::element> Parse(std::string_view text, std::string_view when_empty);

 private:
  simdjson::dom::parser parser_;
  std::string rewritten_;  // The body without huge integers; rarely used.
};

}  // namespace podium::gateway
