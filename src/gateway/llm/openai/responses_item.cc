#include "gateway/llm/openai/responses_item.h"

#include <utility>

#include "gateway/llm/json_text.h"
#include "gateway/llm/openai/chat_request.h"
#include "gateway/llm/openai/openai_usage.h"
#include "gateway/llm/reply_writer.h"

namespace podium::gateway::llm {
namespace {

bool IsIncomplete(FinishReason reason) {
  return reason == FinishReason::kLength || reason == FinishReason::kContentFilter;
}

ItemKind ItemKindOf(PartKind kind) {
  switch (kind) {
    case PartKind::kRefusal:
      return ItemKind::kRefusal;
    case PartKind::kThinking:
    case PartKind::kRedactedThinking:
      return ItemKind::kReasoning;
    case PartKind::kToolCall:
      return ItemKind::kFunctionCall;
    default:
      return ItemKind::kText;
  }
}

void AppendReasoning(const ResponseItem& item, bool completed, JsonText& json) {
  json.Member("type", "reasoning").Key("summary").Array();
  if (completed && !item.text.empty()) {
    json.Object().Member("type", "summary_text").Member("text", item.text).EndObject();
  }
  json.EndArray();
  if (!completed) return;
  Part block;
  block.kind = item.redacted.empty() ? PartKind::kThinking : PartKind::kRedactedThinking;
  block.text = item.text;
  block.signature = item.signature;
  block.data = item.redacted;
  std::string blocks;
  AppendThinking({block}, blocks);
  json.Key(kThinkingField).Raw(blocks);
}

void AppendMessageItem(const ResponseItem& item, bool completed, JsonText& json) {
  json.Member("type", "message").Member("status", completed ? "completed" : "in_progress");
  json.Member("role", "assistant").Key("content").Array();
  if (completed) {
    std::string part;
    AppendItemPart(item, item.text, part);
    json.Raw(part);
  }
  json.EndArray();
}

}  // namespace

std::string ItemId(ItemKind kind, std::string_view response_id, std::size_t place) {
  const std::string_view prefix = kind == ItemKind::kReasoning      ? "rs"
                                  : kind == ItemKind::kFunctionCall ? "fc"
                                                                    : "msg";
  return fmt::format("{}_{}_{}", prefix, response_id, place);
}

void AppendItemPart(const ResponseItem& item, std::string_view text, std::string& out) {
  JsonText json(out);
  json.Object();
  if (item.kind == ItemKind::kRefusal) {
    json.Member("type", "refusal").Member("refusal", text);
  } else {
    json.Member("type", "output_text").Member("text", text);
    json.Key("annotations").Array().EndArray().Key("logprobs").Array().EndArray();
  }
  json.EndObject();
}

void AppendItem(const ResponseItem& item, bool completed, std::string& out) {
  JsonText json(out);
  json.Object().Member("id", item.id);
  switch (item.kind) {
    case ItemKind::kText:
    case ItemKind::kRefusal:
      AppendMessageItem(item, completed, json);
      break;
    case ItemKind::kReasoning:
      AppendReasoning(item, completed, json);
      break;
    case ItemKind::kFunctionCall:
      json.Member("type", "function_call");
      json.Member("status", completed ? "completed" : "in_progress");
      json.Member("call_id", item.call_id).Member("name", item.name);
      json.Member("arguments", completed ? item.arguments : "");
      break;
  }
  json.EndObject();
}

void AppendResponse(const AnswerTerms& terms, const Reply& head,
                    const std::vector<ResponseItem>& items, std::string& out) {
  JsonText json(out);
  const bool ended = head.finish != FinishReason::kNone;
  json.Object().Member("id", head.id).Member("object", "response");
  json.Key("created_at").Number(head.created);
  json.Member("status", !ended                      ? "in_progress"
                        : IsIncomplete(head.finish) ? "incomplete"
                                                    : "completed");
  json.Key("error").Null().Key("incomplete_details");
  if (IsIncomplete(head.finish)) {
    const bool length = head.finish == FinishReason::kLength;
    json.Object().Member("reason", length ? "max_output_tokens" : "content_filter").EndObject();
  } else {
    json.Null();
  }
  json.Member("model", head.model).Key("output").Array();
  for (const ResponseItem& item : items) {
    std::string text;
    AppendItem(item, /*completed=*/true, text);
    json.Raw(text);
  }
  json.EndArray().Raw(terms.echo).Key("usage");
  std::string usage;
  if (ended) AppendResponsesUsage(head.usage, usage);
  json.Raw(ended ? std::string_view(usage) : "null").EndObject();
}

std::string_view EndEventOf(FinishReason reason) {
  return IsIncomplete(reason) ? "response.incomplete" : "response.completed";
}

void AppendResponsesReply(const AnswerTerms& terms, const Reply& reply, std::string& out) {
  std::vector<ResponseItem> items;
  for (const Part& part : reply.parts) {
    ResponseItem item;
    item.kind = ItemKindOf(part.kind);
    item.id = ItemId(item.kind, reply.id, items.size());
    item.text = part.text;
    item.signature = part.signature;
    item.redacted = part.data;
    item.call_id = part.id;
    item.name = part.name;
    item.arguments = part.arguments;
    items.push_back(std::move(item));
  }
  AppendResponse(terms, reply, items, out);
}

}  // namespace podium::gateway::llm
