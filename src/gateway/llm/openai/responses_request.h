// Responses requests, read for providers that do not speak them.
#pragma once

#include <string>

#include "base/result.h"
#include "gateway/llm/conversation.h"
#include "gateway/llm/json_scratch.h"

namespace podium::gateway::llm {

/// kInvalidArgument with the path of the field: what is malformed, and what needs a provider that
/// keeps responses (`previous_response_id`, `conversation`, `background`) or has tools of its own.
Result<Conversation> ReadResponsesRequest(JsonElement body);

/// The members of a response that repeat its request, as JSON text without braces; never empty.
std::string EchoOf(JsonElement body);

}  // namespace podium::gateway::llm
