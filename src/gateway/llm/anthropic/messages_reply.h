// Anthropic's messages as answers.
#pragma once

#include "base/result.h"
#include "gateway/llm/conversation.h"
#include "gateway/llm/json_scratch.h"

namespace podium::gateway::llm {

/// kUnavailable: it is no message.
Result<Reply> ReadMessagesReply(JsonElement body);

}  // namespace podium::gateway::llm
