#include "gateway/llm/openai/responses_request.h"

#include <utility>

#include "gateway/llm/json_syntax.h"
#include "gateway/llm/json_text.h"
#include "gateway/llm/openai/chat_request.h"

namespace podium::gateway::llm {
namespace {

class ResponsesReader {
 public:
  explicit ResponsesReader(JsonElement body) : body_(body) {}
  Result<Conversation> Read();

 private:
  Status RefuseWhatCannotBe() const;
  Status Input();
  Status Item(JsonElement item, const std::string& where);
  Status Message(JsonElement item, const std::string& where);
  Status Content(JsonElement owner, std::string_view key, const std::string& where,
                 std::vector<Part>& out);
  Status ContentPart(JsonElement part, const std::string& where, std::vector<Part>& out);
  Status FunctionCall(JsonElement item, const std::string& where);
  Status FunctionOutput(JsonElement item, const std::string& where);
  Status Tools();
  Status ToolChoice();
  Status Format();
  void Tuning();

  JsonElement body_;
  Conversation out_;
  std::size_t parts_ = 0;
};

Result<Conversation> ResponsesReader::Read() {
  PODIUM_TRY(RefuseWhatCannotBe());
  if (const std::string_view text = StringAt(body_, "instructions"); !text.empty()) {
    out_.system.push_back(PartOf(PartKind::kText, text));
  }
  PODIUM_TRY(Input());
  PODIUM_TRY(Tools());
  PODIUM_TRY(ToolChoice());
  PODIUM_TRY(Format());
  Tuning();
  return std::move(out_);
}

Status ResponsesReader::RefuseWhatCannotBe() const {
  for (const char* field : {"previous_response_id", "conversation", "prompt"}) {
    if (MemberAt(body_, field)) {
      return Unsupported(field, "it keeps nothing between calls: send the whole input");
    }
  }
  if (BoolAt(body_, "background")) return Unsupported("background", "it answers at once");
  return {};
}

Status ResponsesReader::Input() {
  const auto input = MemberAt(body_, "input");
  if (!input) return Misshapen("input", "a string or a list of items");
  if (input->is_string()) {
    out_.TurnOf(Role::kUser).parts.push_back(PartOf(PartKind::kText, StringAt(body_, "input")));
    return {};
  }
  const auto items = ArrayAt(body_, "input");
  if (!items) return Misshapen("input", "a string or a list of items");
  std::size_t index = 0;
  for (const JsonElement item : *items) PODIUM_TRY(Item(item, PlaceIn("input", index++)));
  return {};
}

Status ResponsesReader::Item(JsonElement item, const std::string& where) {
  PODIUM_TRY(CheckSize(++parts_));
  const std::string_view type = StringAt(item, "type");
  if (type.empty() || type == "message") return Message(item, where);
  if (type == "function_call") return FunctionCall(item, where);
  if (type == "function_call_output") return FunctionOutput(item, where);
  // Reasoning of another provider means nothing to this one; ours comes back as it was.
  if (type == "reasoning") return ReadThinking(item, where, out_.TurnOf(Role::kAssistant));
  return Unsupported(where + ".type", "send messages, function calls and their outputs");
}

Status ResponsesReader::Message(JsonElement item, const std::string& where) {
  const std::string_view role = StringAt(item, "role");
  if (role == "system" || role == "developer") {
    return Content(item, "content", where, out_.system);
  }
  if (role != "user" && role != "assistant") {
    return Misshapen(where + ".role", "system, developer, user or assistant");
  }
  const Role who = role == "user" ? Role::kUser : Role::kAssistant;
  return Content(item, "content", where, out_.TurnOf(who).parts);
}

Status ResponsesReader::Content(JsonElement owner, std::string_view key, const std::string& where,
                                std::vector<Part>& out) {
  const auto content = MemberAt(owner, key);
  if (content && content->is_string()) {
    out.push_back(PartOf(PartKind::kText, StringAt(owner, key)));
    return {};
  }
  const auto list = ArrayAt(owner, key);
  const std::string place = fmt::format("{}.{}", where, key);
  if (!list) return Misshapen(place, "a string or a list of parts");
  std::size_t index = 0;
  for (const JsonElement part : *list) PODIUM_TRY(ContentPart(part, PlaceIn(place, index++), out));
  return {};
}

Status ResponsesReader::ContentPart(JsonElement part, const std::string& where,
                                    std::vector<Part>& out) {
  PODIUM_TRY(CheckSize(++parts_));
  const std::string_view type = StringAt(part, "type");
  Part read;
  if (type == "input_text" || type == "output_text" || type == "text") {
    read.text = StringAt(part, "text");
  } else if (type == "refusal") {
    read.kind = PartKind::kRefusal;
    read.text = StringAt(part, "refusal");
  } else if (type == "input_image") {
    read.kind = PartKind::kImage;
    read.detail = StringAt(part, "detail");
    SetSource(StringAt(part, "image_url"), read);
    if (read.url.empty() && read.data.empty()) {
      return Unsupported(where + ".file_id", "send image_url: it keeps no files");
    }
  } else if (type == "input_file") {
    read.kind = PartKind::kDocument;
    read.name = StringAt(part, "filename");
    SetSource(StringAt(part, "file_data"), read);
    if (read.data.empty()) return Unsupported(where, "send file_data as a data URL");
  } else {
    return Unsupported(where + ".type", "send input_text, input_image or input_file parts");
  }
  out.push_back(std::move(read));
  return {};
}

Status ResponsesReader::FunctionCall(JsonElement item, const std::string& where) {
  Part part;
  part.kind = PartKind::kToolCall;
  part.id = StringAt(item, "call_id");
  part.name = StringAt(item, "name");
  const std::string_view arguments = StringAt(item, "arguments");
  part.arguments = arguments.empty() ? "{}" : arguments;
  if (!IsJsonObject(part.arguments)) {
    return Misshapen(where + ".arguments", "the text of a JSON object");
  }
  out_.TurnOf(Role::kAssistant).parts.push_back(std::move(part));
  return {};
}

Status ResponsesReader::FunctionOutput(JsonElement item, const std::string& where) {
  Part part;
  part.kind = PartKind::kToolResult;
  part.id = StringAt(item, "call_id");
  if (part.id.empty()) return Misshapen(where + ".call_id", "the id of a function call");
  PODIUM_TRY(Content(item, "output", where, part.content));
  out_.TurnOf(Role::kUser).parts.push_back(std::move(part));
  return {};
}

Status ResponsesReader::Tools() {
  const auto tools = ArrayAt(body_, "tools");
  if (!tools) return {};
  std::size_t index = 0;
  for (const JsonElement tool : *tools) {
    PODIUM_TRY(CheckSize(++parts_));
    const std::string where = PlaceIn("tools", index++);
    if (StringAt(tool, "type") != "function") {
      return Unsupported(where + ".type", "it knows tools of type function only");
    }
    Tool read;
    read.name = StringAt(tool, "name");
    if (read.name.empty()) return Misshapen(where + ".name", "a name");
    read.description = StringAt(tool, "description");
    const auto schema = ObjectAt(tool, "parameters");
    read.schema = schema ? TextOf(*schema) : R"({"type":"object","properties":{}})";
    if (MemberAt(tool, "strict")) read.strict = BoolAt(tool, "strict");
    out_.tools.push_back(std::move(read));
  }
  return {};
}

Status ResponsesReader::ToolChoice() {
  if (MemberAt(body_, "parallel_tool_calls")) {
    out_.parallel_tools = BoolAt(body_, "parallel_tool_calls");
  }
  const auto choice = MemberAt(body_, "tool_choice");
  if (!choice) return {};
  const std::string_view word = StringAt(body_, "tool_choice");
  if (word == "auto") {
    out_.tool_use = ToolUse::kAuto;
  } else if (word == "none") {
    out_.tool_use = ToolUse::kNone;
  } else if (word == "required") {
    out_.tool_use = ToolUse::kRequired;
  } else if (StringAt(*choice, "type") == "function") {
    out_.tool_use = ToolUse::kNamed;
    out_.tool_name = StringAt(*choice, "name");
  } else {
    return Unsupported("tool_choice", "use auto, none, required or one function");
  }
  return {};
}

Status ResponsesReader::Format() {
  const auto text = ObjectAt(body_, "text");
  const auto format = text ? ObjectAt(*text, "format") : std::nullopt;
  if (!format) return {};
  const std::string_view type = StringAt(*format, "type");
  if (type == "text") return {};
  out_.json_object = type == "json_object";
  if (out_.json_object) return {};
  const auto schema = ObjectAt(*format, "schema");
  if (type != "json_schema" || !schema) {
    return Misshapen("text.format", "text, json_object or json_schema with a schema");
  }
  AnswerSchema read{StringAt(*format, "name"), TextOf(*schema), std::nullopt};
  if (MemberAt(*format, "strict")) read.strict = BoolAt(*format, "strict");
  out_.answer_schema = std::move(read);
  return {};
}

void ResponsesReader::Tuning() {
  out_.max_tokens = IntegerAt(body_, "max_output_tokens");
  if (const auto value = MemberAt(body_, "temperature")) out_.temperature = TextOf(*value);
  if (const auto value = MemberAt(body_, "top_p")) out_.top_p = TextOf(*value);
  if (const auto reasoning = ObjectAt(body_, "reasoning")) {
    out_.reasoning_effort = StringAt(*reasoning, "effort");
  }
  out_.user = StringAt(body_, "user");
  out_.stream = BoolAt(body_, "stream");
}

}  // namespace

Result<Conversation> ReadResponsesRequest(JsonElement body) { return ResponsesReader(body).Read(); }

std::string EchoOf(JsonElement body) {
  struct Field {
    std::string_view name;
    std::string_view absent;
  };
  static constexpr Field kFields[] = {
      {"instructions", "null"},
      {"max_output_tokens", "null"},
      {"metadata", "{}"},
      {"parallel_tool_calls", "true"},
      {"reasoning", "null"},
      {"temperature", "null"},
      {"text", R"({"format":{"type":"text"}})"},
      {"tool_choice", R"("auto")"},
      {"tools", "[]"},
      {"top_p", "null"},
      {"truncation", R"("disabled")"},
      {"user", "null"},
  };
  std::string out;
  JsonText json(out);
  for (const Field& field : kFields) {
    const auto value = MemberAt(body, field.name);
    json.Key(field.name).Raw(value ? TextOf(*value) : std::string(field.absent));
  }
  return out;
}

}  // namespace podium::gateway::llm
