// Strict parsing of HTTP/1.1 heads. Pure: no I/O, no state between calls.
//
// Whatever two servers in a row could read in two ways is refused, never repaired: request
// smuggling lives in the difference. A prefix of a message never gets an answer that the whole
// message contradicts: it needs more, or fails with the same error.
#pragma once

#include <cstddef>
#include <string_view>

#include "base/limits.h"
#include "net/http_head.h"

namespace podium::net {

enum class ParseState { kComplete, kNeedMore, kError };

/// What is wrong with a head, and the status that says so. After it the connection must close,
/// since nobody knows where the next message would begin.
struct HttpParseError {
  int status = 0;
  std::string_view text;  ///< Static storage; one sentence for the sender.
};

struct ParseOutcome {
  ParseState state = ParseState::kNeedMore;
  std::size_t consumed = 0;  ///< kComplete: bytes of the head with its blank line.
  HttpParseError error;      ///< kError.
};

struct HeadLimits {
  std::size_t head_bytes = limits::kMaxHeadBytes;
  std::size_t target_bytes = limits::kMaxTargetBytes;
  std::size_t headers = limits::kMaxHeaders;
};

/// One blank line (CRLF) before the request line is skipped, as RFC 9112 asks.
/// `out` is reused: its header list keeps its memory. It is meaningful only after kComplete.
ParseOutcome ParseRequestHead(std::string_view buffer, RequestHead& out,
                              const HeadLimits& limits = {});

/// As strict about a server's framing as ParseRequestHead is about a client's.
ParseOutcome ParseResponseHead(std::string_view buffer, ResponseHead& out,
                               const HeadLimits& limits = {});

}  // namespace podium::net
