#include "app/chat_report.h"

#include <gtest/gtest.h>

namespace podium::app {
namespace {

ChatReport Report() {
  ChatReport report;
  report.reply.text = "Hi";
  report.reply.finish = "stop";
  report.reply.usage = TokenUsage{};
  report.reply.usage->uncached_input = 12;
  report.reply.usage->cache_read = 2;
  report.reply.usage->output_text = 32;
  report.route = "assistant";
  report.version = "v1";
  report.provider = "main";
  report.model = "gpt";
  report.reason = "primary";
  report.attempts = 1;
  report.cost = NanoUsd{123'499};
  report.request_id = "r-1";
  report.first_token = std::chrono::milliseconds(212);
  report.total = std::chrono::milliseconds(1'043);
  return report;
}

TEST(ChatReport, OneLineTellsWhoAnsweredHowFastAndForHowMuch) {
  EXPECT_EQ(ReportLine(Report()),
            "assistant, version v1 (main/gpt), 1 attempt, 14 + 32 tokens, 0.000123 USD, "
            "first token 0.21 s, total 1.04 s");
}

TEST(ChatReport, WhatIsNotKnownIsNotMadeUp) {
  ChatReport report = Report();
  report.version.clear();
  report.provider.clear();
  report.reply.usage.reset();
  report.cost.reset();
  report.first_token.reset();
  report.reply.finish = "length";
  EXPECT_EQ(ReportLine(report),
            "assistant, gpt, 1 attempt, cost unknown, total 1.04 s, ended by length");
  const Json json = ReportJson(report);
  for (const char* key : {"usage", "version", "provider", "cost_usd", "first_token_ms"}) {
    EXPECT_TRUE(json.at(key).is_null()) << key;
  }
}

TEST(ChatReport, AFallbackIsNamedAndARetryIsNone) {
  ChatReport report = Report();
  report.attempts = 2;
  EXPECT_FALSE(FellBack(report));
  report.reason = "previous_primary";
  EXPECT_TRUE(FellBack(report));
  EXPECT_NE(ReportLine(report).find("2 attempts, fell back (previous_primary)"), std::string::npos);
  report.attempts = 1;  // The first of its chain: nothing failed.
  EXPECT_FALSE(FellBack(report));
}

TEST(ChatReport, AServersTextCannotSteerTheTerminal) {
  ChatReport report = Report();
  report.version = "v\x1b[2J\n";
  EXPECT_EQ(ReportLine(report).find_first_of("\x1b\n"), std::string::npos);
}

TEST(ChatReport, JsonHoldsEveryFigure) {
  EXPECT_EQ(DumpJson(ReportJson(Report())),
            R"({"text":"Hi","usage":{"input_tokens":14,"output_tokens":32,"cached_tokens":2,)"
            R"("reasoning_tokens":0},"route":"assistant","version":"v1","provider":"main",)"
            R"("model":"gpt","reason":"primary","attempts":1,"cost_usd":0.000123,)"
            R"("finish_reason":"stop","request_id":"r-1","first_token_ms":212,"total_ms":1043})");
  EXPECT_EQ(ReportJson(Report(), "cut").at("error"), "cut");
}

TEST(ChatReport, HeadersOfAVersionAndOfASetting) {
  ApiAnswer answer;
  answer.headers = {{"X-Podium-Route", "chat"},    {"X-Podium-Version", "v2"},
                    {"X-Podium-Model", "chat-v2"}, {"X-Podium-Reason", "canary"},
                    {"X-Podium-Attempts", "3"},    {"X-Request-Id", "r-2"},
                    {"X-Podium-Cost-Usd", "0.25"}};
  ChatReport report;
  TakeHeaders(answer, report);
  EXPECT_EQ(report.model_id, "chat-v2");
  EXPECT_EQ(report.model, "");
  EXPECT_EQ(report.attempts, 3);
  EXPECT_EQ(report.cost->value, kNanosPerUsd / 4);
  answer.headers = {{"X-Podium-Model", "gpt"}, {"X-Podium-Attempts", "x"}};
  report = {};
  TakeHeaders(answer, report);
  EXPECT_EQ(report.model_id, "");
  EXPECT_EQ(report.model, "gpt");
  EXPECT_EQ(report.attempts, 0);
  EXPECT_FALSE(report.cost);
}

TEST(ChatReport, CostsByThePriceInForce) {
  TokenUsage usage;
  usage.uncached_input = 1'000'000;
  usage.output_text = 2'000'000;
  const Json prices = *ParseJson(
      R"([{"price_id":1,"input":"1","output":"2","effective_from":"2026-01-01T00:00:00.000000Z"},)"
      R"({"price_id":2,"input":"3","output":"4","effective_from":"2026-02-01T00:00:00.000000Z"},)"
      R"({"price_id":3,"input":"9","output":"9","effective_from":"2026-04-01T00:00:00.000000Z"}])");
  EXPECT_EQ(CostByPrices(usage, prices, *ParseUtc("2026-03-01T00:00Z")),
            (NanoUsd{11 * kNanosPerUsd}));
  EXPECT_FALSE(CostByPrices(usage, prices, *ParseUtc("2025-12-31T00:00Z")));
  EXPECT_FALSE(CostByPrices(usage, Json::array(), *ParseUtc("2026-03-01T00:00Z")));
  usage.cache_read = 1;  // Used, and nobody says what it costs.
  EXPECT_FALSE(CostByPrices(usage, prices, *ParseUtc("2026-03-01T00:00Z")));
}

}  // namespace
}  // namespace podium::app
