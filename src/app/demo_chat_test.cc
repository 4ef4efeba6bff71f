#include "app/demo_chat.h"

#include <gtest/gtest.h>

#include "base/exposition.h"

namespace podium::app {
namespace {

using std::chrono::seconds;

constexpr std::string_view kScraped =
    "# HELP podium_llm_calls_total Calls.\n"
    "# TYPE podium_llm_calls_total counter\n"
    "podium_llm_calls_total{surface=\"chat\",outcome=\"ok\"} 40\n"
    "podium_llm_calls_total{surface=\"chat\",outcome=\"cut\"} 1\n"
    "podium_llm_calls_total{surface=\"chat\",outcome=\"client_left\"} 1\n"
    "podium_llm_calls_total{surface=\"chat\",outcome=\"refused\"} 1\n"
    "podium_llm_attempts_total{provider=\"fake-moody\",result=\"answered\"} 31\n"
    "podium_llm_attempts_total{provider=\"fake-moody\",result=\"server\"} 5\n"
    "podium_llm_attempts_total{provider=\"fake-moody\",result=\"rate_limit\"} 4\n"
    "podium_llm_attempts_total{provider=\"fake-steady\",result=\"answered\"} 10\n"
    "podium_llm_retries_total{provider=\"fake-moody\"} 5\n"
    "podium_llm_fallbacks_total{provider=\"fake-moody\"} 4\n"
    "podium_llm_breaker_state{provider=\"fake-moody\",model=\"a \\\"b\\\" }c\",state=\"open\"} 1\n"
    "podium_requests_total{route=\"digits\"} 7\n";

TEST(DemoChat, ReadsTheServersCounters) {
  const ChatFigures figures = ReadChatFigures(kScraped);
  EXPECT_EQ(figures.calls, 43U);
  EXPECT_EQ(figures.errors, 1U);
  const ProviderFigures& moody = figures.providers.at("fake-moody");
  EXPECT_EQ(moody.answered, 31U);
  EXPECT_EQ(moody.failed, 9U);
  EXPECT_EQ(moody.breaker, "open");
  EXPECT_EQ(figures.providers.at("fake-steady").breaker, "closed");
  EXPECT_EQ(figures.retries(), 5U);
  EXPECT_EQ(figures.fallbacks(), 4U);
}

TEST(DemoChat, ReadsWhatTheServerReallyWrites) {
  Exposition out;
  out.Family("podium_llm_retries_total", "counter", "Help.");
  out.Sample({{"provider", "odd \"name\"\\"}}, 12);
  EXPECT_EQ(ReadChatFigures(out.Take()).providers.at("odd \"name\"\\").retries, 12U);
}

TEST(DemoChat, AnOpenBreakerOfOneCoreIsTold) {
  const auto breaker = [](const char* first, const char* second) {
    std::string text;
    for (const char* state : {first, second}) {
      text += std::string("podium_llm_breaker_state{provider=\"p\",state=\"") + state + "\"} 1\n";
    }
    return ReadChatFigures(text).providers.at("p").breaker;
  };
  EXPECT_EQ(breaker("open", "half_open"), "open");
  EXPECT_EQ(breaker("half_open", "open"), "open");
  EXPECT_EQ(breaker("half_open", "half_open"), "half open");
}

TEST(DemoChat, WhatCannotBeReadIsPassedOver) {
  for (const char* text :
       {"podium_llm_calls_total", "podium_llm_calls_total{", "podium_llm_x{a",
        "podium_llm_calls_total{a=\"b} 1", "podium_llm_calls_total x", "podium_llm_calls_total -1",
        "podium_llm_calls_total NaN", "podium_llm_calls_total{a=\"\\"}) {
    EXPECT_EQ(ReadChatFigures(text).calls, 0U) << text;
  }
}

TEST(DemoChat, CostIsTheTotal) {
  EXPECT_EQ(ReadCost(R"({"total_cost_usd":0.25})").value(), 0.25);
  for (const char* body : {"", "[]", "{}", R"({"total_cost_usd":"1"})"}) {
    EXPECT_FALSE(ReadCost(body)) << body;
  }
}

TEST(DemoChat, TheRateIsThatOfTheLastSeconds) {
  ChatRate rate;
  EXPECT_EQ(rate.PerSecond(), 0);
  const SteadyTime begin{seconds(100)};
  rate.Note(begin, 10);
  EXPECT_EQ(rate.PerSecond(), 0);
  rate.Note(begin + seconds(5), 20);
  EXPECT_EQ(rate.PerSecond(), 2);
  for (int i = 6; i <= 30; ++i) rate.Note(begin + seconds(i), 20);
  EXPECT_EQ(rate.PerSecond(), 0);
}

RegistryVersion Version(const char* version, const char* status, const char* provider) {
  RegistryVersion row{
      std::string("assistant-") + version, kDemoChatRoute, version, status, 0, "ready", ""};
  row.provider = provider;
  return row;
}

TEST(DemoChat, ThePrimarysProviderComesFirst) {
  RegistryRoute table;
  table.route = kDemoChatRoute;
  table.primary = "assistant-moody";
  std::vector<RegistryVersion> versions = {Version("steady", "shadow", "fake-steady"),
                                           Version("moody", "primary", "fake-moody")};
  versions.push_back({"digits-v1", "digits", "v1", "primary", 0, "ready", ""});
  const auto providers = ProvidersOf(versions, {table}, ReadChatFigures(kScraped));
  ASSERT_EQ(providers.size(), 2U);
  EXPECT_EQ(providers[0].provider, "fake-moody");
  EXPECT_EQ(providers[0].asked_pct, 100);
  EXPECT_EQ(providers[0].figures.failed, 9U);
  EXPECT_EQ(providers[1].role, "shadow");
  EXPECT_EQ(providers[1].figures.answered, 10U);
}

TEST(DemoChat, OneLineForTheRoute) {
  FrameChat chat;
  chat.rate = 1.96;
  chat.figures = ReadChatFigures(kScraped);
  EXPECT_EQ(ChatHeadline(chat), "assistant: 2.0 calls/s, 43 calls, 1 error");
  chat.first_token = std::chrono::microseconds(65'400);
  chat.cost_usd = 0.0012344;
  EXPECT_EQ(ChatHeadline(chat),
            "assistant: 2.0 calls/s, 43 calls, 1 error, first token 65 ms, 0.001234 USD");
}

}  // namespace
}  // namespace podium::app
