#include "gateway/llm/openai/openai_usage.h"

#include "gateway/llm/json_text.h"
#include "gateway/llm/usage_parts.h"

namespace podium::gateway::llm {
namespace {

std::optional<std::int64_t> Either(JsonElement object, std::string_view a, std::string_view b) {
  const auto first = IntegerAt(object, a);
  return first ? first : IntegerAt(object, b);
}

std::optional<JsonElement> EitherObject(JsonElement object, std::string_view a,
                                        std::string_view b) {
  const auto first = ObjectAt(object, a);
  return first ? first : ObjectAt(object, b);
}

void TakeInput(JsonElement report, std::int64_t input, UsageParts& parts, TokenUsage& usage) {
  if (const auto details = EitherObject(report, "prompt_tokens_details", "input_tokens_details")) {
    usage.cache_read = parts.Take(IntegerAt(*details, "cached_tokens"), input);
    std::int64_t written = parts.Take(IntegerAt(*details, "cache_write_tokens"), input);
    if (const auto by_life = ObjectAt(*details, "cache_write_tokens_details")) {
      usage.cache_write_1h = parts.Take(IntegerAt(*by_life, "ttl_12h_tokens"), written);
    }
    usage.cache_write_5m = written;
    // Sound may have come from the cache, and is counted there then: no contradiction.
    usage.audio_input = std::min(parts.Count(IntegerAt(*details, "audio_tokens")), input);
    input -= usage.audio_input;
  }
  usage.uncached_input = input;
}

std::optional<std::int64_t> ReasoningTokensOf(JsonElement report) {
  const auto details = EitherObject(report, "completion_tokens_details", "output_tokens_details");
  return details ? IntegerAt(*details, "reasoning_tokens") : std::nullopt;
}

}  // namespace

std::optional<TokenUsage> ReadOpenAiUsage(JsonElement usage) {
  const auto reported_input = Either(usage, "prompt_tokens", "input_tokens");
  const auto reported_output = Either(usage, "completion_tokens", "output_tokens");
  const auto reported_total = IntegerAt(usage, "total_tokens");
  if (!reported_input && !reported_output && !reported_total) return std::nullopt;
  UsageParts parts;
  const std::int64_t total = parts.Count(reported_total);
  std::int64_t output = parts.Count(reported_output);
  const std::int64_t input =
      reported_input ? parts.Count(reported_input) : std::max<std::int64_t>(total - output, 0);
  const auto reported_reasoning = ReasoningTokensOf(usage);
  const std::int64_t reasoning = parts.Count(reported_reasoning);
  if (reported_total && reasoning > 0 && total == input + output + reasoning) output += reasoning;
  parts.Expect(!reported_total || total == input + output);

  TokenUsage out;
  TakeInput(usage, input, parts, out);
  out.output_reasoning = parts.Take(reported_reasoning, output);
  out.output_text = output;
  out.contradictory = parts.contradictory();
  return out;
}

void AppendChatUsage(const TokenUsage& usage, std::string& out) {
  JsonText json(out);
  json.Object().Key("prompt_tokens").Number(usage.input_tokens());
  json.Key("completion_tokens").Number(usage.output_tokens());
  json.Key("total_tokens").Number(usage.total_tokens());
  json.Key("prompt_tokens_details").Object();
  json.Key("cached_tokens").Number(usage.cache_read);
  json.Key("cache_write_tokens").Number(usage.cache_write_5m + usage.cache_write_1h);
  json.Key("audio_tokens").Number(usage.audio_input).EndObject();
  json.Key("completion_tokens_details").Object();
  json.Key("reasoning_tokens").Number(usage.output_reasoning).EndObject().EndObject();
}

void AppendResponsesUsage(const TokenUsage& usage, std::string& out) {
  JsonText json(out);
  json.Object().Key("input_tokens").Number(usage.input_tokens());
  json.Key("input_tokens_details").Object();
  json.Key("cached_tokens").Number(usage.cache_read);
  json.Key("cache_write_tokens").Number(usage.cache_write_5m + usage.cache_write_1h).EndObject();
  json.Key("output_tokens").Number(usage.output_tokens());
  json.Key("output_tokens_details").Object();
  json.Key("reasoning_tokens").Number(usage.output_reasoning).EndObject();
  json.Key("total_tokens").Number(usage.total_tokens()).EndObject();
}

}  // namespace podium::gateway::llm
