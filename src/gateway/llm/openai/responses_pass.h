// What a provider's own response says about how it ended.
#pragma once

#include "gateway/llm/conversation.h"
#include "gateway/llm/json_scratch.h"

namespace podium::gateway::llm {

/// kNone while it is not completed.
FinishReason FinishOfResponse(JsonElement response);

}  // namespace podium::gateway::llm
