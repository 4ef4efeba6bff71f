#include "gateway/llm/request_fields.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/limits.h"
#include "gateway/llm/json_scratch.h"
#include "gateway/llm/json_text.h"
#include "net/handler.h"

namespace podium::gateway::llm {
namespace {

namespace od = simdjson::ondemand;
using simdjson::error_code;

static_assert(net::kBodyPadding >= simdjson::SIMDJSON_PADDING);

/// Every field that is read, on whatever surface: also where one means nothing, it is not doubled.
constexpr std::array<std::string_view, 9> kFields = {
    "model",    "stream",     "stream_options",        "user",
    "metadata", "max_tokens", "max_completion_tokens", "max_output_tokens",
    "n",
};

/// The ASCII letter that the start of `text` is in some case, and its bytes; else the byte itself.
/// Two characters outside ASCII fold to ASCII letters, and there are parsers that fold them.
std::pair<char, std::size_t> Folded(std::string_view text) {
  if (text.starts_with("\u017F")) return {'s', 2};
  if (text.starts_with("\u212A")) return {'k', 3};
  const char c = text.front();
  return {c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c, 1};
}

/// `name` is in lower case.
bool EqualsFolded(std::string_view key, std::string_view name) {
  for (const char expected : name) {
    if (key.empty()) return false;
    const auto [letter, bytes] = Folded(key);
    if (letter != expected) return false;
    key.remove_prefix(bytes);
  }
  return key.empty();
}

Failure Malformed(error_code code, std::string_view body) {
  if (body.find_first_not_of(" \t\r\n") == std::string_view::npos) {
    return Fail(ErrorCode::kInvalidArgument, "the body is empty: send a JSON object");
  }
  return Fail(ExplainJson(code, body));
}

template <typename... Args>
Failure Wrong(std::string_view field, fmt::format_string<Args...> format, Args&&... args) {
  Error error{ErrorCode::kInvalidArgument, fmt::format(format, std::forward<Args>(args)...),
              std::string(field), nullptr};
  return Fail(std::move(error));
}

/// Wrong type, or JSON that is none: only the second is a fault of the whole body.
Failure NotA(std::string_view what, std::string_view field, error_code code,
             std::string_view body) {
  if (code == simdjson::INCORRECT_TYPE || code == simdjson::NUMBER_ERROR ||
      code == simdjson::NUMBER_OUT_OF_RANGE) {
    return Wrong(field, "{} must be {}", field, what);
  }
  return Malformed(code, body);
}

/// A token that only looks like null stays: reading it then fails.
bool IsNull(od::value& value) {
  bool null = false;
  return value.raw_json_token().starts_with('n') &&
         value.is_null().get(null) == simdjson::SUCCESS && null;
}

/// One walk over one body.
class FieldWalk {
 public:
  FieldWalk(Surface surface, std::string_view body) : surface_(surface), body_(body) {}

  Result<RequestFields> Over(od::parser& parser);

 private:
  Status Root(od::object root);
  Status Field(std::string_view name, od::value value);
  Status Model(od::value value);
  Status StreamOptions(od::value value);
  Status Metadata(od::value value);
  Status Member(od::object object, std::string_view object_name, std::string_view wanted,
                std::optional<od::value>& found);
  Status Text(std::string_view field, od::value value, std::size_t limit, std::string& out);
  Status Flag(std::string_view field, od::value value, bool& out);
  Status Count(std::string_view field, od::value value, std::int64_t low, std::int64_t high,
               std::optional<std::int64_t>& out);
  std::size_t OffsetOf(const char* at) const { return static_cast<std::size_t>(at - body_.data()); }
  Splice Replacing(std::string_view token, std::string text) const;
  Splice Opening(std::size_t brace, std::string_view member) const;

