#include "gateway/llm/openai/chat_reply.h"

#include <utility>

#include "gateway/llm/json_syntax.h"
#include "gateway/llm/json_text.h"
#include "gateway/llm/openai/chat_request.h"
#include "gateway/llm/openai/openai_usage.h"
#include "gateway/llm/reply_writer.h"

namespace podium::gateway::llm {
namespace {

bool HasThinking(const std::vector<Part>& parts) {
  for (const Part& part : parts) {
    if (part.kind == PartKind::kThinking || part.kind == PartKind::kRedactedThinking) return true;
  }
  return false;
}

/// Arguments that are no JSON object cannot be one in another format: they arrive as a text member,
/// so that nothing of a bad call is lost.
std::string ObjectOf(std::string_view arguments) {
  if (arguments.empty()) return "{}";
  if (IsJsonObject(arguments)) return std::string(arguments);
  std::string out;
  JsonText(out).Object().Member("arguments", arguments).EndObject();
  return out;
}

void AddToolCalls(JsonElement message, Reply& reply) {
  const auto calls = ArrayAt(message, "tool_calls");
  if (!calls) return;
  for (const JsonElement call : *calls) {
    const auto function = ObjectAt(call, "function");
    if (!function) continue;
    Part part;
    part.kind = PartKind::kToolCall;
    part.id = StringAt(call, "id");
    part.name = StringAt(*function, "name");
    part.arguments = ObjectOf(StringAt(*function, "arguments"));
    reply.parts.push_back(std::move(part));
  }
}

void AppendReplyMessage(const Reply& reply, JsonText& json) {
  const std::string text = JoinedText(reply.parts);
  const std::string refusal = JoinedText(reply.parts, PartKind::kRefusal);
  bool calls = false;
  for (const Part& part : reply.parts) calls = calls || part.kind == PartKind::kToolCall;
  json.Object().Member("role", "assistant").Key("content");
  if (text.empty() && (calls || !refusal.empty())) {
    json.Null();
  } else {
    json.String(text);
  }
  json.Key("refusal");
  if (refusal.empty()) {
    json.Null();
  } else {
    json.String(refusal);
  }
  AppendToolCalls(reply.parts, json);
  if (HasThinking(reply.parts)) {
    std::string blocks;
    AppendThinking(reply.parts, blocks);
    json.Key(kThinkingField).Raw(blocks);
  }
  json.EndObject();
}

}  // namespace

std::string_view ReasoningOf(JsonElement message) {
  const std::string_view text = StringAt(message, "reasoning_content");
  return text.empty() ? StringAt(message, "reasoning") : text;
}

Result<Reply> ReadChatReply(JsonElement body) {
  const auto choices = ArrayAt(body, "choices");
  if (!choices || choices->size() == 0) {
    return Fail(ErrorCode::kUnavailable, "an answer without choices");
  }
  const JsonElement choice = *choices->begin();
  const auto message = ObjectAt(choice, "message");
  if (!message) return Fail(ErrorCode::kUnavailable, "a choice without a message");
  Reply reply;
  reply.id = StringAt(body, "id");
  reply.model = StringAt(body, "model");
  reply.created = IntegerAt(body, "created").value_or(0);
  if (const std::string_view thought = ReasoningOf(*message); !thought.empty()) {
    reply.parts.push_back(PartOf(PartKind::kThinking, thought));
  }
  if (const std::string_view text = StringAt(*message, "content"); !text.empty()) {
    reply.parts.push_back(PartOf(PartKind::kText, text));
  }
  if (const std::string_view refusal = StringAt(*message, "refusal"); !refusal.empty()) {
    reply.parts.push_back(PartOf(PartKind::kRefusal, refusal));
  }
  const std::size_t before = reply.parts.size();
  AddToolCalls(*message, reply);
  reply.finish = FinishFromOpenAi(StringAt(choice, "finish_reason"));
  // Servers say "stop" beside a call, or nothing: an agent that believed it would end.
  const bool calls = reply.parts.size() > before;
  if (calls && reply.finish == FinishReason::kStop) reply.finish = FinishReason::kToolCalls;
  const auto usage = MemberAt(body, "usage");
  const auto read = usage ? ReadOpenAiUsage(*usage) : std::nullopt;
  reply.usage.estimated = !read;
  if (read) reply.usage = *read;
  return reply;
}

void AppendChatReply(const Reply& reply, std::string& out) {
  JsonText json(out);
  json.Object().Member("id", reply.id).Member("object", "chat.completion");
  json.Key("created").Number(reply.created).Member("model", reply.model);
  json.Key("choices").Array().Object().Key("index").Number(0).Key("message");
  AppendReplyMessage(reply, json);
  json.Key("logprobs").Null().Member("finish_reason", NameOf(reply.finish));
  json.EndObject().EndArray();
  std::string usage;
  AppendChatUsage(reply.usage, usage);
  json.Key("usage").Raw(usage).EndObject();
}

}  // namespace podium::gateway::llm
