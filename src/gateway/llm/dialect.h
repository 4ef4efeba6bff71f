// Errors as the SDK of each surface expects them, before a stream and in the middle of one.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"
#include "gateway/llm/surface.h"
#include "gateway/llm/upstream_failure.h"

namespace podium::gateway::llm {

/// What a caller is told. The status is that of the one table (TraitsOf); the words are the
/// surfaces' own, on which clients branch.
struct CallError {
  Error error;                      ///< `where` becomes `param`.
  std::string_view openai_type;     ///< "invalid_request_error"
  std::string_view openai_code;     ///< "model_not_found"; empty is null on the wire.
  std::string_view anthropic_type;  ///< "not_found_error"

  int status() const { return TraitsOf(error.code).http_status; }
};

CallError CallErrorOf(Error error);
/// The provider's failure as the caller's: what only the operator can mend is 503, never 401.
CallError CallErrorOf(const UpstreamFailure& failure);

/// The whole body.
void AppendError(Surface surface, const CallError& error, std::string& out);
/// The frame that ends a stream which cannot go on; nothing may follow it, least of all a clean
/// end. `sequence` numbers the frame on the responses surface.
void AppendErrorFrame(Surface surface, const CallError& error, std::int64_t sequence,
                      std::string& out);

}  // namespace podium::gateway::llm
