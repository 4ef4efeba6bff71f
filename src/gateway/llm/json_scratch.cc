#include "gateway/llm/json_scratch.h"

#include <algorithm>
#include <utility>

#include "base/json.h"
#include "base/limits.h"

namespace podium::gateway::llm {
namespace {

constexpr std::size_t kExplained = 64 * 1024;  ///< Texts up to this are read again to say where.
/// The parser counts the document itself as a level.
constexpr std::size_t kParserDepth = limits::kMaxJsonDepth + 1;

}  // namespace

Error ExplainJson(simdjson::error_code code, std::string_view text) {
  if (text.size() <= kExplained) {
    auto parsed = ParseJson(text);
    if (!parsed) return std::move(parsed).error();
  }
  return Error{ErrorCode::kInvalidArgument,
               fmt::format("malformed JSON: {}", simdjson::error_message(code)), "", nullptr};
}

Result<JsonElement> JsonScratch::Parse(std::string_view text) {
  // One large text must not hold its memory for ever.
  if (padded_.capacity() > limits::kKeptBodyCapacity && text.size() <= limits::kKeptBodyCapacity) {
    padded_ = std::string();
    parser_ = simdjson::dom::parser();
  }
  padded_.reserve(text.size() + simdjson::SIMDJSON_PADDING);
  padded_.assign(text);
  padded_.append(simdjson::SIMDJSON_PADDING, ' ');
  const std::size_t wanted = std::max<std::size_t>(text.size(), 4096);
  if (parser_.capacity() < wanted && parser_.allocate(wanted, kParserDepth) != simdjson::SUCCESS) {
    return Fail(ErrorCode::kUnavailable, "no memory for {} bytes of JSON", text.size());
  }
  JsonElement root;
  const auto error =
      parser_.parse(padded_.data(), text.size(), /*realloc_if_needed=*/false).get(root);
  if (error != simdjson::SUCCESS) return Fail(ExplainJson(error, text));
  return root;
}

std::optional<JsonElement> MemberAt(JsonElement object, std::string_view key) {
  JsonElement found;
  if (object[key].get(found) != simdjson::SUCCESS || found.is_null()) return std::nullopt;
  return found;
}

std::string_view StringAt(JsonElement object, std::string_view key) {
  std::string_view found;
  if (object[key].get(found) != simdjson::SUCCESS) return {};
  return found;
}

std::optional<std::int64_t> IntegerAt(JsonElement object, std::string_view key) {
  std::int64_t found = 0;
  if (object[key].get(found) != simdjson::SUCCESS) return std::nullopt;
  return found;
}

bool BoolAt(JsonElement object, std::string_view key) {
  bool found = false;
  return object[key].get(found) == simdjson::SUCCESS && found;
}

std::optional<JsonElement> ObjectAt(JsonElement object, std::string_view key) {
  const auto found = MemberAt(object, key);
  if (!found || !found->is_object()) return std::nullopt;
  return found;
}

std::optional<simdjson::dom::array> ArrayAt(JsonElement object, std::string_view key) {
  simdjson::dom::array found;
  if (object[key].get(found) != simdjson::SUCCESS) return std::nullopt;
  return found;
}

std::string TextOf(JsonElement element) { return simdjson::minify(element); }

}  // namespace podium::gateway::llm
