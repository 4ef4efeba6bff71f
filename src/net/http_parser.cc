#include "net/http_parser.h"

#include <cstdint>
#include <limits>
#include <optional>

#include "net/address.h"
#include "net/char_class.h"

namespace podium::net {
namespace {

/// Room for the fields of a usual message.
constexpr std::size_t kUsualFields = 16;
/// Longer than any registered method. What is longer cannot be one of ours.
constexpr std::size_t kMaxMethodBytes = 32;

/// What the header fields say about the message as a whole.
struct FieldFacts {
  std::optional<std::uint64_t> content_length;
  bool chunked = false;
  bool close = false;
  bool keep_alive = false;
  int hosts = 0;
  std::string_view host;
  std::optional<std::string_view> expect;
};

std::string_view TrimWhitespace(std::string_view text) {
  const auto is_space = [](char c) { return c == ' ' || c == '\t'; };
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

/// Digits only: no sign, no list, no white space inside.
std::optional<std::uint64_t> ParseLength(std::string_view text) {
  if (text.empty()) return std::nullopt;
  constexpr std::uint64_t kMax = std::numeric_limits<std::int64_t>::max();
  std::uint64_t value = 0;
  for (const char c : text) {
    if (!IsDigit(c)) return std::nullopt;
    const auto digit = static_cast<std::uint64_t>(c - '0');
    if (value > (kMax - digit) / 10) return std::nullopt;
    value = value * 10 + digit;
  }
  return value;
}

void ReadConnection(std::string_view value, FieldFacts& facts) {
  while (!value.empty()) {
    const std::size_t comma = value.find(',');
    const std::string_view option = TrimWhitespace(value.substr(0, comma));
    if (EqualsIgnoreCase(option, "close")) facts.close = true;
    if (EqualsIgnoreCase(option, "keep-alive")) facts.keep_alive = true;
    value = comma == std::string_view::npos ? std::string_view{} : value.substr(comma + 1);
  }
}

/// Every '%' of a target begins a valid escape, and none hides a NUL. nullptr when so.
const char* FaultInEscapes(std::string_view target) {
  for (std::size_t at = target.find('%'); at != std::string_view::npos;
       at = target.find('%', at + 1)) {
    const bool whole = at + 2 < target.size();
    if (!whole || HexValue(target[at + 1]) < 0 || HexValue(target[at + 2]) < 0) {
      return "a '%' in the request target is not followed by two hexadecimal digits";
    }
    if (target[at + 1] == '0' && target[at + 2] == '0') return "the request target holds %00";
  }
  return nullptr;
}

/// Reads from left to right and never looks ahead of what a prefix would hold: this is what makes
/// the answer the same however the bytes were split.
class HeadReader {
 public:
  HeadReader(std::string_view text, const HeadLimits& limits) : text_(text), limits_(limits) {}

  ParseState RequestLine(RequestHead& out) {
    if (const ParseState skipped = SkipBlankLine(); skipped != ParseState::kComplete) {
      return skipped;
    }
    if (const ParseState read = Method(out); read != ParseState::kComplete) return read;
    if (const ParseState read = Target(out); read != ParseState::kComplete) return read;
    if (const ParseState read = Version(out.version_minor); read != ParseState::kComplete) {
      return read;
    }
    return LineEnd("the request line does not end with CRLF after the version");
  }

  ParseState StatusLine(ResponseHead& out) {
    if (const ParseState read = Version(out.version_minor); read != ParseState::kComplete) {
      return read;
    }
    if (const ParseState read = Expect(' ', "no space after the version"); Stops(read)) return read;
    out.status = 0;
    for (int i = 0; i < 3; ++i) {
      if (AtEnd()) return ParseState::kNeedMore;
      if (!IsDigit(Peek())) return Refuse(400, "the status is not three digits");
      out.status = out.status * 10 + (text_[at_++] - '0');
    }
    if (out.status < 100) return Refuse(400, "the status is below 100");
    if (AtEnd()) return ParseState::kNeedMore;
    // The space before an empty reason is left out by some servers.
    if (Peek() != ' ' && Peek() != '\r') return Refuse(400, "the status is not three digits");
    const std::size_t begin = at_;
    at_ += FieldPrefix(text_.substr(at_));
    out.reason = TrimWhitespace(text_.substr(begin, at_ - begin));
    return LineEnd("a control byte in the status line");
  }

  /// Header lines and the blank line after them.
  ParseState Fields(std::vector<HeaderField>& fields, FieldFacts& facts) {
    for (;;) {
      if (AtEnd()) return ParseState::kNeedMore;
      if (Peek() == '\r') return LineEnd("a bare CR in the head");
      if (fields.size() == limits_.headers) return Refuse(431, "too many header fields");
      HeaderField field;
      if (const ParseState read = Field(field); read != ParseState::kComplete) return read;
      fields.push_back(field);
      if (const ParseState noted = Note(field, facts); noted != ParseState::kComplete) {
        return noted;
      }
    }
  }

  ParseState Refuse(int status, std::string_view text) {
    error_ = {status, text};
    return ParseState::kError;
  }

  std::size_t at() const { return at_; }
  HttpParseError error() const { return error_; }

 private:
  static bool Stops(ParseState state) { return state != ParseState::kComplete; }
  bool AtEnd() const { return at_ == text_.size(); }
  char Peek() const { return text_[at_]; }

  ParseState Expect(char wanted, std::string_view otherwise) {
    if (AtEnd()) return ParseState::kNeedMore;
    if (Peek() != wanted) return Refuse(400, otherwise);
    ++at_;
    return ParseState::kComplete;
  }

  ParseState LineEnd(std::string_view otherwise) {
    if (AtEnd()) return ParseState::kNeedMore;
    if (Peek() == '\n') return Refuse(400, "a line ends with LF alone, not with CRLF");
    if (const ParseState cr = Expect('\r', otherwise); Stops(cr)) return cr;
    return Expect('\n', "a CR is not followed by LF");
  }

  ParseState SkipBlankLine() {
    if (AtEnd()) return ParseState::kNeedMore;
    if (Peek() != '\r') return ParseState::kComplete;
    return LineEnd("");
  }

  ParseState Method(RequestHead& out) {
    const std::size_t begin = at_;
    while (!AtEnd() && IsTokenChar(Peek()) && at_ - begin <= kMaxMethodBytes) ++at_;
    if (at_ - begin > kMaxMethodBytes) return Refuse(501, "this method is not known here");
    if (AtEnd()) return ParseState::kNeedMore;
    if (Peek() != ' ' || at_ == begin) return Refuse(400, "the request line has no valid method");
    const auto method = MethodFrom(text_.substr(begin, at_ - begin));
    if (!method) return Refuse(501, "this method is not known here");
    out.method = *method;
    ++at_;
    return ParseState::kComplete;
  }

  ParseState Target(RequestHead& out) {
    const std::size_t begin = at_;
    while (!AtEnd() && IsTargetChar(Peek()) && at_ - begin <= limits_.target_bytes) ++at_;
    if (at_ - begin > limits_.target_bytes) return Refuse(414, "the request target is too long");
    if (AtEnd()) return ParseState::kNeedMore;
    if (Peek() != ' ') {
      return Refuse(400, "the request target holds a byte that must be percent-encoded");
    }
    out.target = text_.substr(begin, at_ - begin);
    if (const char* fault = FaultInEscapes(out.target)) return Refuse(400, fault);
    ++at_;
    return ParseState::kComplete;
  }

  ParseState Version(int& minor) {
    for (const char c : std::string_view("HTTP/")) {
      const ParseState read = Expect(c, "no HTTP version where one must stand");
      if (Stops(read)) return read;
    }
    if (AtEnd()) return ParseState::kNeedMore;
    if (!IsDigit(Peek())) return Refuse(400, "the HTTP version is not a digit");
    const char major = text_[at_++];
    if (const ParseState dot = Expect('.', "the HTTP version has no dot"); Stops(dot)) return dot;
    if (AtEnd()) return ParseState::kNeedMore;
    if (!IsDigit(Peek())) return Refuse(400, "the HTTP version is not a digit");
    const char low = text_[at_++];
    if (major != '1' || low > '1') return Refuse(505, "only HTTP/1.0 and HTTP/1.1 are spoken here");
    minor = low - '0';
    return ParseState::kComplete;
  }

  ParseState Field(HeaderField& field) {
    const std::size_t name_at = at_;
    at_ += TokenPrefix(text_.substr(at_));
    if (AtEnd()) return ParseState::kNeedMore;
    if (Peek() != ':' || at_ == name_at) return RefuseName(at_ == name_at);
    field.name = text_.substr(name_at, at_ - name_at);
    const std::size_t value_at = ++at_;
    at_ += FieldPrefix(text_.substr(at_));
    if (AtEnd()) return ParseState::kNeedMore;
    field.value = TrimWhitespace(text_.substr(value_at, at_ - value_at));
    return LineEnd("a control byte in a header value");
  }

  ParseState RefuseName(bool at_start) {
    const bool blank = Peek() == ' ' || Peek() == '\t';
    if (blank && at_start) return Refuse(400, "a header line is folded onto the next");
    if (blank) return Refuse(400, "white space between a header name and its colon");
    return Refuse(400, "a header name is empty, or holds a byte that no name may hold");
  }

  /// The few fields that decide about framing and the connection.
  ParseState Note(const HeaderField& field, FieldFacts& facts) {
    const auto is = [&field](std::string_view name) { return EqualsIgnoreCase(field.name, name); };
    switch (field.name.size()) {
      case 4:
        if (!is("host")) break;
        ++facts.hosts;
        facts.host = field.value;
        break;
      case 6:
        if (is("expect")) facts.expect = field.value;
        break;
      case 10:
        if (is("connection")) ReadConnection(field.value, facts);
        break;
      case 14:
        if (is("content-length")) return NoteLength(field.value, facts);
        break;
      case 17:
        if (is("transfer-encoding")) return NoteCoding(field.value, facts);
        break;
      default:
        break;
    }
    return ParseState::kComplete;
  }

  ParseState NoteLength(std::string_view value, FieldFacts& facts) {
    if (facts.content_length) return Refuse(400, "more than one Content-Length");
    facts.content_length = ParseLength(value);
    if (!facts.content_length) return Refuse(400, "Content-Length is not one decimal number");
    return ParseState::kComplete;
  }

  ParseState NoteCoding(std::string_view value, FieldFacts& facts) {
    if (facts.chunked) return Refuse(400, "more than one Transfer-Encoding");
    if (!EqualsIgnoreCase(value, "chunked")) {
      return Refuse(400, "the only Transfer-Encoding understood here is chunked");
    }
    facts.chunked = true;
    return ParseState::kComplete;
  }

  std::string_view text_;
  const HeadLimits& limits_;
  std::size_t at_ = 0;
  HttpParseError error_;
};

/// What holds for both directions once all fields are known.
template <typename Head>
ParseState ApplyFraming(const FieldFacts& facts, Head& head, HeadReader& reader) {
  if (facts.chunked && facts.content_length) {
    return reader.Refuse(400, "both Content-Length and Transfer-Encoding");
  }
  if (facts.chunked && head.version_minor == 0) {
    return reader.Refuse(400, "Transfer-Encoding in HTTP/1.0");
  }
  head.content_length = facts.content_length;
  head.chunked = facts.chunked;
  head.keep_alive = !facts.close && (head.version_minor == 1 || facts.keep_alive);
  return ParseState::kComplete;
}

/// Path and query out of the target. An absolute target must name the same authority as Host:
/// whoever checks one of them must not be led past the other.
const char* SplitTarget(const FieldFacts& facts, RequestHead& head) {
  std::string_view rest = head.target;
  if (rest == "*") {
    if (head.method != HttpMethod::kOptions) return "only OPTIONS may have the target *";
    head.path = rest;
    head.query = {};
    return nullptr;
  }
  if (rest.front() != '/') {
    const std::size_t scheme = rest.find("://");
    const std::string_view name = rest.substr(0, scheme);
    const bool known = EqualsIgnoreCase(name, "http") || EqualsIgnoreCase(name, "https");
    if (scheme == std::string_view::npos || !known) {
      return "the request target is neither a path nor an http address";
    }
    rest.remove_prefix(scheme + 3);
    const std::size_t end = rest.find_first_of("/?");
    if (!EqualsIgnoreCase(rest.substr(0, end), facts.host) || facts.host.empty()) {
      return "the request target and the Host header name different authorities";
    }
    rest = end == std::string_view::npos ? std::string_view{} : rest.substr(end);
  }
  const std::size_t question = rest.find('?');
  head.path = rest.substr(0, question);
  if (head.path.empty()) head.path = "/";
  head.query = question == std::string_view::npos ? std::string_view{} : rest.substr(question + 1);
  return nullptr;
}

ParseState FinishRequest(const FieldFacts& facts, RequestHead& head, HeadReader& reader) {
  if (facts.hosts > 1) return reader.Refuse(400, "more than one Host header");
  if (facts.hosts == 0 && head.version_minor == 1) return reader.Refuse(400, "no Host header");
  if (facts.hosts == 1 && HostOf(facts.host).empty()) {
    return reader.Refuse(400, "the Host header is not a host with an optional port");
  }
  if (const ParseState framed = ApplyFraming(facts, head, reader);
      framed != ParseState::kComplete) {
    return framed;
  }
  if (const char* fault = SplitTarget(facts, head)) return reader.Refuse(400, fault);
  head.expect_continue = false;
  if (facts.expect && head.version_minor == 1) {
    if (!EqualsIgnoreCase(*facts.expect, "100-continue")) {
      return reader.Refuse(417, "the only expectation understood here is 100-continue");
    }
    head.expect_continue = head.has_body();
  }
  return ParseState::kComplete;
}

/// What lies beyond the limit is not looked at, so a head that would need it is too long whatever
/// it holds, and however much of it has arrived.
ParseOutcome Outcome(ParseState state, const HeadReader& reader, std::size_t window,
                     const HeadLimits& limits) {
  if (state == ParseState::kNeedMore && window == limits.head_bytes) {
    return {ParseState::kError, 0, {431, "the head of the message is too long"}};
  }
  if (state == ParseState::kError) return {state, 0, reader.error()};
  return {state, state == ParseState::kComplete ? reader.at() : 0, {}};
}

}  // namespace

ParseOutcome ParseRequestHead(std::string_view buffer, RequestHead& out, const HeadLimits& limits) {
  const std::string_view window = buffer.substr(0, limits.head_bytes);
  HeadReader reader(window, limits);
  FieldFacts facts;
  out.headers.clear();
  out.headers.reserve(kUsualFields);
  ParseState state = reader.RequestLine(out);
  if (state == ParseState::kComplete) state = reader.Fields(out.headers, facts);
  if (state == ParseState::kComplete) state = FinishRequest(facts, out, reader);
  return Outcome(state, reader, window.size(), limits);
}

ParseOutcome ParseResponseHead(std::string_view buffer, ResponseHead& out,
                               const HeadLimits& limits) {
  const std::string_view window = buffer.substr(0, limits.head_bytes);
  HeadReader reader(window, limits);
  FieldFacts facts;
  out.headers.clear();
  out.headers.reserve(kUsualFields);
  ParseState state = reader.StatusLine(out);
  if (state == ParseState::kComplete) state = reader.Fields(out.headers, facts);
  if (state == ParseState::kComplete) state = ApplyFraming(facts, out, reader);
  return Outcome(state, reader, window.size(), limits);
}

}  // namespace podium::net
