// Writing a conversation as a Messages request.
#include <charconv>

#include "gateway/llm/anthropic/messages_request.h"
#include "gateway/llm/json_text.h"

namespace podium::gateway::llm {
namespace {

/// Whether the format has a place for it: empty texts are refused, and so is thinking that the
/// provider did not sign.
bool IsWritten(const Part& part) {
  switch (part.kind) {
    case PartKind::kText:
    case PartKind::kRefusal:
      return !part.text.empty();
    case PartKind::kThinking:
      return !part.signature.empty();
    default:
      return true;
  }
}

void AppendSource(const Part& part, JsonText& json) {
  json.Key("source").Object();
  if (part.data.empty()) {
    json.Member("type", "url").Member("url", part.url);
  } else {
    json.Member("type", "base64").Member("media_type", part.media_type).Member("data", part.data);
  }
  json.EndObject();
}

void AppendBlock(const Part& part, JsonText& json);

void AppendToolResult(const Part& part, JsonText& json) {
  json.Member("type", "tool_result").Member("tool_use_id", part.id);
  json.Key("content").Array();
  for (const Part& given : part.content) {
    if (IsWritten(given)) AppendBlock(given, json);
  }
  json.EndArray();
  if (part.is_error) json.Key("is_error").Bool(true);
}

void AppendBlock(const Part& part, JsonText& json) {
  json.Object();
  switch (part.kind) {
    case PartKind::kText:
    case PartKind::kRefusal:
      json.Member("type", "text").Member("text", part.text);
      break;
    case PartKind::kImage:
      json.Member("type", "image");
      AppendSource(part, json);
      break;
    case PartKind::kDocument:
      json.Member("type", "document").MemberUnlessEmpty("title", part.name);
      AppendSource(part, json);
      break;
    case PartKind::kThinking:
      json.Member("type", "thinking").Member("thinking", part.text);
      json.Member("signature", part.signature);
      break;
    case PartKind::kRedactedThinking:
      json.Member("type", "redacted_thinking").Member("data", part.data);
      break;
    case PartKind::kToolCall:
      json.Member("type", "tool_use").Member("id", part.id).Member("name", part.name);
      json.Key("input").Raw(part.arguments);
      break;
    case PartKind::kToolResult:
      AppendToolResult(part, json);
      break;
  }
  json.RawUnlessEmpty("cache_control", part.cache_control).EndObject();
}

void AppendSystem(const Conversation& conversation, JsonText& json) {
  bool open = false;
  for (const Part& part : conversation.system) {
    if (!IsWritten(part)) continue;
    if (!open) json.Key("system").Array();
    open = true;
    AppendBlock(part, json);
  }
  if (open) json.EndArray();
}

void AppendTurns(const Conversation& conversation, JsonText& json) {
  json.Key("messages").Array();
  for (const Turn& turn : conversation.turns) {
    bool open = false;
    for (const Part& part : turn.parts) {
      if (!IsWritten(part)) continue;
      if (!open) {
        json.Object().Member("role", turn.role == Role::kUser ? "user" : "assistant");
        json.Key("content").Array();
      }
      open = true;
      AppendBlock(part, json);
    }
    if (open) json.EndArray().EndObject();
  }
  json.EndArray();
}

void AppendMessagesTools(const Conversation& conversation, JsonText& json) {
  if (conversation.tools.empty()) return;
  json.Key("tools").Array();
  for (const Tool& tool : conversation.tools) {
    json.Object().Member("name", tool.name).MemberUnlessEmpty("description", tool.description);
    json.Key("input_schema").Raw(tool.schema);
    json.RawUnlessEmpty("cache_control", tool.cache_control).EndObject();
  }
  json.EndArray();
}

std::string_view NameOf(ToolUse use) {
  switch (use) {
    case ToolUse::kNone:
      return "none";
    case ToolUse::kRequired:
      return "any";
    case ToolUse::kNamed:
      return "tool";
    default:
      return "auto";
  }
}

void AppendMessagesToolChoice(const Conversation& conversation, JsonText& json) {
  const bool serial = conversation.parallel_tools == false && !conversation.tools.empty();
  if (conversation.tool_use == ToolUse::kUnset && !serial) return;
  json.Key("tool_choice").Object().Member("type", NameOf(conversation.tool_use));
  if (conversation.tool_use == ToolUse::kNamed) json.Member("name", conversation.tool_name);
  if (serial && conversation.tool_use != ToolUse::kNone) {
    json.Key("disable_parallel_tool_use").Bool(true);
  }
  json.EndObject();
}

std::string_view AtMostOne(std::string_view number) {
  double value = 0;
  std::from_chars(number.data(), number.data() + number.size(), value);
  return value > 1 ? "1" : number;
}

void AppendTuning(const Conversation& conversation, JsonText& json) {
  json.RawUnlessEmpty("temperature", AtMostOne(conversation.temperature));
  json.RawUnlessEmpty("top_p", conversation.top_p).RawUnlessEmpty("top_k", conversation.top_k);
  if (!conversation.stop.empty()) {
    json.Key("stop_sequences").Array();
    for (const std::string_view word : conversation.stop) json.String(word);
    json.EndArray();
  }
  json.RawUnlessEmpty("thinking", conversation.thinking);
  if (conversation.answer_schema) {
    json.Key("output_config").Object().Key("format").Object().Member("type", "json_schema");
    json.Key("schema").Raw(conversation.answer_schema->schema).EndObject().EndObject();
  }
  if (!conversation.user.empty()) {
    json.Key("metadata").Object().Member("user_id", conversation.user).EndObject();
  }
}

}  // namespace

Status AppendMessagesRequest(const Conversation& conversation, std::string_view model,
                             std::int64_t default_max_tokens, std::string& out) {
  if (conversation.json_object) {
    return Unsupported("response_format", "use json_schema, which says what the object holds");
  }
  JsonText json(out);
  json.Object().Member("model", model);
  json.Key("max_tokens").Number(conversation.max_tokens.value_or(default_max_tokens));
  AppendSystem(conversation, json);
  AppendTurns(conversation, json);
  AppendMessagesTools(conversation, json);
  AppendMessagesToolChoice(conversation, json);
  AppendTuning(conversation, json);
  if (conversation.stream) json.Key("stream").Bool(true);
  json.EndObject();
  return {};
}

}  // namespace podium::gateway::llm
