// A request and an answer between two wire formats: what a conversation is, whoever writes it down.
//
// Reading one format and writing another meet here, so that N formats need N readers and N writers,
// not N x N translations. Text is a view of the parsed body (JsonScratch): a value lives no longer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "domain/token_usage.h"

namespace podium::gateway::llm {

enum class PartKind : std::uint8_t {
  kText,
  kRefusal,
  kImage,             ///< `url`, or `data` with `media_type`.
  kDocument,          ///< `data` with `media_type`; `name` is its file name.
  kThinking,          ///< `text`, and the `signature` without which it cannot be sent back.
  kRedactedThinking,  ///< `data`
  kToolCall,          ///< `id`, `name`, `arguments`
  kToolResult,        ///< `id` of the call, `content`
};

struct Part {
  PartKind kind = PartKind::kText;
  std::string_view text;
  std::string_view id;
  std::string_view name;
  std::string_view url;
  std::string_view media_type;
  std::string_view data;  ///< Base64, as it came.
  std::string_view signature;
  std::string_view detail;    ///< OpenAI's image detail.
  std::string arguments;      ///< JSON text of an object.
  std::string cache_control;  ///< JSON text; empty when there is none.
  bool is_error = false;      ///< The tool failed.
  std::vector<Part> content;  ///< Texts, images and documents that a tool gave.
};

enum class Role : std::uint8_t { kUser, kAssistant };

struct Turn {
  Role role = Role::kUser;
  std::vector<Part> parts;
};

struct Tool {
  std::string_view name;
  std::string_view description;
  std::string schema;  ///< JSON text of the parameters' schema.
  std::optional<bool> strict;
  std::string cache_control;
};

enum class ToolUse : std::uint8_t { kUnset, kAuto, kNone, kRequired, kNamed };

/// A JSON schema that the answer must follow.
struct AnswerSchema {
  std::string_view name;
  std::string schema;
  std::optional<bool> strict;
};

struct Conversation {
  std::vector<Part> system;
  std::vector<Turn> turns;  ///< No two neighbours have the same role.
  std::vector<Tool> tools;
  ToolUse tool_use = ToolUse::kUnset;
  std::string_view tool_name;  ///< Of kNamed.
  std::optional<bool> parallel_tools;
  std::optional<std::int64_t> max_tokens;
  std::string temperature, top_p, top_k;  ///< JSON numbers; empty when not given.
  std::vector<std::string_view> stop;
  std::optional<AnswerSchema> answer_schema;
  bool json_object = false;           ///< The answer must be some JSON object.
  std::string thinking;               ///< Anthropic's `thinking`, as JSON text.
  std::string_view reasoning_effort;  ///< OpenAI's word.
  std::string_view user;
  bool stream = false;

  /// The turn that the next part of that role belongs to.
  Turn& TurnOf(Role role);
};

enum class FinishReason : std::uint8_t {
  kNone,
  kStop,
  kStopSequence,
  kLength,
  kToolCalls,
  kContentFilter,
};
inline constexpr std::size_t kFinishReasons = 6;
std::string_view NameOf(FinishReason reason);  ///< OpenAI's word, as in labels and records.
/// kStop for a word that is not known: the answer has ended, whatever for.
FinishReason FinishFromOpenAi(std::string_view word);
FinishReason FinishFromAnthropic(std::string_view word);
std::string_view AnthropicName(FinishReason reason);

/// "messages[3]": where an error is, in its request.
std::string PlaceIn(std::string_view list, std::size_t index);

/// One whole answer.
struct Reply {
  std::string_view id;
  std::string_view model;
  std::int64_t created = 0;  ///< Unix seconds.
  std::vector<Part> parts;
  FinishReason finish = FinishReason::kNone;
  std::string_view stop_sequence;
  TokenUsage usage;
};

/// A field that the provider behind cannot do. The text says what to change.
Failure Unsupported(std::string field, std::string_view text);
/// kInvalidArgument at a field.
Failure Misshapen(std::string field, std::string_view wanted);
/// kInvalidArgument past limits::kMaxConversationParts messages and parts.
Status CheckSize(std::size_t parts);
/// "data:image/png;base64,…" comes apart into media type and data; any other text is a URL.
void SetSource(std::string_view url, Part& part);
Part PartOf(PartKind kind, std::string_view text);
/// Texts of these parts, one after the other; others are passed over.
std::string JoinedText(const std::vector<Part>& parts, PartKind kind = PartKind::kText);

}  // namespace podium::gateway::llm
