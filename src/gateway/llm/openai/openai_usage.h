// What OpenAI and those compatible with it report as usage, in our classes.
#pragma once

#include <optional>

#include "domain/token_usage.h"
#include "gateway/llm/json_scratch.h"

namespace podium::gateway::llm {

/// The `usage` of a chat completion, a chunk of one, embeddings or a response: `prompt_tokens` or
/// `input_tokens` and so on. Nullopt when it counts nothing at all.
///
/// Cached and audio tokens lie within the input. Reasoning lies within the output, but for
/// providers whose total shows that they report it beside (xAI). Sums of input and output are the
/// provider's; parts that exceed them are cut and the usage is marked contradictory.
std::optional<TokenUsage> ReadOpenAiUsage(JsonElement usage);

/// As members `prompt_tokens`, `completion_tokens`, … in an object.
void AppendChatUsage(const TokenUsage& usage, std::string& out);
/// As members `input_tokens`, `output_tokens`, … in an object.
void AppendResponsesUsage(const TokenUsage& usage, std::string& out);

}  // namespace podium::gateway::llm
