#include "gateway/llm/json_text.h"

#include <fmt/format.h>
#include <simdjson.h>

#include "base/json.h"
#include "base/log.h"

namespace podium::gateway::llm {

void JsonText::Comma() {
  if (out_.size() == start_) return;
  const char last = out_.back();
  if (last != '{' && last != '[' && last != ':') out_ += ',';
}

JsonText& JsonText::Object() {
  Comma();
  out_ += '{';
  return *this;
}

JsonText& JsonText::EndObject() {
  out_ += '}';
  return *this;
}

JsonText& JsonText::Array() {
  Comma();
  out_ += '[';
  return *this;
}

JsonText& JsonText::EndArray() {
  out_ += ']';
  return *this;
}

JsonText& JsonText::Key(std::string_view name) {
  String(name);
  out_ += ':';
  return *this;
}

namespace {

/// Nearly no text needs any; read whole, without a branch, it is read many bytes at once.
bool NeedsEscapes(std::string_view text) {
  bool needed = false;
  for (const char c : text) {
    needed |= static_cast<unsigned char>(c) < 0x20 || c == '"' || c == '\\' || c == 0x7F;
  }
  return needed;
}

}  // namespace

JsonText& JsonText::String(std::string_view value) {
  Comma();
  if (!simdjson::validate_utf8(value.data(), value.size())) {
    out_ += DumpJson(Json(std::string(value)));
    return *this;
  }
  out_ += '"';
  if (NeedsEscapes(value)) {
    out_ += EscapeJson(value);
  } else {
    out_ += value;
  }
  out_ += '"';
  return *this;
}

JsonText& JsonText::Number(std::int64_t value) {
  Comma();
  const fmt::format_int text(value);
  out_.append(text.data(), text.size());
  return *this;
}

JsonText& JsonText::Bool(bool value) { return Raw(value ? "true" : "false"); }

JsonText& JsonText::Null() { return Raw("null"); }

JsonText& JsonText::Raw(std::string_view json) {
  Comma();
  out_ += json;
  return *this;
}

JsonText& JsonText::Member(std::string_view key, std::string_view value) {
  return Key(key).String(value);
}

JsonText& JsonText::MemberUnlessEmpty(std::string_view key, std::string_view value) {
  return value.empty() ? *this : Member(key, value);
}

JsonText& JsonText::RawUnlessEmpty(std::string_view key, std::string_view json) {
  return json.empty() ? *this : Key(key).Raw(json);
}

}  // namespace podium::gateway::llm
