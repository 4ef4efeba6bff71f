// Chat completions: the whole answer and its chunks.
#pragma once

#include <optional>
#include <string_view>

#include "base/result.h"
#include "gateway/llm/conversation.h"
#include "gateway/llm/json_scratch.h"

namespace podium::gateway::llm {

/// The first choice. kUnavailable: it is no chat completion.
Result<Reply> ReadChatReply(JsonElement body);

/// Reasoning as compatible servers write it into messages and deltas (`reasoning_content`,
/// `reasoning`); empty when there is none.
std::string_view ReasoningOf(JsonElement message);

}  // namespace podium::gateway::llm
