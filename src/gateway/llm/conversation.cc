#include "gateway/llm/conversation.h"

#include <array>
#include <cstddef>
#include <utility>

#include "base/limits.h"

namespace podium::gateway::llm {
namespace {

struct FinishWord {
  FinishReason reason;
  std::string_view openai;
  std::string_view anthropic;
};

// The first row of a reason is how it is written.
constexpr std::array<FinishWord, 11> kFinishWords{{
    {FinishReason::kStop, "stop", "end_turn"},
    {FinishReason::kStopSequence, "stop", "stop_sequence"},
    {FinishReason::kLength, "length", "max_tokens"},
    {FinishReason::kToolCalls, "tool_calls", "tool_use"},
    {FinishReason::kContentFilter, "content_filter", "refusal"},
    {FinishReason::kToolCalls, "function_call", "tool_use"},
    {FinishReason::kLength, "max_tokens", "model_context_window_exceeded"},
    {FinishReason::kLength, "max_output_tokens", "max_tokens"},
    {FinishReason::kStop, "end_turn", "pause_turn"},
    {FinishReason::kStop, "eos", "end_turn"},
    {FinishReason::kToolCalls, "tool_use", "tool_use"},
}};

}  // namespace

Turn& Conversation::TurnOf(Role role) {
  if (turns.empty() || turns.back().role != role) turns.push_back({role, {}});
  return turns.back();
}

std::string_view NameOf(FinishReason reason) {
  for (const FinishWord& word : kFinishWords) {
    if (word.reason == reason) return word.openai;
  }
  return "none";
}

std::string_view AnthropicName(FinishReason reason) {
  for (const FinishWord& word : kFinishWords) {
    if (word.reason == reason) return word.anthropic;
  }
  return "end_turn";
}

FinishReason FinishFromOpenAi(std::string_view word) {
  for (const FinishWord& known : kFinishWords) {
    if (known.openai == word) return known.reason;
  }
  return FinishReason::kStop;
}

FinishReason FinishFromAnthropic(std::string_view word) {
  for (const FinishWord& known : kFinishWords) {
    if (known.anthropic == word) return known.reason;
  }
  return FinishReason::kStop;
}

Failure Unsupported(std::string field, std::string_view text) {
  return Fail(
      Error{ErrorCode::kInvalidArgument,
            fmt::format("{}: the model that serves this call cannot do it: {}", field, text),
            std::move(field), nullptr});
}

Failure Misshapen(std::string field, std::string_view wanted) {
  return Fail(Error{ErrorCode::kInvalidArgument, fmt::format("{} must be {}", field, wanted),
                    std::move(field), nullptr});
}

Status CheckSize(std::size_t parts) {
  if (parts <= limits::kMaxConversationParts) return {};
  return Fail(ErrorCode::kInvalidArgument,
              "more than {} messages and parts: shorten the conversation",
              limits::kMaxConversationParts);
}

void SetSource(std::string_view url, Part& part) {
  constexpr std::string_view kBase64 = ";base64,";
  const std::size_t comma = url.find(kBase64);
  if (!url.starts_with("data:") || comma == std::string_view::npos) {
    part.url = url;
    return;
  }
  part.media_type = url.substr(5, comma - 5);
  part.data = url.substr(comma + kBase64.size());
}

Part PartOf(PartKind kind, std::string_view text) {
  Part part;
  part.kind = kind;
  part.text = text;
  return part;
}

std::string JoinedText(const std::vector<Part>& parts, PartKind kind) {
  std::string out;
  for (const Part& part : parts) {
    if (part.kind == kind) out += part.text;
  }
  return out;
}

std::string PlaceIn(std::string_view list, std::size_t index) {
  return fmt::format("{}[{}]", list, index);
}

}  // namespace podium::gateway::llm
