// Chat completion requests, read and written.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "gateway/llm/conversation.h"
#include "gateway/llm/json_scratch.h"
#include "gateway/llm/json_text.h"

namespace podium::gateway::llm {

/// kInvalidArgument with the path of the field: what is malformed, and what no other provider's
/// format can say (`n` above 1, log probabilities, sound). Passed over, as they only tune: seeds,
/// penalties, logit biases, service tiers and fields that are not known.
Result<Conversation> ReadChatRequest(JsonElement body);

/// `max_tokens_field`: what the server calls the bound of the output.
void AppendChatRequest(const Conversation& conversation, std::string_view model,
                       std::string_view max_tokens_field, std::string& out);

/// The tool calls among `parts` as a member of their message; nothing when there are none.
void AppendToolCalls(const std::vector<Part>& parts, JsonText& json);

/// The thinking of an assistant's message, under the one name of ours on the chat surface
/// (`podium_thinking`): Anthropic's blocks, to be sent back as they came.
void AppendThinking(const std::vector<Part>& parts, std::string& out);
Status ReadThinking(JsonElement message, const std::string& where, Turn& turn);

inline constexpr std::string_view kThinkingField = "podium_thinking";

}  // namespace podium::gateway::llm
