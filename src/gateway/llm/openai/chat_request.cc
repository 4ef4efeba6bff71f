#include "gateway/llm/openai/chat_request.h"

#include <algorithm>
#include <utility>

#include "gateway/llm/json_syntax.h"

namespace podium::gateway::llm {
namespace {

/// One request on its way to a conversation.
class ChatReader {
 public:
  explicit ChatReader(JsonElement body) : body_(body) {}
  Result<Conversation> Read();

 private:
  Status RefuseWhatCannotBe() const;
  Status Message(JsonElement message, const std::string& where);
  Status Assistant(JsonElement message, const std::string& where);
  Status ToolCall(JsonElement call, const std::string& where);
  Status Content(JsonElement message, const std::string& where, std::vector<Part>& out);
  Status ContentPart(JsonElement part, const std::string& where, std::vector<Part>& out);
  Status Tools();
  Status ToolChoice();
  Status Format();
  Status Stop();
  void Tuning();

  JsonElement body_;
  Conversation out_;
  std::size_t parts_ = 0;
};

Result<Conversation> ChatReader::Read() {
  PODIUM_TRY(RefuseWhatCannotBe());
  const auto messages = ArrayAt(body_, "messages");
  if (!messages) return Misshapen("messages", "a list of messages");
  std::size_t index = 0;
  for (const JsonElement message : *messages)
    PODIUM_TRY(Message(message, PlaceIn("messages", index++)));
  PODIUM_TRY(Tools());
  PODIUM_TRY(ToolChoice());
  PODIUM_TRY(Format());
  PODIUM_TRY(Stop());
  Tuning();
  return std::move(out_);
}

Status ChatReader::RefuseWhatCannotBe() const {
  if (IntegerAt(body_, "n").value_or(1) > 1) {
    return Unsupported("n", "it gives one answer per call: send the call several times");
  }
  if (BoolAt(body_, "logprobs")) return Unsupported("logprobs", "it has no log probabilities");
  for (const char* field : {"functions", "function_call"}) {
    if (MemberAt(body_, field)) return Unsupported(field, "use tools and tool_choice instead");
  }
  for (const char* field : {"audio", "web_search_options"}) {
    if (MemberAt(body_, field)) return Unsupported(field, "leave it out");
  }
  return {};
}

Status ChatReader::Message(JsonElement message, const std::string& where) {
  PODIUM_TRY(CheckSize(++parts_));
  const std::string_view role = StringAt(message, "role");
  if (role == "system" || role == "developer") return Content(message, where, out_.system);
  if (role == "user") return Content(message, where, out_.TurnOf(Role::kUser).parts);
  if (role == "assistant") return Assistant(message, where);
  if (role != "tool") {
    return Misshapen(where + ".role", "system, developer, user, assistant or tool");
  }
  Part result;
  result.kind = PartKind::kToolResult;
  result.id = StringAt(message, "tool_call_id");
  if (result.id.empty()) return Misshapen(where + ".tool_call_id", "the id of a tool call");
  PODIUM_TRY(Content(message, where, result.content));
  out_.TurnOf(Role::kUser).parts.push_back(std::move(result));
  return {};
}

Status ChatReader::Assistant(JsonElement message, const std::string& where) {
  Turn& turn = out_.TurnOf(Role::kAssistant);
  PODIUM_TRY(ReadThinking(message, where, turn));
  PODIUM_TRY(Content(message, where, turn.parts));
  if (const std::string_view refusal = StringAt(message, "refusal"); !refusal.empty()) {
    turn.parts.push_back(PartOf(PartKind::kRefusal, refusal));
  }
  const auto calls = ArrayAt(message, "tool_calls");
  if (!calls) return {};
  std::size_t index = 0;
  for (const JsonElement call : *calls) {
    PODIUM_TRY(ToolCall(call, PlaceIn(where + ".tool_calls", index++)));
  }
  return {};
}

Status ChatReader::ToolCall(JsonElement call, const std::string& where) {
  PODIUM_TRY(CheckSize(++parts_));
  const auto function = ObjectAt(call, "function");
  if (!function) return Misshapen(where + ".function", "an object");
  Part part;
  part.kind = PartKind::kToolCall;
  part.id = StringAt(call, "id");
  part.name = StringAt(*function, "name");
  const std::string_view arguments = StringAt(*function, "arguments");
  part.arguments = arguments.empty() ? "{}" : arguments;
  // They become a value of their own in other formats: text that is none would break the body.
  if (!IsJsonObject(part.arguments)) {
    return Misshapen(where + ".function.arguments", "the text of a JSON object");
  }
  out_.TurnOf(Role::kAssistant).parts.push_back(std::move(part));
  return {};
}

Status ChatReader::Content(JsonElement message, const std::string& where, std::vector<Part>& out) {
  const auto content = MemberAt(message, "content");
  if (!content) return {};
  if (content->is_string()) {
    out.push_back(PartOf(PartKind::kText, StringAt(message, "content")));
    return {};
  }
  const auto list = ArrayAt(message, "content");
  if (!list) return Misshapen(where + ".content", "a string or a list of parts");
  std::size_t index = 0;
  for (const JsonElement part : *list) {
    PODIUM_TRY(CheckSize(++parts_));
    PODIUM_TRY(ContentPart(part, PlaceIn(where + ".content", index++), out));
  }
  return {};
}

Status ChatReader::ContentPart(JsonElement part, const std::string& where, std::vector<Part>& out) {
  const std::string_view type = StringAt(part, "type");
  Part read;
  if (const auto control = ObjectAt(part, "cache_control")) read.cache_control = TextOf(*control);
  if (type == "text") {
    read.text = StringAt(part, "text");
  } else if (type == "refusal") {
    read.kind = PartKind::kRefusal;
    read.text = StringAt(part, "refusal");
  } else if (type == "image_url") {
    const auto image = ObjectAt(part, "image_url");
    if (!image) return Misshapen(where + ".image_url", "an object with a url");
    read.kind = PartKind::kImage;
    read.detail = StringAt(*image, "detail");
    SetSource(StringAt(*image, "url"), read);
  } else if (type == "file") {
    const auto file = ObjectAt(part, "file");
    if (!file) return Misshapen(where + ".file", "an object");
    read.kind = PartKind::kDocument;
    read.name = StringAt(*file, "filename");
    SetSource(StringAt(*file, "file_data"), read);
    if (read.data.empty()) return Unsupported(where + ".file", "send file_data as a data URL");
  } else {
    return Unsupported(where + ".type", "send text, image_url or file parts");
  }
  out.push_back(std::move(read));
  return {};
}

Status ChatReader::Tools() {
  const auto tools = ArrayAt(body_, "tools");
  if (!tools) return {};
  std::size_t index = 0;
  for (const JsonElement tool : *tools) {
    PODIUM_TRY(CheckSize(++parts_));
    const std::string where = PlaceIn("tools", index++);
    const auto function = ObjectAt(tool, "function");
    if (StringAt(tool, "type") != "function" || !function) {
      return Unsupported(where + ".type", "it knows tools of type function only");
    }
    Tool read;
    read.name = StringAt(*function, "name");
    if (read.name.empty()) return Misshapen(where + ".function.name", "a name");
    read.description = StringAt(*function, "description");
    const auto schema = ObjectAt(*function, "parameters");
    read.schema = schema ? TextOf(*schema) : R"({"type":"object","properties":{}})";
    if (const auto strict = MemberAt(*function, "strict"); strict && strict->is_bool()) {
      read.strict = BoolAt(*function, "strict");
    }
    if (const auto control = ObjectAt(tool, "cache_control")) read.cache_control = TextOf(*control);
    out_.tools.push_back(std::move(read));
  }
  return {};
}

Status ChatReader::ToolChoice() {
  if (const auto parallel = MemberAt(body_, "parallel_tool_calls");
      parallel && parallel->is_bool()) {
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
  } else if (const auto function = ObjectAt(*choice, "function")) {
    out_.tool_use = ToolUse::kNamed;
    out_.tool_name = StringAt(*function, "name");
  } else {
    return Unsupported("tool_choice", "use auto, none, required or one function");
  }
  return {};
}

Status ChatReader::Format() {
  const auto format = ObjectAt(body_, "response_format");
  if (!format) return {};
  const std::string_view type = StringAt(*format, "type");
  if (type == "text") return {};
  out_.json_object = type == "json_object";
  if (out_.json_object) return {};
  const auto schema = ObjectAt(*format, "json_schema");
  if (type != "json_schema" || !schema || !ObjectAt(*schema, "schema")) {
    return Misshapen("response_format", "text, json_object or json_schema with a schema");
  }
  AnswerSchema read;
  read.name = StringAt(*schema, "name");
  read.schema = TextOf(*ObjectAt(*schema, "schema"));
  if (MemberAt(*schema, "strict")) read.strict = BoolAt(*schema, "strict");
  out_.answer_schema = std::move(read);
  return {};
}

Status ChatReader::Stop() {
  const auto stop = MemberAt(body_, "stop");
  if (!stop) return {};
  if (stop->is_string()) {
    out_.stop.push_back(StringAt(body_, "stop"));
    return {};
  }
  const auto list = ArrayAt(body_, "stop");
  if (!list) return Misshapen("stop", "a string or a list of strings");
  for (const JsonElement word : *list) {
    std::string_view text;
    if (word.get(text) != simdjson::SUCCESS) return Misshapen("stop", "a list of strings");
    PODIUM_TRY(CheckSize(++parts_));
    out_.stop.push_back(text);
  }
  return {};
}

void ChatReader::Tuning() {
  out_.max_tokens = IntegerAt(body_, "max_completion_tokens");
  if (!out_.max_tokens) out_.max_tokens = IntegerAt(body_, "max_tokens");
  if (const auto value = MemberAt(body_, "temperature")) out_.temperature = TextOf(*value);
  if (const auto value = MemberAt(body_, "top_p")) out_.top_p = TextOf(*value);
  if (const auto value = MemberAt(body_, "top_k")) out_.top_k = TextOf(*value);
  if (const auto value = ObjectAt(body_, "thinking")) out_.thinking = TextOf(*value);
  out_.reasoning_effort = StringAt(body_, "reasoning_effort");
  out_.user = StringAt(body_, "user");
  out_.stream = BoolAt(body_, "stream");
}

}  // namespace

Result<Conversation> ReadChatRequest(JsonElement body) { return ChatReader(body).Read(); }

Status ReadThinking(JsonElement message, const std::string& where, Turn& turn) {
  const auto blocks = ArrayAt(message, kThinkingField);
  if (!blocks) return {};
  for (const JsonElement block : *blocks) {
    PODIUM_TRY(CheckSize(turn.parts.size()));
    const std::string_view type = StringAt(block, "type");
    Part part;
    if (type == "thinking") {
      part.kind = PartKind::kThinking;
      part.text = StringAt(block, "thinking");
      part.signature = StringAt(block, "signature");
    } else if (type == "redacted_thinking") {
      part.kind = PartKind::kRedactedThinking;
      part.data = StringAt(block, "data");
    } else {
      return Misshapen(fmt::format("{}.{}", where, kThinkingField),
                       "the blocks of an earlier answer, as they came");
    }
    turn.parts.push_back(std::move(part));
  }
  return {};
}

}  // namespace podium::gateway::llm
