#include "gateway/llm/anthropic/messages_reply.h"

#include <utility>

#include "gateway/llm/anthropic/anthropic_usage.h"
#include "gateway/llm/anthropic/messages_request.h"
#include "gateway/llm/json_text.h"
#include "gateway/llm/reply_writer.h"

namespace podium::gateway::llm {

Result<Reply> ReadMessagesReply(JsonElement body) {
  const auto content = ArrayAt(body, "content");
  if (!content) return Fail(ErrorCode::kUnavailable, "a message without content");
  Reply reply;
  reply.id = StringAt(body, "id");
  reply.model = StringAt(body, "model");
  for (const JsonElement block : *content) {
    if (auto part = ReadBlock(block)) reply.parts.push_back(std::move(*part));
  }
  reply.finish = FinishFromAnthropic(StringAt(body, "stop_reason"));
  reply.stop_sequence = StringAt(body, "stop_sequence");
  AnthropicUsage usage;
  if (const auto report = MemberAt(body, "usage")) usage.Merge(*report, /*final=*/true);
  reply.usage = usage.Value();
  return reply;
}

namespace {

void AppendReplyBlock(const Part& part, JsonText& json) {
  switch (part.kind) {
    case PartKind::kText:
    case PartKind::kRefusal:
      json.Object().Member("type", "text").Member("text", part.text).EndObject();
      return;
    case PartKind::kThinking:
      json.Object().Member("type", "thinking").Member("thinking", part.text);
      json.Member("signature", part.signature).EndObject();
      return;
    case PartKind::kRedactedThinking:
      json.Object().Member("type", "redacted_thinking").Member("data", part.data).EndObject();
      return;
    case PartKind::kToolCall:
      json.Object().Member("type", "tool_use").Member("id", part.id).Member("name", part.name);
      json.Key("input").Raw(part.arguments).EndObject();
      return;
    case PartKind::kImage:
    case PartKind::kDocument:
    case PartKind::kToolResult:
      return;  // No answer holds one.
  }
}

}  // namespace

void AppendMessagesReply(const Reply& reply, std::string& out) {
  JsonText json(out);
  json.Object().Member("id", reply.id).Member("type", "message").Member("role", "assistant");
  json.Member("model", reply.model).Key("content").Array();
  for (const Part& part : reply.parts) AppendReplyBlock(part, json);
  json.EndArray().Member("stop_reason", AnthropicName(reply.finish)).Key("stop_sequence");
  if (reply.stop_sequence.empty()) {
    json.Null();
  } else {
    json.String(reply.stop_sequence);
  }
  std::string usage;
  AppendMessagesUsage(reply.usage, usage);
  json.Key("usage").Raw(usage).EndObject();
}

}  // namespace podium::gateway::llm
