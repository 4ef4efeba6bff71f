#include "gateway/llm/anthropic/anthropic_usage.h"

#include "gateway/llm/json_text.h"
#include "gateway/llm/usage_parts.h"

namespace podium::gateway::llm {
namespace {

void Replace(JsonElement object, std::string_view key, std::optional<std::int64_t>& into) {
  if (const auto value = IntegerAt(object, key)) into = value;
}

}  // namespace

void AnthropicUsage::Merge(JsonElement usage, bool final) {
  if (!usage.is_object()) return;
  seen_ = true;
  Replace(usage, "input_tokens", report_.input);
  Replace(usage, "cache_read_input_tokens", report_.cache_read);
  Replace(usage, "cache_creation_input_tokens", report_.cache_write);
  Replace(usage, "output_tokens", report_.output);
  final_ = final_ || (final && IntegerAt(usage, "output_tokens").has_value());
  if (const auto writes = ObjectAt(usage, "cache_creation")) {
    Replace(*writes, "ephemeral_5m_input_tokens", report_.write_5m);
    Replace(*writes, "ephemeral_1h_input_tokens", report_.write_1h);
  }
  if (const auto details = ObjectAt(usage, "output_tokens_details")) {
    Replace(*details, "thinking_tokens", report_.thinking);
  }
  if (const auto tools = ObjectAt(usage, "server_tool_use")) {
    Replace(*tools, "web_search_requests", report_.searches);
  }
}

TokenUsage AnthropicUsage::Value() const {
  UsageParts parts;
  TokenUsage usage;
  usage.uncached_input = parts.Count(report_.input);
  usage.cache_read = parts.Count(report_.cache_read);
  const bool split = report_.write_5m || report_.write_1h;
  const std::int64_t writes = parts.Count(report_.write_5m) + parts.Count(report_.write_1h);
  std::int64_t written = report_.cache_write ? parts.Count(report_.cache_write) : writes;
  parts.Expect(!split || written == writes);
  usage.cache_write_1h = parts.Take(report_.write_1h, written);
  usage.cache_write_5m = written;
  if (final_) {
    std::int64_t output = parts.Count(report_.output);
    usage.output_reasoning = parts.Take(report_.thinking, output);
    usage.output_text = output;
  }
  usage.calls = parts.Count(report_.searches);
  usage.estimated = !final_;
  usage.contradictory = parts.contradictory();
  return usage;
}

void AppendMessagesUsage(const TokenUsage& usage, std::string& out) {
  JsonText json(out);
  json.Object().Key("input_tokens").Number(usage.uncached_input + usage.audio_input);
  const std::int64_t written = usage.cache_write_5m + usage.cache_write_1h;
  json.Key("cache_creation_input_tokens").Number(written);
  json.Key("cache_read_input_tokens").Number(usage.cache_read);
  json.Key("output_tokens").Number(usage.output_tokens()).EndObject();
}

}  // namespace podium::gateway::llm
