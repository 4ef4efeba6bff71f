// Takes the framing off a message body. Pure: bytes in, pieces of the same bytes out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "net/http_head.h"
#include "net/http_parser.h"

namespace podium::net {

/// The chunked coding, strict: hexadecimal sizes that fit 63 bits, CRLF and nothing else, bounded
/// extensions and trailers (which are checked and dropped).
class ChunkedDecoder {
 public:
  struct Step {
    std::size_t consumed = 0;  ///< Bytes of `input` that are dealt with.
    std::string_view piece;    ///< Body bytes, a view into `input`; may be empty.
    bool failed = false;       ///< Then error() says why; do not call again.
  };
  /// Eats input up to the end of one piece (and the line end behind it, where it has come), of the
  /// body, or of the input.
  Step Next(std::string_view input);
  bool done() const { return state_ == State::kDone; }
  HttpParseError error() const { return error_; }

 private:
  enum class State : std::uint8_t {
    kSizeFirst,
    kSize,
    kExtension,
    kSizeLf,
    kData,
    kDataCr,
    kDataLf,
    kTrailerFirst,
    kTrailerName,
    kTrailerValue,
    kTrailerLf,
    kEndLf,
    kDone,
  };
  std::size_t EatAtOnce(std::string_view input);
  std::string_view TakeData(std::string_view input);
  bool Eat(char c);
  bool EatSizeLine(char c);
  bool EatTrailer(char c);
  bool Refuse(std::string_view text);

  State state_ = State::kSizeFirst;
  std::uint64_t remaining_ = 0;    // Of the chunk being read.
  std::size_t line_bytes_ = 0;     // Of the size line being read.
  std::size_t trailer_bytes_ = 0;  // Of all trailers.
  HttpParseError error_;
};

/// A body however it is framed: by length, in chunks, until the end of the connection (responses
/// only), or not at all.
class BodyFraming {
 public:
  using Step = ChunkedDecoder::Step;

  BodyFraming() = default;  ///< No body.
  explicit BodyFraming(const RequestHead& head);
  BodyFraming(const ResponseHead& head, HttpMethod request_method);

  Step Next(std::string_view input);
  bool done() const;
  bool until_close() const { return kind_ == Kind::kUntilClose; }
  bool chunked() const { return kind_ == Kind::kChunked; }
  /// Bytes still to come when the length is known; 0 otherwise.
  std::uint64_t remaining() const { return kind_ == Kind::kLength ? remaining_ : 0; }
  HttpParseError error() const { return chunks_.error(); }

 private:
  enum class Kind : std::uint8_t { kLength, kChunked, kUntilClose };
  Kind kind_ = Kind::kLength;
  std::uint64_t remaining_ = 0;
  ChunkedDecoder chunks_;
};

}  // namespace podium::net
