#include "gateway/llm/json_syntax.h"

#include <simdjson.h>

#include <bit>
#include <cstdint>
#include <cstring>

#include "base/limits.h"

namespace podium::gateway::llm {
namespace {

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsSpace(char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }

constexpr std::uint64_t Each(unsigned char byte) { return 0x0101010101010101ULL * byte; }

/// Eight bytes of a string: the highest bits of those that end it, begin an escape or may not be
/// there. Above the first such byte the others may be wrong.
std::uint64_t Special(std::uint64_t word) {
  const std::uint64_t quote = word ^ Each('"'), backslash = word ^ Each('\\');
  return (((quote - Each(1)) & ~quote) | ((backslash - Each(1)) & ~backslash) |
          ((word - Each(0x20)) & ~word)) &
         Each(0x80);
}

// Each of these takes where something begins and gives what follows it; nullptr: it is none.

const char* SpaceEnd(const char* at, const char* end) {
  while (at != end && IsSpace(*at)) ++at;
  return at;
}

/// The value of four hexadecimal digits; -1: they are none.
int CodeUnit(const char* at, const char* end) {
  if (end - at < 4) return -1;
  int value = 0;
  for (int i = 0; i < 4; ++i) {
    const char c = at[i];
    const char letter = static_cast<char>(c | 0x20);
    if (!IsDigit(c) && (letter < 'a' || letter > 'f')) return -1;
    value = value * 16 + (IsDigit(c) ? c - '0' : letter - 'a' + 10);
  }
  return value;
}

/// Behind the backslash.
const char* EscapeEnd(const char* at, const char* end) {
  if (at == end) return nullptr;
  if (*at != 'u') {
    return std::string_view("\"\\/bfnrt").find(*at) == std::string_view::npos ? nullptr : at + 1;
  }
  const int unit = CodeUnit(at + 1, end);
  if (unit < 0xD800 || unit > 0xDFFF) return unit < 0 ? nullptr : at + 5;
  if (unit > 0xDBFF || !std::string_view(at + 5, end).starts_with("\\u")) return nullptr;
  const int low = CodeUnit(at + 7, end);
  return low >= 0xDC00 && low <= 0xDFFF ? at + 11 : nullptr;
}

const char* StringEnd(const char* at, const char* end) {
  ++at;  // The quote.
  while (at != nullptr && at != end) {
    if (end - at >= 8) {
      std::uint64_t word = 0;
      std::memcpy(&word, at, sizeof word);
      const std::uint64_t special = Special(word);
      at += special == 0 ? 8 : std::countr_zero(special) / 8;
      if (special == 0) continue;
    }
    const char c = *at++;
    if (c == '"') return at;
    if (static_cast<unsigned char>(c) < 0x20) return nullptr;
    if (c == '\\') at = EscapeEnd(at, end);
  }
  return nullptr;
}

const char* DigitsEnd(const char* at, const char* end) {
  const char* const begin = at;
  while (at != end && IsDigit(*at)) ++at;
  return at == begin ? nullptr : at;
}

/// What may follow the digits of an integer and belongs to the number.
const char* FractionEnd(const char* at, const char* end) {
  if (*at == '.') {
    at = DigitsEnd(at + 1, end);
    if (at == nullptr || at == end) return at;
  }
  if (*at != 'e' && *at != 'E') return at;
  ++at;
  if (at != end && (*at == '+' || *at == '-')) ++at;
  return DigitsEnd(at, end);
}

const char* NumberEnd(const char* at, const char* end) {
  if (*at == '-') ++at;
  if (at == end) return nullptr;
  at = *at == '0' ? at + 1 : DigitsEnd(at, end);
  if (at == nullptr || at == end) return at;
  return *at == '.' || *at == 'e' || *at == 'E' ? FractionEnd(at, end) : at;
}

const char* ScalarEnd(const char* at, const char* end) {
  if (*at == '"') return StringEnd(at, end);
  if (*at == '-' || IsDigit(*at)) return NumberEnd(at, end);
  for (const std::string_view word : {"true", "false", "null"}) {
    if (std::string_view(at, end).starts_with(word)) return at + word.size();
  }
  return nullptr;
}

/// A member's name and its colon.
const char* NameEnd(const char* at, const char* end) {
  at = SpaceEnd(at, end);
  if (at == end || *at != '"') return nullptr;
  at = StringEnd(at, end);
  if (at == nullptr) return nullptr;
  at = SpaceEnd(at, end);
  return at != end && *at == ':' ? at + 1 : nullptr;
}

/// One walk over one text. Nothing takes its address, so that it lives in registers.
class SyntaxWalk {
 public:
  explicit SyntaxWalk(std::string_view text) : at_(text.data()), end_(text.data() + text.size()) {}

  bool Object() {
    at_ = SpaceEnd(at_, end_);
    if (at_ == end_ || *at_ != '{') return false;
    do {
      if (!Value() || !Follow()) return false;
    } while (depth_ > 0);
    return SpaceEnd(at_, end_) == end_;
  }

 private:
  bool in_object() const { return (objects_ & 1) != 0; }
  bool Name() {
    at_ = NameEnd(at_, end_);
    return at_ != nullptr;
  }
  bool Value();
  bool Open(bool object);
  bool Follow();

  const char* at_;
  const char* const end_;
  int depth_ = 0;
  std::uint64_t objects_ = 0;  // A bit for each open container, the innermost lowest.
  static_assert(limits::kMaxJsonDepth <= 64);
};

/// A scalar; or what opens containers, up to a scalar in the innermost or to its end.
bool SyntaxWalk::Value() {
  while (true) {
    at_ = SpaceEnd(at_, end_);
    if (at_ == end_) return false;
    const char first = *at_;
    if (first != '{' && first != '[') break;
    if (!Open(first == '{')) return false;
    at_ = SpaceEnd(at_, end_);
    if (at_ == end_) return false;
    if (*at_ == (in_object() ? '}' : ']')) return true;
    if (in_object() && !Name()) return false;
  }
  at_ = ScalarEnd(at_, end_);
  return at_ != nullptr;
}

bool SyntaxWalk::Open(bool object) {
  if (depth_ == limits::kMaxJsonDepth) return false;
  ++depth_;
  objects_ = (objects_ << 1) | (object ? 1 : 0);
  ++at_;
  return true;
}

/// What comes behind a value: the ends of containers, and what leads to the next value.
bool SyntaxWalk::Follow() {
  while (depth_ > 0) {
    at_ = SpaceEnd(at_, end_);
    if (at_ == end_) return false;
    const char next = *at_++;
    if (next == ',') return !in_object() || Name();
    if (next != (in_object() ? '}' : ']')) return false;
    --depth_;
    objects_ >>= 1;
  }
  return true;
}

}  // namespace

bool IsJsonObject(std::string_view text) {
  return simdjson::validate_utf8(text.data(), text.size()) && SyntaxWalk(text).Object();
}

}  // namespace podium::gateway::llm
