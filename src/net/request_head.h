// The head of a request as a client sends it. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "net/http_head.h"

namespace podium::net {

struct OutgoingHead {
  HttpMethod method = HttpMethod::kGet;
  std::string_view target;  ///< Path and query, percent-encoded.
  std::string_view host;    ///< Value of Host.
  std::uint64_t content_length = 0;
  std::string_view content_type;  ///< Empty: none is added.
  bool expect_continue = false;
  const HeaderList& headers;
};

/// The text, with its blank line; kInvalidArgument for what would break out of a line of it, or is
/// not a path. The message names a header and never its value.
Result<std::string> HeadText(const OutgoingHead& head);

}  // namespace podium::net
