// What one call of a model used, as it is billed.
//
// The classes are disjoint: a token is in exactly one of them, whatever the provider's own report
// overlaps (OpenAI counts cached tokens within the prompt, Anthropic beside it). So a cost is a sum
// of products, and the sum of the classes is the provider's total.
#pragma once

#include <cstdint>

namespace podium {

struct TokenUsage {
  std::int64_t uncached_input = 0;    ///< Text and images read in full.
  std::int64_t cache_read = 0;        ///< Read from the provider's prompt cache.
  std::int64_t cache_write_5m = 0;    ///< Written to it, to be kept for minutes (the usual rate).
  std::int64_t cache_write_1h = 0;    ///< Written to it, to be kept for an hour or longer.
  std::int64_t audio_input = 0;       ///< Sound that was read, and not from the cache.
  std::int64_t output_text = 0;       ///< All output but reasoning; sound too.
  std::int64_t output_reasoning = 0;  ///< Output that the caller does not see as text.
  std::int64_t images = 0;            ///< Images made: a count, not tokens.
  std::int64_t calls = 0;             ///< Billed calls of the provider's own tools: a count.
  /// Not from the provider's report, or that did not cover the whole call: an estimate.
  bool estimated = false;
  /// The provider's figures do not add up. Parts were cut so that the sums of input and of output
  /// are the provider's.
  bool contradictory = false;

  constexpr std::int64_t input_tokens() const {
    return uncached_input + cache_read + cache_write_5m + cache_write_1h + audio_input;
  }
  constexpr std::int64_t output_tokens() const { return output_text + output_reasoning; }
  constexpr std::int64_t total_tokens() const { return input_tokens() + output_tokens(); }

  constexpr bool operator==(const TokenUsage&) const = default;
};

}  // namespace podium
