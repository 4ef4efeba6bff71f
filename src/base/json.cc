#include "base/json.h"

#include <algorithm>
#include <iterator>
#include <set>
#include <vector>

#include "base/limits.h"
#include "base/utf8.h"

namespace podium {
namespace {

struct Position {
  std::size_t line = 1;
  std::size_t column = 1;
};

Position PositionAt(std::string_view text, std::size_t offset) {
  Position at;
  for (const char c : text.substr(0, offset)) {
    ++at.column;
    if (c == '\n') at = {at.line + 1, 1};
  }
  return at;
}

constexpr std::size_t kShownBytes = 40;  // Of the text at fault: it may be megabytes long.

// Tells how far the parser has read: its callbacks about keys and nesting come without a position.
class CountingIterator {
 public:
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;

  CountingIterator(const char* at, std::size_t* read) : at_(at), read_(read) {}
  reference operator*() const { return *at_; }
  CountingIterator& operator++() {
    ++at_;
    ++*read_;
    return *this;
  }
  bool operator==(const CountingIterator& other) const { return at_ == other.at_; }
  bool operator!=(const CountingIterator& other) const { return at_ != other.at_; }

 private:
  const char* at_;
  std::size_t* read_;
};

// Builds the value while checking what the library's own callbacks would let through.
class StrictSax final : public nlohmann::json_sax<Json> {
 public:
  /// `read` counts the bytes that the parser has taken.
  StrictSax(Json& root, const std::size_t& read)
      : dom_(root, /*allow_exceptions=*/false), read_(read) {}

  bool null() override { return dom_.null(); }
  bool boolean(bool value) override { return dom_.boolean(value); }
  bool number_integer(number_integer_t value) override { return dom_.number_integer(value); }
  bool number_unsigned(number_unsigned_t value) override { return dom_.number_unsigned(value); }
  bool number_float(number_float_t value, const string_t& text) override {
    return dom_.number_float(value, text);
  }
  bool string(string_t& value) override { return dom_.string(value); }
  bool binary(binary_t& value) override { return dom_.binary(value); }
  bool start_object(std::size_t size) override {
    keys_.emplace_back();
    return Deeper() && dom_.start_object(size);
  }
  bool end_object() override {
    keys_.pop_back();
    --depth_;
    return dom_.end_object();
  }
  bool start_array(std::size_t size) override { return Deeper() && dom_.start_array(size); }
  bool end_array() override {
    --depth_;
    return dom_.end_array();
  }
  bool key(string_t& value) override {
    if (!keys_.back().insert(value).second) {
      return Refuse(read_, "duplicate key \"" + Shortened(value, kShownBytes) + "\"");
    }
    return dom_.key(value);
  }
  bool parse_error(std::size_t position, const std::string& token,
                   const nlohmann::detail::exception& cause) override {
    (void)cause;
    if (token.empty()) return Refuse(position, "unexpected end");
    return Refuse(position, "unexpected \"" + Shortened(token, kShownBytes) + "\"");
  }

  const std::string& problem() const { return problem_; }
  std::size_t offset() const { return offset_; }

 private:
  bool Deeper() {
    if (++depth_ <= limits::kMaxJsonDepth) return true;
    return Refuse(read_, "nested deeper than " + std::to_string(limits::kMaxJsonDepth) + " levels");
  }

  bool Refuse(std::size_t offset, std::string problem) {
    offset_ = offset;
    problem_ = std::move(problem);
    return false;
  }

  nlohmann::detail::json_sax_dom_parser<Json> dom_;
  const std::size_t& read_;
  std::vector<std::set<std::string>> keys_;  // One set per open object.
  std::string problem_;
  std::size_t offset_ = 0;
  int depth_ = 0;
};

}  // namespace

Result<Json> ParseJson(std::string_view text) {
  const auto refuse = [&](std::size_t read, std::string_view problem) {
    const Position at = PositionAt(text, std::min(read - 1, text.size()));
    return Fail(ErrorCode::kInvalidArgument, "malformed JSON at line {}, column {}: {}", at.line,
                at.column, problem);
  };
  // The parser below takes a zero byte for the end, and would not see what follows it.
  if (const std::size_t zero = text.find('\0'); zero != std::string_view::npos) {
    return refuse(zero + 1, "a zero byte");
  }
  if (text.starts_with("\xEF\xBB\xBF")) {
    return refuse(1, "a byte order mark: send plain UTF-8");
  }
  Json root;
  std::size_t read = 0;
  StrictSax sax(root, read);
  const char* const begin = text.data();
  if (Json::sax_parse(CountingIterator(begin, &read), CountingIterator(begin + text.size(), &read),
                      &sax)) {
    return root;
  }
  return refuse(std::max<std::size_t>(sax.offset(), 1), sax.problem());
}

std::string DumpJson(const Json& value) {
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string DumpJsonPretty(const Json& value) {
  return value.dump(2, ' ', false, Json::error_handler_t::replace);
}

}  // namespace podium
