// Writing a conversation as a chat completion request.
#include <algorithm>

#include "gateway/llm/json_text.h"
#include "gateway/llm/openai/chat_request.h"

namespace podium::gateway::llm {
namespace {

bool IsText(const Part& part) {
  return part.kind == PartKind::kText || part.kind == PartKind::kRefusal;
}

/// Where a part has text, an image or a document; what has neither is not sent on.
bool IsContent(const Part& part) {
  return IsText(part) || part.kind == PartKind::kImage || part.kind == PartKind::kDocument;
}

std::string DataUrl(const Part& part) {
  return fmt::format("data:{};base64,{}", part.media_type, part.data);
}

void AppendContentPart(const Part& part, JsonText& json) {
  json.Object();
  if (part.kind == PartKind::kImage) {
    json.Member("type", "image_url").Key("image_url").Object();
    json.Member("url", part.data.empty() ? std::string(part.url) : DataUrl(part));
    json.MemberUnlessEmpty("detail", part.detail).EndObject();
  } else if (part.kind == PartKind::kDocument) {
    json.Member("type", "file").Key("file").Object();
    json.MemberUnlessEmpty("filename", part.name).Member("file_data", DataUrl(part)).EndObject();
  } else {
    json.Member("type", "text").Member("text", part.text);
  }
  json.EndObject();
}

/// A string where texts are all there is: every server reads that.
void AppendContent(const std::vector<const Part*>& parts, JsonText& json) {
  json.Key("content");
  if (std::ranges::all_of(parts, [](const Part* part) { return IsText(*part); })) {
    std::string text;
    for (const Part* part : parts) text += part->text;
    json.String(text);
    return;
  }
  json.Array();
  for (const Part* part : parts) AppendContentPart(*part, json);
  json.EndArray();
}

/// Results of tools are messages of their own, before what the user says. Their images go into the
/// user's message: a tool's may hold text only.
void AppendUserTurn(const Turn& turn, JsonText& json) {
  std::vector<const Part*> rest;
  for (const Part& part : turn.parts) {
    if (part.kind != PartKind::kToolResult) continue;
    json.Object().Member("role", "tool").Member("tool_call_id", part.id);
    json.Member("content", JoinedText(part.content)).EndObject();
    for (const Part& given : part.content) {
      if (!IsText(given)) rest.push_back(&given);
    }
  }
  for (const Part& part : turn.parts) {
    if (IsContent(part)) rest.push_back(&part);
  }
  if (rest.empty()) return;
  json.Object().Member("role", "user");
  AppendContent(rest, json);
  json.EndObject();
}

void AppendAssistantTurn(const Turn& turn, JsonText& json) {
  const std::string text = JoinedText(turn.parts);
  const std::string refusal = JoinedText(turn.parts, PartKind::kRefusal);
  json.Object().Member("role", "assistant").Key("content");
  if (text.empty()) {
    json.Null();
  } else {
    json.String(text);
  }
  json.MemberUnlessEmpty("refusal", refusal);
  AppendToolCalls(turn.parts, json);
  json.EndObject();
}

void AppendMessages(const Conversation& conversation, JsonText& json) {
  json.Key("messages").Array();
  if (!conversation.system.empty()) {
    std::string text;
    for (const Part& part : conversation.system) {
      if (!text.empty()) text += "\n\n";  // Blocks of their own, not one word.
      text += part.text;
    }
    json.Object().Member("role", "system").Member("content", text).EndObject();
  }
  for (const Turn& turn : conversation.turns) {
    if (turn.role == Role::kAssistant) {
      AppendAssistantTurn(turn, json);
    } else {
      AppendUserTurn(turn, json);
    }
  }
  json.EndArray();
}

void AppendChatTools(const Conversation& conversation, JsonText& json) {
  if (conversation.tools.empty()) return;
  json.Key("tools").Array();
  for (const Tool& tool : conversation.tools) {
    json.Object().Member("type", "function").Key("function").Object();
    json.Member("name", tool.name).MemberUnlessEmpty("description", tool.description);
    json.Key("parameters").Raw(tool.schema);
    if (tool.strict) json.Key("strict").Bool(*tool.strict);
    json.EndObject().EndObject();
  }
  json.EndArray();
  if (conversation.parallel_tools) {
    json.Key("parallel_tool_calls").Bool(*conversation.parallel_tools);
  }
}

void AppendChatToolChoice(const Conversation& conversation, JsonText& json) {
  switch (conversation.tool_use) {
    case ToolUse::kUnset:
      return;
    case ToolUse::kAuto:
      json.Member("tool_choice", "auto");
      return;
    case ToolUse::kNone:
      json.Member("tool_choice", "none");
      return;
    case ToolUse::kRequired:
      json.Member("tool_choice", "required");
      return;
    case ToolUse::kNamed:
      json.Key("tool_choice").Object().Member("type", "function").Key("function").Object();
      json.Member("name", conversation.tool_name).EndObject().EndObject();
      return;
  }
}

void AppendFormat(const Conversation& conversation, JsonText& json) {
  if (conversation.json_object) {
    json.Key("response_format").Object().Member("type", "json_object").EndObject();
  }
  if (!conversation.answer_schema) return;
  const AnswerSchema& schema = *conversation.answer_schema;
  json.Key("response_format").Object().Member("type", "json_schema").Key("json_schema").Object();
  json.Member("name", schema.name.empty() ? "answer" : schema.name);
  json.Key("schema").Raw(schema.schema);
  if (schema.strict) json.Key("strict").Bool(*schema.strict);
  json.EndObject().EndObject();
}

void AppendStop(const Conversation& conversation, JsonText& json) {
  if (conversation.stop.empty()) return;
  json.Key("stop").Array();
  for (const std::string_view word : conversation.stop) json.String(word);
  json.EndArray();
}

}  // namespace

void AppendChatRequest(const Conversation& conversation, std::string_view model,
                       std::string_view max_tokens_field, std::string& out) {
  JsonText json(out);
  json.Object().Member("model", model);
  AppendMessages(conversation, json);
  if (conversation.max_tokens) json.Key(max_tokens_field).Number(*conversation.max_tokens);
  json.RawUnlessEmpty("temperature", conversation.temperature);
  json.RawUnlessEmpty("top_p", conversation.top_p);
  AppendStop(conversation, json);
  AppendChatTools(conversation, json);
  AppendChatToolChoice(conversation, json);
  AppendFormat(conversation, json);
  json.MemberUnlessEmpty("reasoning_effort", conversation.reasoning_effort);
  json.MemberUnlessEmpty("user", conversation.user);
  if (conversation.stream) {
    json.Key("stream").Bool(true).Key("stream_options").Object();
    json.Key("include_usage").Bool(true).EndObject();
  }
  json.EndObject();
}

void AppendToolCalls(const std::vector<Part>& parts, JsonText& json) {
  bool open = false;
  for (const Part& part : parts) {
    if (part.kind != PartKind::kToolCall) continue;
    if (!open) json.Key("tool_calls").Array();
    open = true;
    json.Object().Member("id", part.id).Member("type", "function").Key("function").Object();
    json.Member("name", part.name).Member("arguments", part.arguments).EndObject().EndObject();
  }
  if (open) json.EndArray();
}

void AppendThinking(const std::vector<Part>& parts, std::string& out) {
  JsonText json(out);
  json.Array();
  for (const Part& part : parts) {
    if (part.kind == PartKind::kThinking) {
      json.Object().Member("type", "thinking").Member("thinking", part.text);
      json.Member("signature", part.signature).EndObject();
    } else if (part.kind == PartKind::kRedactedThinking) {
      json.Object().Member("type", "redacted_thinking").Member("data", part.data).EndObject();
    }
  }
  json.EndArray();
}

}  // namespace podium::gateway::llm
