// Frames of a stream that differ from one that was read before in the text of their delta alone.
//
// Most of a stream is such frames. What one says besides its text the first has said already, so
// that it need not be parsed again.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace podium::gateway::llm {

/// Threads: as the stream that it belongs to.
class DeltaPattern {
 public:
  /// True: `frame`, whose first choice has a text of `text_bytes` bytes as `delta.content`, is what
  /// later ones are compared with. Not so when it has escapes or line ends, or when nothing was
  /// like the last few. REQUIRES: `frame` was parsed, as an object of this shape.
  bool Learn(std::string_view frame, std::size_t text_bytes);

  /// The text of a frame that is otherwise the one learned, byte for byte, and as good JSON as
  /// that, in one line; nullopt: it must be parsed.
  std::optional<std::string_view> Match(std::string_view frame);

 private:
  bool Fits(std::string_view frame) const;

  std::string before_;  // Up to the quote that opens the text; empty: nothing was learned.
  std::string after_;   // From the quote that closes it.
  int learned_in_vain_ = 0;
};

}  // namespace podium::gateway::llm
