#include "app/demo_providers.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "app/chat_reply.h"
#include "base/json.h"
#include "base/limits.h"
#include "net/answer_fixture.h"
#include "net/memory_exchange.h"
#include "testing/sim_clock.h"

namespace podium::app {
namespace {

using podium::testing::SimClock;

constexpr const char* kPath = "/v1/chat/completions";

std::string RequestBody(std::string_view more = "") {
  return fmt::format(R"({{"model":"m","messages":[{{"role":"user","content":"Hi"}}]{}}})", more);
}

net::Response Ask(FakeProvider& provider, std::string_view path, std::string_view body) {
  net::MemoryExchange exchange(net::MemoryExchange::Text("POST", path, body));
  return net::AnswerOf(provider, exchange);
}

TEST(DemoProviders, AnswerWholeAndStreamed) {
  const SimClock clock(*ParseUtc("2026-03-09T14:31:07Z"));
  FakeProvider steady(kSteadyProvider, FakeCharacter::kSteady, clock);
  const net::Response whole = Ask(steady, kPath, RequestBody());
  EXPECT_EQ(whole.status, 200);
  const Json body = *ParseJson(whole.body);
  EXPECT_NE(ReadWholeReply(body)->text.find("I am fake-steady, a fake"), std::string::npos);
  EXPECT_EQ(body.at("id"), "chatcmpl-fake-steady-1");
  EXPECT_EQ(body.at("created"), 1'773'066'667);
  const net::Response streamed = Ask(steady, kPath, RequestBody(R"(,"stream":true)"));
  EXPECT_EQ(streamed.content_type.view(), "text/event-stream");
  EXPECT_NE(streamed.stream, nullptr);
}

TEST(DemoProviders, RefuseWhatTheyDoNotKnow) {
  const SimClock clock;
  FakeProvider steady(kSteadyProvider, FakeCharacter::kSteady, clock);
  EXPECT_EQ(Ask(steady, "/v1/embeddings", RequestBody()).status, 404);
  EXPECT_EQ(Ask(steady, kPath, "no JSON").status, 400);
  const std::string padded =
      RequestBody() + std::string(limits::kMaxAdminBodyBytes - RequestBody().size(), ' ');
  EXPECT_EQ(Ask(steady, kPath, padded).status, 200);
  EXPECT_EQ(Ask(steady, kPath, padded + " ").status, 413);
}

TEST(DemoProviders, TheMoodyOneCountsItsCallsAndItsTime) {
  SimClock clock;
  FakeProvider moody(kMoodyProvider, FakeCharacter::kMoody, clock);
  std::vector<int> statuses;
  for (int call = 1; call <= 5; ++call) statuses.push_back(Ask(moody, kPath, RequestBody()).status);
  EXPECT_EQ(statuses, (std::vector<int>{200, 200, 503, 200, 429}));
  clock.Advance(kFirstSpell);
  const net::Response bad = Ask(moody, kPath, RequestBody());
  EXPECT_EQ(bad.status, 503);
  EXPECT_EQ(bad.headers.Find("retry-after-ms"), std::nullopt);
}

// A provider that may be reached from loopback only, at the port that it got.
TEST(DemoProviders, AreConfiguredWhereTheyListen) {
  const SystemClock clock;
  const auto providers = DemoProviders::Start(clock);
  ASSERT_TRUE(providers) << providers.error().message;
  Settings settings;
  (*providers)->AddTo(settings);
  ASSERT_EQ(settings.providers.size(), 2U);
  for (const auto& [name, provider] : settings.providers) {
    EXPECT_TRUE(name.starts_with("fake-"));
    EXPECT_EQ(provider.base_url->host, "127.0.0.1");
    EXPECT_NE(provider.base_url->port, 0);
    EXPECT_TRUE(provider.allow_private);
  }
}

}  // namespace
}  // namespace podium::app
