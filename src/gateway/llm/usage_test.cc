// A token that is counted twice is billed twice: each provider's report comes apart into classes
// whose sum is the provider's total, or is marked.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/limits.h"
#include "gateway/llm/anthropic/anthropic_usage.h"
#include "gateway/llm/openai/openai_usage.h"

namespace podium::gateway::llm {
namespace {

/// Uncached, read, write 5 m, write 1 h, audio, text, reasoning.
using Classes = std::vector<std::int64_t>;

Classes ClassesOf(const TokenUsage& usage) {
  return {usage.uncached_input, usage.cache_read,  usage.cache_write_5m,  usage.cache_write_1h,
          usage.audio_input,    usage.output_text, usage.output_reasoning};
}

std::optional<TokenUsage> OpenAi(std::string_view json) {
  JsonScratch scratch;
  return ReadOpenAiUsage(scratch.Parse(json).value());
}

TEST(OpenAiUsage, ComesApartIntoDisjointClasses) {
  struct Case {
    const char* name;
    const char* usage;
    Classes want;
    bool contradictory;
  };
  const Case cases[] = {
      {"chat",
       R"({"prompt_tokens":10,"completion_tokens":5,"total_tokens":15})",
       {10, 0, 0, 0, 0, 5, 0},
       false},
      {"cached tokens lie within the prompt",
       R"({"prompt_tokens":100,"completion_tokens":20,"total_tokens":120,
           "prompt_tokens_details":{"cached_tokens":64,"audio_tokens":6},
           "completion_tokens_details":{"reasoning_tokens":12,"audio_tokens":3}})",
       {30, 64, 0, 0, 6, 8, 12},
       false},
      {"cached sound is not counted twice",
       R"({"prompt_tokens":10,"completion_tokens":0,"total_tokens":10,
           "prompt_tokens_details":{"cached_tokens":8,"audio_tokens":6}})",
       {0, 8, 0, 0, 2, 0, 0},
       false},
      {"cache writes by life",
       R"({"input_tokens":100,"output_tokens":1,"total_tokens":101,"input_tokens_details":
           {"cached_tokens":10,"cache_write_tokens":40,
            "cache_write_tokens_details":{"ttl_12h_tokens":15,"ttl_30m_tokens":25}}})",
       {50, 10, 25, 15, 0, 1, 0},
       false},
      {"responses",
       R"({"input_tokens":7,"input_tokens_details":{"cached_tokens":2},"output_tokens":9,
           "output_tokens_details":{"reasoning_tokens":4},"total_tokens":16})",
       {5, 2, 0, 0, 0, 5, 4},
       false},
      {"embeddings", R"({"prompt_tokens":8,"total_tokens":8})", {8, 0, 0, 0, 0, 0, 0}, false},
      {"embeddings with a total alone", R"({"total_tokens":8})", {8, 0, 0, 0, 0, 0, 0}, false},
      {"null details",
       R"({"prompt_tokens":3,"completion_tokens":1,"prompt_tokens_details":null})",
       {3, 0, 0, 0, 0, 1, 0},
       false},
      {"reasoning beside the output, as the total shows",
       R"({"prompt_tokens":10,"completion_tokens":5,"total_tokens":35,
           "completion_tokens_details":{"reasoning_tokens":20}})",
       {10, 0, 0, 0, 0, 5, 20},
       false},
      {"a total that is no sum",
       R"({"prompt_tokens":10,"completion_tokens":5,"total_tokens":99})",
       {10, 0, 0, 0, 0, 5, 0},
       true},
      {"more cached than read",
       R"({"prompt_tokens":10,"completion_tokens":5,"prompt_tokens_details":{"cached_tokens":11}})",
       {0, 10, 0, 0, 0, 5, 0},
       true},
      {"more reasoning than output",
       R"({"prompt_tokens":1,"completion_tokens":5,"completion_tokens_details":{"reasoning_tokens":6}})",
       {1, 0, 0, 0, 0, 0, 5},
       true},
      {"negative", R"({"prompt_tokens":-3,"completion_tokens":5})", {0, 0, 0, 0, 0, 5, 0}, true},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    const auto usage = OpenAi(c.usage);
    ASSERT_TRUE(usage.has_value());
    EXPECT_EQ(ClassesOf(*usage), c.want);
    EXPECT_EQ(usage->contradictory, c.contradictory);
    EXPECT_FALSE(usage->estimated);
  }
}

TEST(OpenAiUsage, ThatCountsNothingIsNone) {
  EXPECT_EQ(OpenAi("{}"), std::nullopt);
  EXPECT_EQ(OpenAi("null"), std::nullopt);
  EXPECT_EQ(OpenAi(R"({"prompt_tokens":"7"})"), std::nullopt);
}

