#include "net/http_body.h"

#include <algorithm>
#include <limits>

#include "base/limits.h"
#include "net/char_class.h"

namespace podium::net {

ChunkedDecoder::Step ChunkedDecoder::Next(std::string_view input) {
  Step step;
  while (step.consumed < input.size() && !done()) {
    step.consumed += EatAtOnce(input.substr(step.consumed));
    if (state_ == State::kData) {
      step.piece = TakeData(input.substr(step.consumed));
      step.consumed += step.piece.size();
      step.consumed += EatAtOnce(input.substr(step.consumed));
      return step;
    }
    if (step.consumed == input.size()) return step;
    if (!Eat(input[step.consumed])) {
      step.failed = true;
      return step;
    }
    ++step.consumed;
  }
  return step;
}

/// What nearly all chunks have around them, where it lies in one piece: the line end behind the
/// data, or a size line of few digits and no extension. Eats nothing that is anything else, and
/// nothing that Eat would refuse.
std::size_t ChunkedDecoder::EatAtOnce(std::string_view input) {
  constexpr std::string_view kLineEnd = "\r\n";
  constexpr std::size_t kFewDigits = 8;
  if (state_ == State::kDataCr && input.starts_with(kLineEnd)) {
    state_ = State::kSizeFirst;
    line_bytes_ = 0;
    return kLineEnd.size();
  }
  if (state_ != State::kSizeFirst) return 0;
  std::uint64_t size = 0;
  std::size_t digits = 0;
  for (; digits < std::min(kFewDigits, input.size()); ++digits) {
    const int digit = HexValue(input[digits]);
    if (digit < 0) break;
    size = (size << 4) | static_cast<std::uint64_t>(digit);
  }
  // The last chunk is left to Eat: its size, 0, is not followed by data.
  if (size == 0 || !input.substr(digits).starts_with(kLineEnd)) return 0;
  remaining_ = size;
  state_ = State::kData;
  return digits + kLineEnd.size();
}

std::string_view ChunkedDecoder::TakeData(std::string_view input) {
  const std::string_view piece =
      input.substr(0, static_cast<std::size_t>(std::min<std::uint64_t>(remaining_, input.size())));
  remaining_ -= piece.size();
  if (remaining_ == 0) state_ = State::kDataCr;
  return piece;
}

bool ChunkedDecoder::Refuse(std::string_view text) {
  error_ = {400, text};
  return false;
}

bool ChunkedDecoder::Eat(char c) {
  switch (state_) {
    case State::kSizeFirst:
    case State::kSize:
    case State::kExtension:
    case State::kSizeLf:
      return EatSizeLine(c);
    case State::kDataCr:
      if (c != '\r') return Refuse("a chunk is longer than its size says");
      state_ = State::kDataLf;
      return true;
    case State::kDataLf:
      if (c != '\n') return Refuse("a chunk does not end with CRLF");
      state_ = State::kSizeFirst;
      line_bytes_ = 0;
      return true;
    case State::kData:
    case State::kDone:
      return Refuse("no byte is expected here");
    default:
      return EatTrailer(c);
  }
}

bool ChunkedDecoder::EatSizeLine(char c) {
  if (state_ == State::kSizeLf) {
    if (c != '\n') return Refuse("a chunk size line does not end with CRLF");
    state_ = remaining_ == 0 ? State::kTrailerFirst : State::kData;
    return true;
  }
  if (c == '\r' && state_ != State::kSizeFirst) {
    state_ = State::kSizeLf;
    return true;
  }
  if (++line_bytes_ > limits::kMaxChunkLineBytes) return Refuse("a chunk size line is too long");
  if (state_ == State::kExtension) {
    return IsFieldChar(c) || Refuse("a control byte in a chunk extension");
  }
  if (c == ';' && state_ == State::kSize) {
    state_ = State::kExtension;
    return true;
  }
  const int digit = HexValue(c);
  if (digit < 0) return Refuse("a chunk size is not a hexadecimal number");
  constexpr std::uint64_t kMax = std::numeric_limits<std::int64_t>::max();
  if (remaining_ > kMax >> 4) return Refuse("a chunk size does not fit 63 bits");
  remaining_ = (remaining_ << 4) | static_cast<std::uint64_t>(digit);
  state_ = State::kSize;
  return true;
}

bool ChunkedDecoder::EatTrailer(char c) {
  if (state_ == State::kEndLf || state_ == State::kTrailerLf) {
    if (c != '\n') return Refuse("a trailer line does not end with CRLF");
    state_ = state_ == State::kEndLf ? State::kDone : State::kTrailerFirst;
    return true;
  }
  if (state_ == State::kTrailerFirst && c == '\r') {
    state_ = State::kEndLf;
    return true;
  }
  if (state_ == State::kTrailerValue && c == '\r') {
    state_ = State::kTrailerLf;
    return true;
  }
  if (++trailer_bytes_ > limits::kMaxTrailerBytes) return Refuse("the trailers are too long");
  if (state_ == State::kTrailerValue) {
    return IsFieldChar(c) || Refuse("a control byte in a trailer value");
  }
  if (c == ':' && state_ == State::kTrailerName) {
    state_ = State::kTrailerValue;
    return true;
  }
  if (!IsTokenChar(c)) return Refuse("a trailer is not a header field");
  state_ = State::kTrailerName;
  return true;
}

BodyFraming::BodyFraming(const RequestHead& head)
    : kind_(head.chunked ? Kind::kChunked : Kind::kLength),
      remaining_(head.content_length.value_or(0)) {}

BodyFraming::BodyFraming(const ResponseHead& head, HttpMethod request_method) {
  const bool none = request_method == HttpMethod::kHead || head.status < 200 ||
                    head.status == 204 || head.status == 304;
  if (none) return;
  if (head.chunked) {
    kind_ = Kind::kChunked;
  } else if (head.content_length) {
    remaining_ = *head.content_length;
  } else {
    kind_ = Kind::kUntilClose;
  }
}

BodyFraming::Step BodyFraming::Next(std::string_view input) {
  if (kind_ == Kind::kChunked) return chunks_.Next(input);
  std::uint64_t taken = input.size();
  if (kind_ == Kind::kLength) {
    taken = std::min(taken, remaining_);
    remaining_ -= taken;
  }
  const auto bytes = static_cast<std::size_t>(taken);
  return {bytes, input.substr(0, bytes), false};
}

bool BodyFraming::done() const {
  if (kind_ == Kind::kChunked) return chunks_.done();
  return kind_ == Kind::kLength && remaining_ == 0;
}

}  // namespace podium::net
