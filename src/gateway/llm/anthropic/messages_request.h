// Anthropic's Messages requests, read and written.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "gateway/llm/conversation.h"
#include "gateway/llm/json_scratch.h"

namespace podium::gateway::llm {

/// kInvalidArgument with the path of the field: what is malformed, and what no other provider's
/// format can say (the provider's own tools, citations, documents by reference). Passed over:
/// thinking budgets, service tiers and fields that are not known.
Result<Conversation> ReadMessagesRequest(JsonElement body);

/// kInvalidArgument for what the format cannot say. Temperatures above 1, its maximum, become 1;
/// texts without a character, which it refuses, and thinking without a signature are left out.
Status AppendMessagesRequest(const Conversation& conversation, std::string_view model,
                             std::int64_t default_max_tokens, std::string& out);

/// One block of an assistant's message (text, thinking, tool_use …) as a part; nullopt for a kind
/// that other formats have no place for.
std::optional<Part> ReadBlock(JsonElement block);

}  // namespace podium::gateway::llm