// INV-16: sums of classes cannot overflow, whatever a provider says.
TEST(OpenAiUsage, AbsurdCountsAreNone) {
  const auto at = [](std::int64_t count) {
    return OpenAi(R"({"prompt_tokens":)" + std::to_string(count) + "}");
  };
  EXPECT_EQ(at(limits::kMaxReportedTokens)->uncached_input, limits::kMaxReportedTokens);
  EXPECT_FALSE(at(limits::kMaxReportedTokens)->contradictory);
  EXPECT_EQ(at(limits::kMaxReportedTokens + 1)->uncached_input, 0);
  EXPECT_TRUE(at(limits::kMaxReportedTokens + 1)->contradictory);
}

TEST(OpenAiUsage, ReadsBackWhatItWrites) {
  const TokenUsage usage{
      .uncached_input = 30, .cache_read = 64, .output_text = 8, .output_reasoning = 12};
  std::string chat;
  AppendChatUsage(usage, chat);
  EXPECT_EQ(OpenAi(chat), usage) << chat;
  std::string responses;
  AppendResponsesUsage(usage, responses);
  EXPECT_EQ(OpenAi(responses), usage) << responses;
}

TokenUsage Anthropic(const std::vector<std::string_view>& reports) {
  AnthropicUsage usage;
  for (std::size_t i = 0; i < reports.size(); ++i) {
    JsonScratch scratch;
    usage.Merge(scratch.Parse(reports[i]).value(), i + 1 == reports.size());
  }
  return usage.Value();
}

TEST(AnthropicUsage, ComesApartIntoDisjointClasses) {
  struct Case {
    const char* name;
    std::vector<std::string_view> reports;
    Classes want;
    bool contradictory;
  };
  const Case cases[] = {
      {"cache beside the input",
       {R"({"input_tokens":10,"cache_read_input_tokens":100,"cache_creation_input_tokens":50,
            "output_tokens":7})"},
       {10, 100, 50, 0, 0, 7, 0},
       false},
      {"writes by life",
       {R"({"input_tokens":1,"cache_creation_input_tokens":50,"cache_creation":
            {"ephemeral_5m_input_tokens":20,"ephemeral_1h_input_tokens":30},"output_tokens":7,
            "output_tokens_details":{"thinking_tokens":3}})"},
       {1, 0, 20, 30, 0, 4, 3},
       false},
      {"totals replace the placeholder, they are not added to it",
       {R"({"input_tokens":25,"output_tokens":1})", R"({"output_tokens":15})"},
       {25, 0, 0, 0, 0, 15, 0},
       false},
      {"the last of several totals",
       {R"({"input_tokens":25,"output_tokens":1})", R"({"output_tokens":15})",
        R"({"output_tokens":40,"input_tokens":26})"},
       {26, 0, 0, 0, 0, 40, 0},
       false},
      {"lives that are no sum",
       {R"({"input_tokens":1,"cache_creation_input_tokens":50,"cache_creation":
            {"ephemeral_5m_input_tokens":20,"ephemeral_1h_input_tokens":31},"output_tokens":7})"},
       {1, 0, 19, 31, 0, 7, 0},
       true},
      {"more thinking than output",
       {R"({"input_tokens":1,"output_tokens":7,"output_tokens_details":{"thinking_tokens":8}})"},
       {1, 0, 0, 0, 0, 0, 7},
       true},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    const TokenUsage usage = Anthropic(c.reports);
    EXPECT_EQ(ClassesOf(usage), c.want);
    EXPECT_EQ(usage.contradictory, c.contradictory);
    EXPECT_FALSE(usage.estimated);
  }
}

// A stream that is cut has only the placeholder: billed as if final, it would be nearly free.
TEST(AnthropicUsage, WithoutTheFinalReportIsEstimated) {
  JsonScratch scratch;
  AnthropicUsage usage;
  EXPECT_TRUE(usage.Value().estimated);
  usage.Merge(scratch.Parse(R"({"input_tokens":25,"output_tokens":1})").value(), false);
  EXPECT_TRUE(usage.Value().estimated);
  EXPECT_EQ(usage.Value().uncached_input, 25);
  EXPECT_EQ(usage.Value().output_tokens(), 0) << "a placeholder is no count";
}

TEST(AnthropicUsage, CountsSearches) {
  EXPECT_EQ(Anthropic({R"({"output_tokens":1,"server_tool_use":{"web_search_requests":3}})"}).calls,
            3);
}

}  // namespace
}  // namespace podium::gateway::llm
