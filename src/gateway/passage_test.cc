// The choke point: no endpoint is beside it, no hook is left out, and none is asked twice.
#include "gateway/passage.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "gateway/llm_call_fixture.h"

namespace podium::gateway {
namespace {

constexpr const char* kAskAnything =
    R"({"model":"chat","messages":[{"role":"user","content":"hi"}],)"
    R"("max_tokens":9,"input":"hi"})";
constexpr const char* kCompletion =
    R"({"id":"c1","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,)"
    R"("message":{"role":"assistant","content":"hello"},"finish_reason":"stop"}],)"
    R"("usage":{"prompt_tokens":10,"completion_tokens":5,"total_tokens":15}})";

/// Writes down what it is asked, and refuses at one step.
class NotingHook final : public CallHook {
 public:
  explicit NotingHook(std::string refuse_at = "") : refuse_at_(std::move(refuse_at)) {}

  Status Limit(const CallFacts& call) override { return Note("limit", call); }
  Status Admit(const CallFacts& call) override {
    EXPECT_EQ(call.route, "chat");
    EXPECT_EQ(call.request_id, "r-1");
    return Note("admit", call);
  }
  Status SafetyIn(const CallFacts& call, std::string_view body) override {
    EXPECT_TRUE(body.starts_with("{"));
    return Note("safety_in", call);
  }
  Status SafetyOut(const CallFacts& call, std::string_view piece) override {
    EXPECT_NE(piece, "");
    return Note("safety_out", call);
  }
  void Settle(const CallFacts& call, const journal::Outcome& outcome) override {
    settled_tokens += outcome.usage.total_tokens();
    (void)Note("settle", call);
  }
  void Record(const CallFacts& call, int status) override {
    recorded_status = status;
    (void)Note("record", call);
  }

  std::vector<std::string> asked;
  std::vector<std::string> endpoints;
  int recorded_status = 0;
  std::int64_t settled_tokens = 0;

 private:
  Status Note(const std::string& step, const CallFacts& call) {
    asked.push_back(step);
    endpoints.emplace_back(call.endpoint.name);
    if (step != refuse_at_) return {};
    return Fail(ErrorCode::kLimited, "the hook says no");
  }

  const std::string refuse_at_;
};

std::string PathOf(const Endpoint& endpoint) {
  std::string path(endpoint.example);
  const std::size_t at = path.find("ROUTE");
  return at == std::string::npos ? path : path.replace(at, 5, "chat");
}

std::string BodyOf(const Endpoint& endpoint) {
  if (endpoint.id == EndpointId::kPredict) return R"({"rows":[[1]]})";
  if (endpoint.id == EndpointId::kOipInfer) {
    return R"({"inputs":[{"name":"x","datatype":"FP32","shape":[1,1],"data":[1]}]})";
  }
  return endpoint.verbs == "POST" ? kAskAnything : "";
}

net::Response Call(LlmWorld& world, const Endpoint& endpoint) {
  const bool writes = endpoint.verbs == "POST";
  return world.Ask(BodyOf(endpoint), "X-Request-Id: r-1\r\n", PathOf(endpoint),
                   writes ? "POST" : "GET");
}

LlmWorld::Options With(NotingHook& hook) {
  LlmWorld::Options options;
  options.hooks = {&hook};
  return options;
}

// Whatever is added to the table is tried here: one that answers beside the hooks fails.
TEST(Passage, EveryEndpointIsBehindIt) {
  for (const Endpoint& endpoint : Endpoints()) {
    SCOPED_TRACE(endpoint.name);
    NotingHook hook("limit");
    LlmWorld world(With(hook));
    const net::Response response = Call(world, endpoint);
    EXPECT_EQ(response.status, 429);
    EXPECT_NE(response.body.find("the hook says no"), std::string::npos) << response.body;
    EXPECT_EQ(hook.asked, (std::vector<std::string>{"limit", "record"}));
    EXPECT_EQ(hook.endpoints[0], endpoint.name);
    EXPECT_EQ(hook.recorded_status, 429);
    EXPECT_NE(HeaderOf(response, "x-request-id"), "-");
    EXPECT_TRUE(world.upstream().sent.empty());
  }
}

TEST(Passage, NoModelIsAskedThatIsNotAdmitted) {
  for (const Endpoint& endpoint : Endpoints()) {
    if (!endpoint.asks_model) continue;
    for (const std::string step : {"admit", "safety_in"}) {
      SCOPED_TRACE(std::string(endpoint.name) + " " + step);
      NotingHook hook(step);
      LlmWorld world(With(hook));
      const net::Response response = Call(world, endpoint);
      EXPECT_EQ(response.status, 429);
      EXPECT_NE(response.body.find("the hook says no"), std::string::npos) << response.body;
      EXPECT_TRUE(world.upstream().sent.empty());
      ASSERT_GE(hook.asked.size(), 2U);
      EXPECT_EQ(hook.asked[hook.asked.size() - 2], step);
      EXPECT_EQ(hook.asked.back(), "record");
    }
  }
}

TEST(Passage, TheStepsComeInTheirOrderAndOnce) {
  NotingHook hook;
  LlmWorld world(With(hook));
  world.Script("main", Body(kCompletion));
  EXPECT_EQ(Call(world, EndpointOf(EndpointId::kChat)).status, 200);
  EXPECT_EQ(hook.asked, (std::vector<std::string>{"limit", "admit", "safety_in", "safety_out",
                                                  "settle", "record"}));
  EXPECT_EQ(hook.settled_tokens, 15);
  EXPECT_EQ(hook.recorded_status, 200);
}

// What was paid for is settled, also if nobody may read it.
TEST(Passage, AnAnswerMayBeKeptBack) {
  NotingHook hook("safety_out");
  LlmWorld world(With(hook));
  world.Script("main", Body(kCompletion));
  const net::Response response = Call(world, EndpointOf(EndpointId::kChat));
  EXPECT_EQ(response.status, 429);
  EXPECT_EQ(response.body.find("hello"), std::string::npos);
  EXPECT_EQ(hook.settled_tokens, 15);
  EXPECT_EQ(hook.asked.back(), "record");
}

// INV-14: a stream that is stopped never looks whole.
TEST(Passage, AStreamMayBeStopped) {
  NotingHook hook("safety_out");
  LlmWorld world(With(hook));
  world.Script("main", Pieces({"data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"hel\"},"
                               "\"finish_reason\":null}]}\n\n",
                               "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"lo\"},"
                               "\"finish_reason\":null}]}\n\n"}));
  net::Response response = world.Ask(kAskStream, "X-Request-Id: r-1\r\n");
  ASSERT_TRUE(response.stream);
  const std::string text = LlmWorld::Read(response);
  response.stream.reset();
  EXPECT_EQ(text.find("hel"), std::string::npos);
  EXPECT_NE(text.find("the hook says no"), std::string::npos);
  EXPECT_EQ(text.find("[DONE]"), std::string::npos);
  EXPECT_GT(hook.settled_tokens, 0);
  EXPECT_EQ(hook.asked.back(), "record");
}

// With a token, nobody without it makes the server read a body.
TEST(Passage, WhoMayNotCallIsToldBeforeTheBodyIsRead) {
  for (const Endpoint& endpoint : Endpoints()) {
    if (endpoint.access != Access::kPayer) continue;
    SCOPED_TRACE(endpoint.name);
    LlmWorld::Options options;
    options.token = true;
    options.max_body_bytes = 8;  // Too little for the body: who reads it says 413.
    LlmWorld world(options);
    EXPECT_EQ(Call(world, endpoint).status, 401);
  }
}

}  // namespace
}  // namespace podium::gateway
