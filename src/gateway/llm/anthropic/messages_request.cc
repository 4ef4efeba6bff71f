#include "gateway/llm/anthropic/messages_request.h"

#include <optional>
#include <utility>

namespace podium::gateway::llm {
namespace {

class MessagesReader {
 public:
  explicit MessagesReader(JsonElement body) : body_(body) {}
  Result<Conversation> Read();

 private:
  Status System();
  Status Message(JsonElement message, const std::string& where);
  Status Content(JsonElement owner, const std::string& where, std::vector<Part>& out);
  Status Block(JsonElement block, const std::string& where, std::vector<Part>& out);
  Status Source(JsonElement block, const std::string& where, Part& part);
  Status Tools();
  Status ToolChoice();
  Status Stop();
  void Tuning();

  JsonElement body_;
  Conversation out_;
  std::size_t parts_ = 0;
};

Result<Conversation> MessagesReader::Read() {
  const auto messages = ArrayAt(body_, "messages");
  if (!messages) return Misshapen("messages", "a list of messages");
  PODIUM_TRY(System());
  std::size_t index = 0;
  for (const JsonElement message : *messages)
    PODIUM_TRY(Message(message, PlaceIn("messages", index++)));
  PODIUM_TRY(Tools());
  PODIUM_TRY(ToolChoice());
  PODIUM_TRY(Stop());
  Tuning();
  return std::move(out_);
}

Status MessagesReader::System() {
  const auto system = MemberAt(body_, "system");
  if (!system) return {};
  if (system->is_string()) {
    out_.system.push_back(PartOf(PartKind::kText, StringAt(body_, "system")));
    return {};
  }
  const auto blocks = ArrayAt(body_, "system");
  if (!blocks) return Misshapen("system", "a string or a list of text blocks");
  std::size_t index = 0;
  for (const JsonElement block : *blocks)
    PODIUM_TRY(Block(block, PlaceIn("system", index++), out_.system));
  return {};
}

Status MessagesReader::Message(JsonElement message, const std::string& where) {
  PODIUM_TRY(CheckSize(++parts_));
  const std::string_view role = StringAt(message, "role");
  if (role == "system") return Content(message, where, out_.system);
  if (role != "user" && role != "assistant") return Misshapen(where + ".role", "user or assistant");
  const Role who = role == "user" ? Role::kUser : Role::kAssistant;
  return Content(message, where, out_.TurnOf(who).parts);
}

Status MessagesReader::Content(JsonElement owner, const std::string& where,
                               std::vector<Part>& out) {
  const auto content = MemberAt(owner, "content");
  if (!content) return {};
  if (content->is_string()) {
    out.push_back(PartOf(PartKind::kText, StringAt(owner, "content")));
    return {};
  }
  const auto blocks = ArrayAt(owner, "content");
  if (!blocks) return Misshapen(where + ".content", "a string or a list of blocks");
  std::size_t index = 0;
  for (const JsonElement block : *blocks) {
    PODIUM_TRY(Block(block, PlaceIn(where + ".content", index++), out));
  }
  return {};
}

Status MessagesReader::Block(JsonElement block, const std::string& where, std::vector<Part>& out) {
  PODIUM_TRY(CheckSize(++parts_));
  const std::string_view type = StringAt(block, "type");
  if (auto read = ReadBlock(block)) {
    out.push_back(std::move(*read));
    return {};
  }
  Part part;
  if (type == "image" || type == "document") {
    part.kind = type == "image" ? PartKind::kImage : PartKind::kDocument;
    part.name = StringAt(block, "title");
    PODIUM_TRY(Source(block, where, part));
  } else if (type == "tool_result") {
    part.kind = PartKind::kToolResult;
    part.id = StringAt(block, "tool_use_id");
    part.is_error = BoolAt(block, "is_error");
    if (part.id.empty()) return Misshapen(where + ".tool_use_id", "the id of a tool use");
    PODIUM_TRY(Content(block, where, part.content));
  } else {
    return Unsupported(where + ".type", "send text, image, document, tool_use or tool_result");
  }
  out.push_back(std::move(part));
  return {};
}

Status MessagesReader::Source(JsonElement block, const std::string& where, Part& part) {
  const auto source = ObjectAt(block, "source");
  if (!source) return Misshapen(where + ".source", "an object");
  const std::string_view type = StringAt(*source, "type");
  if (type == "base64") {
    part.media_type = StringAt(*source, "media_type");
    part.data = StringAt(*source, "data");
    return {};
  }
  if (type == "url" && part.kind == PartKind::kImage) {
    part.url = StringAt(*source, "url");
    return {};
  }
  if (type == "text" && part.kind == PartKind::kDocument) {
    part.kind = PartKind::kText;
    part.text = StringAt(*source, "data");
    return {};
  }
  return Unsupported(where + ".source.type", "send the bytes as base64");
}

Status MessagesReader::Tools() {
  const auto tools = ArrayAt(body_, "tools");
  if (!tools) return {};
  std::size_t index = 0;
  for (const JsonElement tool : *tools) {
    PODIUM_TRY(CheckSize(++parts_));
    const std::string where = PlaceIn("tools", index++);
    const std::string_view type = StringAt(tool, "type");
    if (!type.empty() && type != "custom") {
      return Unsupported(where + ".type", "it has none of this provider's own tools");
    }
    Tool read;
    read.name = StringAt(tool, "name");
    if (read.name.empty()) return Misshapen(where + ".name", "a name");
    read.description = StringAt(tool, "description");
    const auto schema = ObjectAt(tool, "input_schema");
    if (!schema) return Misshapen(where + ".input_schema", "a JSON schema");
    read.schema = TextOf(*schema);
    out_.tools.push_back(std::move(read));
  }
  return {};
}

Status MessagesReader::ToolChoice() {
  const auto choice = ObjectAt(body_, "tool_choice");
  if (!choice) return {};
  const std::string_view type = StringAt(*choice, "type");
  if (type == "auto") {
    out_.tool_use = ToolUse::kAuto;
  } else if (type == "none") {
    out_.tool_use = ToolUse::kNone;
  } else if (type == "any") {
    out_.tool_use = ToolUse::kRequired;
  } else if (type == "tool") {
    out_.tool_use = ToolUse::kNamed;
    out_.tool_name = StringAt(*choice, "name");
  } else {
    return Misshapen("tool_choice.type", "auto, any, tool or none");
  }
  if (BoolAt(*choice, "disable_parallel_tool_use")) out_.parallel_tools = false;
  return {};
}

Status MessagesReader::Stop() {
  const auto stop = ArrayAt(body_, "stop_sequences");
  if (!stop) return {};
  for (const JsonElement word : *stop) {
    std::string_view text;
    if (word.get(text) != simdjson::SUCCESS) {
      return Misshapen("stop_sequences", "a list of strings");
    }
    PODIUM_TRY(CheckSize(++parts_));
    out_.stop.push_back(text);
  }
  return {};
}

void MessagesReader::Tuning() {
  out_.max_tokens = IntegerAt(body_, "max_tokens");
  if (const auto value = MemberAt(body_, "temperature")) out_.temperature = TextOf(*value);
  if (const auto value = MemberAt(body_, "top_p")) out_.top_p = TextOf(*value);
  if (const auto metadata = ObjectAt(body_, "metadata")) {
    out_.user = StringAt(*metadata, "user_id");
  }
  if (const auto config = ObjectAt(body_, "output_config")) {
    const auto format = ObjectAt(*config, "format");
    const auto schema = format ? ObjectAt(*format, "schema") : std::nullopt;
    if (schema) out_.answer_schema = AnswerSchema{"", TextOf(*schema), true};
  }
  out_.stream = BoolAt(body_, "stream");
}

}  // namespace

Result<Conversation> ReadMessagesRequest(JsonElement body) { return MessagesReader(body).Read(); }

std::optional<Part> ReadBlock(JsonElement block) {
  const std::string_view type = StringAt(block, "type");
  Part part;
  if (const auto control = ObjectAt(block, "cache_control")) part.cache_control = TextOf(*control);
  if (type == "text") {
    part.text = StringAt(block, "text");
  } else if (type == "thinking") {
    part.kind = PartKind::kThinking;
    part.text = StringAt(block, "thinking");
    part.signature = StringAt(block, "signature");
  } else if (type == "redacted_thinking") {
    part.kind = PartKind::kRedactedThinking;
    part.data = StringAt(block, "data");
  } else if (type == "tool_use") {
    part.kind = PartKind::kToolCall;
    part.id = StringAt(block, "id");
    part.name = StringAt(block, "name");
    const auto input = ObjectAt(block, "input");
    part.arguments = input ? TextOf(*input) : "{}";
  } else {
    return std::nullopt;
  }
  return part;
}

}  // namespace podium::gateway::llm
