#include "control/mlflow/params.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "base/limits.h"
#include "base/utf8.h"
#include "domain/registered_model.h"
#include "net/target.h"

namespace podium::control {
namespace {

constexpr std::string_view kSeeDocs =
    "See the API docs for more information about request parameters.";

// What the type is called in MLflow's messages.
std::string_view TypeOf(const Json& value) {
  if (value.is_boolean()) return "bool";
  if (value.is_number_float()) return "float";
  if (value.is_number()) return "int";
  if (value.is_array()) return "list";
  if (value.is_object()) return "dict";
  return "str";
}

std::string Camel(std::string_view name) {
  std::string camel;
  bool raise = false;
  for (const char c : name) {
    if (c != '_') camel += raise ? static_cast<char>(c - 'a' + 'A') : c;
    raise = c == '_';
  }
  return camel;
}

// As forms are: a plus is a space.
Result<std::string> Decoded(std::string_view text) {
  std::string spaced(text);
  std::ranges::replace(spaced, '+', ' ');
  PODIUM_TRY_ASSIGN(std::string decoded, net::PercentDecode(spaced));
  if (IsUtf8(decoded)) return decoded;
  return Fail(ErrorCode::kInvalidArgument, "the query is not UTF-8");
}

std::string Shown(const Json& value) {
  return Shortened(value.is_string() ? value.get<std::string>() : DumpJson(value),
                   limits::kMaxNameBytes);
}

std::optional<int> WholeOf(const Json& value) {
  if (value.is_number_integer()) {
    const auto number = value.get<std::int64_t>();
    return number == static_cast<int>(number) ? std::optional(static_cast<int>(number))
                                              : std::nullopt;
  }
  if (!value.is_string()) return std::nullopt;
  const auto& text = value.get_ref<const std::string&>();
  int number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

}  // namespace

Result<Params> Params::FromQuery(std::string_view query) {
  Json object = Json::object();
  while (!query.empty()) {
    const std::size_t end = std::min(query.find('&'), query.size());
    const std::string_view pair = query.substr(0, end);
    query.remove_prefix(std::min(end + 1, query.size()));
    if (pair.empty()) continue;
    const std::size_t cut = std::min(pair.find('='), pair.size());
    PODIUM_TRY_ASSIGN(const std::string name, Decoded(pair.substr(0, cut)));
    PODIUM_TRY_ASSIGN(std::string value, Decoded(pair.substr(std::min(cut + 1, pair.size()))));
    Json& values = object[name];
    if (values.is_null()) values = Json::array();
    values.push_back(std::move(value));
  }
  return Params(std::move(object), true);
}

Params Params::FromBody(std::string_view bytes) {
  Result<Json> body = ParseJson(bytes);
  if (body && body->is_string()) body = ParseJson(body->get_ref<const std::string&>());
  if (!body || !body->is_object()) return {Json::object(), false};
  return {std::move(*body), false};
}

const Json* Params::Find(std::string_view name) {
  const auto snake = object_.find(name);
  const bool has_snake = snake != object_.end() && !snake->is_null();
  const std::string camel_name = Camel(name);
  const auto camel = camel_name == name || is_query_ ? object_.end() : object_.find(camel_name);
  const bool has_camel = camel != object_.end() && !camel->is_null();
  if (has_snake && has_camel) {
    Complain(
        fmt::format("'{}' and '{}' are the same parameter: send one of them", name, camel_name),
        name);
    return nullptr;
  }
  if (has_snake) return &*snake;
  return has_camel ? &*camel : nullptr;
}

void Params::Complain(std::string message, std::string_view name) {
  if (first_) return;
  first_ = Error{ErrorCode::kInvalidArgument, std::move(message), std::string(name), nullptr};
}

void Params::ComplainOfType(const Json& value, std::string_view name) {
  Complain(fmt::format("Invalid value {} for parameter '{}' supplied: Hint: Value was of type "
                       "'{}'. {}",
                       Shown(value), name, TypeOf(value), kSeeDocs),
           name);
}

std::optional<std::string> Params::Text(std::string_view name) {
  const Json* value = Find(name);
  if (value == nullptr) return std::nullopt;
  if (is_query_) return value->back().get<std::string>();
  if (value->is_string()) return value->get<std::string>();
  ComplainOfType(*value, name);
  return std::nullopt;
}

std::string Params::Required(std::string_view name) {
  std::string text = Text(name).value_or("");
  if (text.empty()) {
    Complain(fmt::format("Missing value for required parameter '{}'. {}", name, kSeeDocs), name);
  }
  return text;
}

bool Params::Flag(std::string_view name) {
  const Json* value = Find(name);
  if (value == nullptr) return false;
  if (value->is_boolean()) return value->get<bool>();
  if (is_query_) {
    std::string text = value->back().get<std::string>();
    std::ranges::transform(text, text.begin(), [](char c) {
      return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    if (text == "true" || text == "false") return text == "true";
  }
  ComplainOfType(*value, name);
  return false;
}

int Params::Count(std::string_view name, int fallback, int max) {
  const Json* value = Find(name);
  if (value == nullptr) return fallback;
  const Json& one = is_query_ ? value->back() : *value;
  const std::optional<int> number = WholeOf(one);
  if (number && *number >= 1 && *number <= max) return *number;
  Complain(fmt::format("Invalid value \"{}\" for parameter '{}' supplied: it must be a whole "
                       "number from 1 to {}. {}",
                       Shown(one), name, max, kSeeDocs),
           name);
  return fallback;
}

std::vector<std::string> Params::Texts(std::string_view name) {
  std::vector<std::string> texts;
  const Json* value = Find(name);
  if (value == nullptr) return texts;
  if (!value->is_array()) {
    ComplainOfType(*value, name);
    return texts;
  }
  for (const Json& each : *value) {
    if (!each.is_string()) {
      ComplainOfType(each, name);
      return {};
    }
    texts.push_back(each.get<std::string>());
  }
  return texts;
}

TagMap Params::Tags(std::string_view name) {
  TagMap tags;
  const Json* value = Find(name);
  if (value == nullptr) return tags;
  if (!value->is_array()) {
    ComplainOfType(*value, name);
    return tags;
  }
  for (const Json& each : *value) {
    if (!each.is_object()) {
      ComplainOfType(each, name);
      return {};
    }
    Params tag(each, false);
    std::string key = tag.Required("key");
    std::string text = tag.Text("value").value_or("");
    if (Status read = tag.Finish(); !read) {
      Complain(read.error().message, name);
      return {};
    }
    tags[std::move(key)] = std::move(text);
  }
  return tags;
}

std::int64_t Params::VersionNumber() {
  const std::string text = Required("version");
  if (first_) return 0;
  const Result<std::int64_t> number = ParseVersionNumber(text);
  if (number) return *number;
  Complain(number.error().message, "version");
  return 0;
}

Status Params::Finish() const {
  if (first_) return Fail(*first_);
  return {};
}

}  // namespace podium::control
