// The items of a response, as they grow and as they stand at the end.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/llm/conversation.h"
#include "gateway/llm/json_extent.h"
#include "gateway/llm/provider.h"

namespace podium::gateway::llm {

enum class ItemKind : std::uint8_t { kText, kRefusal, kReasoning, kFunctionCall };

struct ResponseItem {
  ItemKind kind = ItemKind::kText;
  std::string id;
  std::string text;       ///< Text, refusal or thinking.
  std::string signature;  ///< Of thinking.
  std::string redacted;   ///< Thinking that nobody can read.
  std::string call_id;
  std::string name;
  std::string arguments;
  JsonExtent extent;  ///< Of the arguments, while they come.
  bool open = true;
};

/// "msg_<response>_<place>" and so on.
std::string ItemId(ItemKind kind, std::string_view response_id, std::size_t place);
/// The item's object; in progress it has no content yet.
void AppendItem(const ResponseItem& item, bool completed, std::string& out);
/// The part that a text or a refusal is in its message.
void AppendItemPart(const ResponseItem& item, std::string_view text, std::string& out);
/// The response itself. Without a finish reason it is in progress, and has no usage.
void AppendResponse(const AnswerTerms& terms, const Reply& head,
                    const std::vector<ResponseItem>& items, std::string& out);
/// "response.completed" or "response.incomplete"
std::string_view EndEventOf(FinishReason reason);

}  // namespace podium::gateway::llm