  const Surface surface_;
  const std::string_view body_;
  RequestFields fields_;
  bool has_model_ = false;
  bool has_stream_options_ = false;
  std::size_t root_ = 0;
  std::array<bool, kFields.size()> seen_{};
  std::optional<std::int64_t> max_completion_tokens_;
};

Result<RequestFields> FieldWalk::Over(od::parser& parser) {
  od::document document;
  auto error =
      parser.iterate(body_.data(), body_.size(), body_.size() + net::kBodyPadding).get(document);
  if (error != simdjson::SUCCESS) return Malformed(error, body_);
  od::object root;
  error = document.get_object().get(root);
  if (error == simdjson::INCORRECT_TYPE) {
    return Fail(ErrorCode::kInvalidArgument, "the body must be a JSON object");
  }
  if (error != simdjson::SUCCESS) return Malformed(error, body_);
  root_ = body_.find('{');
  PODIUM_TRY(Root(root));
  const char* rest = nullptr;
  if (document.current_location().get(rest) == simdjson::SUCCESS) {
    return Malformed(simdjson::TAPE_ERROR, body_);  // Something follows the object.
  }
  if (!has_model_) return Wrong("model", "you must provide a model: a route or a model name");
  if (max_completion_tokens_) fields_.max_tokens = max_completion_tokens_;
  if (!has_stream_options_) {
    fields_.force_usage = Opening(root_, R"("stream_options":{"include_usage":true})");
  }
  return std::move(fields_);
}

Status FieldWalk::Root(od::object root) {
  for (auto entry : root) {
    od::field field;
    if (const auto error = std::move(entry).get(field)) return Malformed(error, body_);
    std::string_view key;
    if (const auto error = field.unescaped_key().get(key)) return Malformed(error, body_);
    const char first = key.empty() ? '\0' : Folded(key).first;
    for (std::size_t i = 0; i < kFields.size(); ++i) {
      if (kFields[i].front() != first || !EqualsFolded(key, kFields[i])) continue;
      if (key != kFields[i]) {
        return Wrong(kFields[i], "\"{}\" is not \"{}\": write it in lower case", key, kFields[i]);
      }
      if (seen_[i]) return Wrong(key, "\"{}\" is given twice", key);
      seen_[i] = true;
      PODIUM_TRY(Field(kFields[i], field.value()));
    }
  }
  return {};
}

Status FieldWalk::Field(std::string_view name, od::value value) {
  if (name == "model") return Model(value);
  // Embeddings have no streams: what stands there is the provider's affair.
  if (name == "stream" && surface_ != Surface::kEmbeddings) {
    return Flag(name, value, fields_.stream);
  }
  const bool chat = surface_ == Surface::kChat;
  if (name == "stream_options" && chat) return StreamOptions(value);
  if (name == "user" && surface_ != Surface::kMessages) {
    return Text(name, value, limits::kMaxUnitBytes, fields_.user);
  }
  if (name == "metadata" && surface_ == Surface::kMessages) return Metadata(value);
  std::optional<std::int64_t> choices;
  if (name == "n" && chat) {
    PODIUM_TRY(Count(name, value, 1, limits::kMaxChoices, choices));
    fields_.choices = choices.value_or(1);
    return {};
  }
  const bool counts = (name == "max_tokens" && (chat || surface_ == Surface::kMessages)) ||
                      (name == "max_output_tokens" && surface_ == Surface::kResponses);
  if (counts) return Count(name, value, 0, limits::kMaxRequestedTokens, fields_.max_tokens);
  if (name == "max_completion_tokens" && chat) {
    return Count(name, value, 0, limits::kMaxRequestedTokens, max_completion_tokens_);
  }
  return {};
}

Status FieldWalk::Model(od::value value) {
  const std::string_view token = value.raw_json_token();
  PODIUM_TRY(Text("model", value, limits::kMaxModelNameBytes, fields_.model));
  if (fields_.model.empty()) return Wrong("model", "model must not be empty");
  const bool printable = std::ranges::none_of(
      fields_.model, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; });
  if (!printable) return Wrong("model", "model must not hold control characters");
  const Splice place = Replacing(token, "");
  fields_.model_begin = place.begin;
  fields_.model_end = place.end;
  has_model_ = true;
  return {};
}

Status FieldWalk::StreamOptions(od::value value) {
  has_stream_options_ = true;
  const std::string_view token = value.raw_json_token();
  if (IsNull(value)) {
    fields_.force_usage = Replacing(token, R"({"include_usage":true})");
    return {};
  }
  od::object object;
  if (const auto error = value.get_object().get(object)) {
    return NotA("an object", "stream_options", error, body_);
  }
  std::optional<od::value> wish;
  fields_.force_usage = Opening(OffsetOf(token.data()), R"("include_usage":true)");
  PODIUM_TRY(Member(object, "stream_options", "include_usage", wish));
  return {};
}

Status FieldWalk::Metadata(od::value value) {
  if (IsNull(value)) return {};
  od::object object;
  if (const auto error = value.get_object().get(object)) {
    return NotA("an object", "metadata", error, body_);
  }
  std::optional<od::value> user;
  return Member(object, "metadata", "user_id", user);
}

/// Reads the one member of an object that matters, at the moment the walk meets it.
Status FieldWalk::Member(od::object object, std::string_view object_name, std::string_view wanted,
                         std::optional<od::value>& found) {
  for (auto entry : object) {
    od::field field;
    if (const auto error = std::move(entry).get(field)) return Malformed(error, body_);
    std::string_view key;
    if (const auto error = field.unescaped_key().get(key)) return Malformed(error, body_);
    if (!EqualsFolded(key, wanted)) continue;
    const std::string name = fmt::format("{}.{}", object_name, wanted);
    if (key != wanted)
      return Wrong(name, "\"{}\" is not \"{}\": write it in lower case", key, wanted);
    if (found) return Wrong(name, "\"{}\" is given twice", name);
    found = field.value();
    if (wanted == "user_id") {
      PODIUM_TRY(Text(name, *found, limits::kMaxUnitBytes, fields_.user));
      continue;
    }
    const std::string_view token = found->raw_json_token();
    fields_.force_usage = Replacing(token, "true");
    PODIUM_TRY(Flag(name, *found, fields_.include_usage));
    if (fields_.include_usage) fields_.force_usage.reset();
  }
  return {};
}

Status FieldWalk::Text(std::string_view field, od::value value, std::size_t limit,
                       std::string& out) {
  if (field != "model" && IsNull(value)) return {};
  std::string_view text;
  if (const auto error = value.get_string().get(text)) {
    return NotA("a string", field, error, body_);
  }
  if (text.size() > limit) {
    return Wrong(field, "{} has {} bytes: at most {} are allowed", field, text.size(), limit);
  }
  out = text;
  return {};
}

Status FieldWalk::Flag(std::string_view field, od::value value, bool& out) {
  if (IsNull(value)) return {};
  if (const auto error = value.get_bool().get(out)) {
    return NotA("true or false", field, error, body_);
  }
  return {};
}

Status FieldWalk::Count(std::string_view field, od::value value, std::int64_t low,
                        std::int64_t high, std::optional<std::int64_t>& out) {
  if (IsNull(value)) return {};
  std::int64_t count = 0;
  if (const auto error = value.get_int64().get(count)) {
    return NotA("an integer", field, error, body_);
  }
  if (count < low || count > high) {
    return Wrong(field, "{} must be {} to {}, not {}", field, low, high, count);
  }
  out = count;
  return {};
}

/// A token comes with the white space behind it.
Splice FieldWalk::Replacing(std::string_view token, std::string text) const {
  const std::size_t begin = OffsetOf(token.data());
  const std::size_t last = token.find_last_not_of(" \t\r\n");
  return {begin, begin + last + 1, std::move(text)};
}

/// A first member for the object whose brace stands at `brace`.
Splice FieldWalk::Opening(std::size_t brace, std::string_view member) const {
  const std::size_t next = body_.find_first_not_of(" \t\r\n", brace + 1);
  std::string text;
  text.reserve(member.size() + 1);
  text = member;
  if (next != std::string_view::npos && body_[next] != '}') text += ',';
  return {brace + 1, brace + 1, std::move(text)};
}

}  // namespace

Result<RequestFields> FieldScanner::Scan(Surface surface, std::string_view body) {
  if (parser_.capacity() > limits::kKeptBodyCapacity && body.size() <= limits::kKeptBodyCapacity) {
    parser_ = od::parser();
  }
  return FieldWalk(surface, body).Over(parser_);
}

std::string SpliceBody(std::string_view body, const RequestFields& fields,
                       std::string_view upstream_model, bool force_usage) {
  Splice model{fields.model_begin, fields.model_end, ""};
  JsonText(model.text).String(upstream_model);
  std::array<const Splice*, 2> splices = {&model, nullptr};
  if (force_usage && fields.force_usage) splices[1] = &*fields.force_usage;
  if (splices[1] != nullptr && splices[1]->begin < model.begin) std::swap(splices[0], splices[1]);
  std::string out;
  out.reserve(body.size() + model.text.size() + 48);
  std::size_t copied = 0;
  for (const Splice* splice : splices) {
    if (splice == nullptr) continue;
    out.append(body.substr(copied, splice->begin - copied)).append(splice->text);
    copied = splice->end;
  }
  out.append(body.substr(copied));
  return out;
}

}  // namespace podium::gateway::llm
