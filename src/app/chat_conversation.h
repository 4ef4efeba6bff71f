// What has been said so far in `podium chat`, and the request that asks for what comes next. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace podium::app {

/// Of all that is said in one conversation, whoever said it: a quarter of what a gateway takes.
inline constexpr std::size_t kMaxConversationBytes = 8 * 1024 * 1024;

class ChatConversation {
 public:
  /// `system` may be empty. It stays through every Reset.
  explicit ChatConversation(std::string system) : system_(std::move(system)) {}

  /// kInvalidArgument for a question of nothing but spaces or not of text, kTooLarge past the
  /// limit.
  Status Ask(std::string question);
  /// REQUIRES: the last thing said is a question.
  void Answered(std::string text);
  /// The last question got no whole answer: it was never asked. REQUIRES: as above.
  void Withdraw();
  void Reset() { turns_.clear(); }

  /// As chat completions take them.
  Json Messages() const;

 private:
  struct Turn {
    bool is_question = false;
    std::string text;
  };
  std::size_t Bytes() const;

  std::string system_;
  std::vector<Turn> turns_;
};

/// How an answer is asked for.
struct ChatTerms {
  std::string route;
  std::optional<std::int64_t> max_tokens;
  std::optional<double> temperature;
  bool stream = true;
};

/// The body of POST /v1/chat/completions.
Json ChatBody(const ChatConversation& conversation, const ChatTerms& terms);

}  // namespace podium::app
