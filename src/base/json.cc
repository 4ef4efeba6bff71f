#include "base/json.h"

#include <set>
#include <vector>

#include "base/limits.h"

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

// Builds the value while checking what the library's own callbacks would let through.
class StrictSax final : public nlohmann::json_sax<Json> {
 public:
  explicit StrictSax(Json& root) : dom_(root, /*allow_exceptions=*/false) {}

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
      problem_ = "duplicate key \"" + value + "\"";
      return false;
    }
    return dom_.key(value);
  }
  bool parse_error(std::size_t position, const std::string& token,
                   const nlohmann::detail::exception& cause) override {
    (void)cause;
    offset_ = position;
    problem_ = token.empty() ? "unexpected end" : "unexpected \"" + token + "\"";
    return false;
  }

  const std::string& problem() const { return problem_; }
  std::size_t offset() const { return offset_; }

 private:
  bool Deeper() {
    if (++depth_ <= limits::kMaxJsonDepth) return true;
    problem_ = "nested deeper than " + std::to_string(limits::kMaxJsonDepth) + " levels";
    return false;
  }

  nlohmann::detail::json_sax_dom_parser<Json> dom_;
  std::vector<std::set<std::string>> keys_;
  std::string problem_;
  std::size_t offset_ = 0;
  int depth_ = 0;
};

}  // namespace

Result<Json> ParseJson(std::string_view text) {
  Json root;
  StrictSax sax(root);
  if (Json::sax_parse(text.begin(), text.end(), &sax)) return root;
  if (sax.offset() == 0) {
    return Fail(ErrorCode::kInvalidArgument, "malformed JSON: {}", sax.problem());
  }
  const Position at = PositionAt(text, sax.offset() - 1);
  return Fail(ErrorCode::kInvalidArgument, "malformed JSON at line {}, column {}: {}", at.line,
              at.column, sax.problem());
}

std::string DumpJson(const Json& value) {
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string DumpJsonPretty(const Json& value) {
  return value.dump(2, ' ', false, Json::error_handler_t::replace);
}

}  // namespace podium
