// A body that is not there with its head: the time that its caller takes is the caller's own.
#include <gtest/gtest.h>

#include <string>

#include "gateway/llm_call_fixture.h"

namespace podium::gateway {
namespace {

constexpr std::string_view kLateAsk =
    R"({"model":"chat","messages":[{"role":"user","content":"hi"}]})";
constexpr std::string_view kLateAnswer =
    R"({"id":"c1","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,)"
    R"("message":{"role":"assistant","content":"hello"},"finish_reason":"stop"}],)"
    R"("usage":{"prompt_tokens":10,"completion_tokens":5,"total_tokens":15}})";
constexpr std::chrono::hours kLate{1};

std::string LateCall(std::string_view body) {
  return net::MemoryExchange::Text("POST", "/v1/chat/completions", body);
}

TEST(LlmLateBody, ItsTimeIsNeitherOverheadNorOfTheDeadline) {
  LlmWorld world;
  world.Script("main", Body(std::string(kLateAnswer)));
  const SteadyTime begun = world.clock().SteadyNow();
  net::MemoryExchange exchange(LateCall(kLateAsk), {.received = begun});
  exchange.ComeLate([&] { world.clock().Advance(kLate); });
  const net::Response response = world.Ask(exchange);
  EXPECT_EQ(response.status, 200) << response.body;
  EXPECT_EQ(HeaderOf(response, "x-podium-overhead-us"), "0");
  ASSERT_EQ(world.upstream().sent.size(), 1u);
  EXPECT_GT(world.upstream().sent[0].request.timeouts.deadline, begun + kLate);
}

TEST(LlmLateBody, OneThatIsNoJsonIsRefusedLikeAnyOther) {
  LlmWorld world;
  net::MemoryExchange exchange(LateCall("{"));
  exchange.ComeLate([&] { world.clock().Advance(kLate); });
  EXPECT_EQ(world.Ask(exchange).status, 400);
  EXPECT_TRUE(world.upstream().sent.empty());
}

}  // namespace
}  // namespace podium::gateway
