// What Anthropic reports as usage, in our classes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "domain/token_usage.h"
#include "gateway/llm/json_scratch.h"

namespace podium::gateway::llm {

/// Collects the reports of one message: `message_start` opens with the input and a placeholder of
/// the output, `message_delta` has totals that replace, never add to, what was said before.
class AnthropicUsage {
 public:
  /// `final`: the report counts the output for good.
  void Merge(JsonElement usage, bool final);
  bool seen() const { return seen_; }
  /// Estimated while nothing final was seen: the output is a placeholder then.
  TokenUsage Value() const;

 private:
  struct Report {
    std::optional<std::int64_t> input, cache_read, cache_write, write_5m, write_1h, output,
        thinking, searches;
  };
  Report report_;
  bool seen_ = false;
  bool final_ = false;
};

/// As the `usage` object of a message.
void AppendMessagesUsage(const TokenUsage& usage, std::string& out);

}  // namespace podium::gateway::llm
