// An answer of POST /v1/chat/completions as `podium chat` reads it: whole, or as its stream comes.
// Pure: bytes in, text out.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/json.h"
#include "base/result.h"
#include "domain/token_usage.h"
#include "net/sse_parser.h"

namespace podium::app {

struct ChatReply {
  std::string text;    ///< What the model said; a refusal is text too.
  std::string model;   ///< As the answer names it.
  std::string finish;  ///< "stop", "length", …; empty: not told.
  std::optional<TokenUsage> usage;
};

/// Of a streamed answer.
class ChatStreamReader {
 public:
  /// The next bytes: appends the text that they bring to `fresh`. An error is the provider's or the
  /// gateway's word that the answer ends here, or bytes that are no such stream; it stays.
  Status Feed(std::string_view piece, std::string& fresh);
  /// The bytes are over. An error when the answer was not: kUnavailable.
  Status End();

  const ChatReply& reply() const { return reply_; }

 private:
  Status Take(std::string_view data, std::string& fresh);

  net::SseParser parser_;
  ChatReply reply_;
  bool done_ = false;
  std::optional<Error> failed_;
};

/// Of an answer that came whole. An error when it is none.
Result<ChatReply> ReadWholeReply(const Json& body);

/// The message of an error as the OpenAI surfaces shape it, {"error":{"message":…}}; empty for
/// anything else.
std::string ErrorMessageOf(const Json& body);

}  // namespace podium::app
