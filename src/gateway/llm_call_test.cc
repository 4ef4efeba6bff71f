#include "gateway/llm_call.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "gateway/llm_call_fixture.h"

namespace podium::gateway {
namespace {

constexpr const char* kAsk = R"({"model":"chat","messages":[{"role":"user","content":"hi"}]})";

std::string Completion(const std::string& text, const std::string& finish = "stop") {
  return R"({"id":"c1","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,)"
         R"("message":{"role":"assistant","content":")" +
         text + R"("},"finish_reason":")" + finish +
         R"("}],"usage":{"prompt_tokens":10,"completion_tokens":5,"total_tokens":15}})";
}
std::string Delta(const std::string& text) {
  return R"(data: {"id":"c1","object":"chat.completion.chunk","created":1,"model":"m","choices":)"
         R"([{"index":0,"delta":{"content":")" +
         text + "\"},\"finish_reason\":null}]}\n\n";
}
const std::string kRole =
    R"(data: {"id":"c1","object":"chat.completion.chunk","created":1,"model":"m","choices":)"
    R"([{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]})"
    "\n\n";
const std::string kStop =
    R"(data: {"id":"c1","object":"chat.completion.chunk","created":1,"model":"m","choices":)"
    R"([{"index":0,"delta":{},"finish_reason":"stop"}]})"
    "\n\n"
    R"(data: {"id":"c1","object":"chat.completion.chunk","created":1,"model":"m","choices":[],)"
    R"("usage":{"prompt_tokens":10,"completion_tokens":5,"total_tokens":15}})"
    "\n\ndata: [DONE]\n\n";

constexpr const char* kOverloaded = R"({"error":{"message":"busy","type":"server_error"}})";
constexpr const char* kTooLong = R"({"error":{"message":"too long","type":"invalid_request_error",)"
                                 R"("code":"context_length_exceeded"}})";

LlmWorld::Options WithSpare() {
  LlmWorld::Options options;
  options.chain.route_config = {{"chat", {"spare", "spare-model"}}};
  return options;
}

std::string SentHeader(const ScriptedUpstream::Sent& sent, std::string_view name) {
  for (const auto& [key, value] : sent.request.headers) {
    if (net::EqualsIgnoreCase(key, name)) return value;
  }
  return "-";
}

TEST(LlmCall, TheTableDecidesWhoAnswers) {
  LlmWorld world;
  world.Script("main", Body(Completion("hello")));
  const net::Response response = world.Ask(kAsk, "X-Request-Id: r-1\r\n");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body, Completion("hello"));
  ASSERT_EQ(world.upstream().sent.size(), 1U);
  const auto& sent = world.upstream().sent[0];
  EXPECT_FALSE(sent.request.repeatable) << "INV-11: nobody else may send it twice";
  EXPECT_EQ(sent.request.target, "/v1/chat/completions");
  EXPECT_NE(sent.request.body.find(R"("model":"model-v1")"), std::string::npos);
  EXPECT_EQ(HeaderOf(response, "x-request-id"), "r-1");
  EXPECT_EQ(HeaderOf(response, "x-podium-route"), "chat");
  EXPECT_EQ(HeaderOf(response, "x-podium-model"), "id-v1");
  EXPECT_EQ(HeaderOf(response, "x-podium-version"), "v1");
  EXPECT_EQ(HeaderOf(response, "x-podium-canary"), "false");
  EXPECT_EQ(HeaderOf(response, "x-podium-reason"), "primary");
  EXPECT_EQ(HeaderOf(response, "x-podium-attempts"), "1");
  EXPECT_EQ(HeaderOf(response, "x-podium-generation"), "1");
  EXPECT_NE(HeaderOf(response, "x-podium-bucket"), "-");
  EXPECT_NE(HeaderOf(response, "x-podium-overhead-us"), "-");
  EXPECT_EQ(HeaderOf(response, "x-podium-cost-usd"), "-") << "no price is known";
  EXPECT_EQ(world.Stats("v1").plain.outcomes[0], 1U);
}

// INV-15: what identifies a caller stays here; the provider's key goes to the provider alone.
TEST(LlmCall, Inv15CredentialsCrossNoBorder) {
  LlmWorld world;
  world.Script("main", {std::nullopt,
                        200,
                        {{"x-secret-of-provider", "organisation-7"}},
                        {Completion("x")},
                        std::nullopt});
  const net::Response response =
      world.Ask(kAsk,
                "Authorization: Bearer callers-key\r\nCookie: a=b\r\nX-Api-Key: callers\r\n"
                "traceparent: 00-aa-bb-01\r\nopenai-beta: x\r\nanthropic-beta: y\r\n");
  EXPECT_EQ(response.status, 200);
  const auto& sent = world.upstream().sent.at(0);
  EXPECT_EQ(SentHeader(sent, "authorization"), "Bearer secret-of-main");
  EXPECT_EQ(SentHeader(sent, "x-api-key"), "-");
  EXPECT_EQ(SentHeader(sent, "cookie"), "-");
  EXPECT_EQ(SentHeader(sent, "traceparent"), "00-aa-bb-01");
  EXPECT_EQ(SentHeader(sent, "openai-beta"), "x");
  EXPECT_EQ(SentHeader(sent, "anthropic-beta"), "-");
  EXPECT_EQ(response.headers.wire().find("organisation-7"), std::string::npos);
  EXPECT_EQ(response.headers.wire().find("secret-of"), std::string::npos);
}

/// One row of the matrix of point 3: what happens, streamed or not, before or after the first
/// token, and what the caller gets.
struct Failing {
  const char* name;
  Scripted first;
  int status;       ///< The caller's, when nobody else can answer.
  bool retried;     ///< At the same model.
  bool falls_back;  ///< To the spare.
  bool counted;     ///< Against the version.
};

std::vector<Failing> Failures() {
  using enum net::UpstreamPhase;
  return {
      {"no connection", Unreachable(NetError(kConnect)), 503, true, true, true},
      {"cut before the head", Unreachable(NetError(kSent)), 503, true, true, true},
      {"too slow", Unreachable(NetError(kSent, ErrorCode::kDeadline)), 504, false, true, true},
      {"no HTTP", Unreachable(NetError(kHead)), 503, true, true, true},
      {"cut in the body", CutAfter({"{\"id\""}, NetError(kBody)), 503, true, true, true},
      {"stall in the body", CutAfter({"{"}, NetError(kBody, ErrorCode::kDeadline)), 504, false,
       true, true},
      {"malformed", Body("<html>"), 503, true, true, true},
      {"an object that is no answer", Body("{}"), 503, true, true, true},
      {"an answer without a choice", Body(R"({"choices":[]})"), 503, true, true, true},
      {"500", Body(kOverloaded, 500), 503, true, true, true},
      {"503", Body(kOverloaded, 503), 503, true, true, true},
      {"429", Body(R"({"error":{"message":"slow down"}})", 429), 429, true, true, true},
      {"401", Body(R"({"error":{"message":"bad key sk-1"}})", 401), 503, false, true, true},
      {"404", Body(R"({"error":{"message":"no such model"}})", 404), 503, false, true, true},
      {"quota", Body(R"({"error":{"code":"insufficient_quota","message":"pay"}})", 429), 503, false,
       true, true},
      {"redirect", Body("", 302), 503, true, true, true},
      {"context length", Body(kTooLong, 400), 400, false, true, false},
      {"content policy",
       Body(R"({"error":{"code":"content_policy_violation","message":"no"}})", 400), 400, false,
       false, false},
      {"bad request", Body(R"({"error":{"message":"bad field"}})", 400), 400, false, false, false},
  };
}

// B5, G2: with nobody else to ask, a failure becomes the caller's, in the words of the surface.
TEST(LlmCall, EachFailureHasItsStatusAndItsRetry) {
  for (const bool stream : {false, true}) {
    for (const Failing& failing : Failures()) {
      SCOPED_TRACE(std::string(failing.name) + (stream ? ", streamed" : ""));
      LlmWorld world;
      // One that is too slow is retried when there is nobody else.
      const bool slow = failing.status == 504;
      world.Script("main", failing.first);
      if (failing.retried || slow) world.Script("main", failing.first);
      const net::Response response = world.Ask(stream ? kAskStream : kAsk);
      EXPECT_EQ(response.status, failing.status);
      EXPECT_FALSE(response.stream);
      EXPECT_NE(response.body.find("\"error\""), std::string::npos) << response.body;
      EXPECT_EQ(response.body.find("sk-1"), std::string::npos);
      EXPECT_EQ(response.body.find("the network's own words"), std::string::npos);
      const std::size_t sent = failing.retried || slow ? 2 : 1;
      EXPECT_EQ(world.upstream().sent.size(), sent);
      EXPECT_EQ(world.Attempts().size(), sent);
      const auto outcomes = world.Stats("v1").plain.outcomes;
      EXPECT_EQ(outcomes[1] + outcomes[2], failing.counted ? sent : 0U);
      EXPECT_EQ(outcomes[0], 0U);
    }
  }
}

// INV-8: what another can answer is answered; the failure stays with the version that failed.
TEST(LlmCall, Inv8AnotherAnswersWhereItMay) {
  for (const bool stream : {false, true}) {
    for (const Failing& failing : Failures()) {
      SCOPED_TRACE(std::string(failing.name) + (stream ? ", streamed" : ""));
      LlmWorld::Options options = WithSpare();
      options.attempts.retries = 0;
      LlmWorld world(options);
      world.Script("main", failing.first);
      if (failing.falls_back) {
        world.Script("spare",
                     stream ? Pieces({kRole, Delta("saved"), kStop}) : Body(Completion("saved")));
      }
      net::Response response = world.Ask(stream ? kAskStream : kAsk);
      if (!failing.falls_back) {
        EXPECT_EQ(response.status, failing.status);
        continue;
      }
      EXPECT_EQ(response.status, 200);
      const std::string answer = stream ? LlmWorld::Read(response) : response.body;
      EXPECT_NE(answer.find("saved"), std::string::npos);
      EXPECT_EQ(HeaderOf(response, "x-podium-reason"), "route_config");
      EXPECT_EQ(HeaderOf(response, "x-podium-model"), "spare-model");
      EXPECT_EQ(HeaderOf(response, "x-podium-attempts"), "2");
      const auto outcomes = world.Stats("v1").plain.outcomes;
      EXPECT_EQ(outcomes[1] + outcomes[2], failing.counted ? 1U : 0U);
      EXPECT_EQ(outcomes[0], 0U);
      const std::vector<journal::Attempt> attempts = world.Attempts();
      ASSERT_EQ(attempts.size(), 2U);
      EXPECT_EQ(attempts[0].intent.version, "id-v1");
      EXPECT_NE(attempts[0].outcome.status, AttemptStatus::kOk);
      EXPECT_EQ(attempts[1].intent.kind, AttemptKind::kFallback);
      EXPECT_EQ(attempts[1].intent.provider, "spare");
      EXPECT_EQ(attempts[1].intent.version, "");
      EXPECT_EQ(attempts[1].outcome.status, AttemptStatus::kOk);
    }
  }
}

TEST(LlmCall, AStreamComesAsTheProviderSendsIt) {
  LlmWorld world;
  world.Script("main", Pieces({kRole, Delta("hel"), Delta("lo"), kStop}));
  net::Response response = world.Ask(kAskStream);
  ASSERT_TRUE(response.stream);
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.content_type.view(), "text/event-stream");
  const std::string text = LlmWorld::Read(response);
  EXPECT_NE(text.find("hel"), std::string::npos);
  EXPECT_TRUE(text.ends_with("data: [DONE]\n\n"));
  EXPECT_EQ(text.find("prompt_tokens"), std::string::npos) << "the caller did not ask for it";
  EXPECT_EQ(world.Stats("v1").plain.outcomes[0], 1U);
  const std::vector<journal::Attempt> attempts = world.Attempts();
  ASSERT_EQ(attempts.size(), 1U);
  EXPECT_EQ(attempts[0].outcome.usage.uncached_input, 10);
  EXPECT_EQ(attempts[0].outcome.usage.output_text, 5);
  EXPECT_FALSE(attempts[0].outcome.usage.estimated);
}

// INV-14: from the first token on nobody else may continue, and what breaks never looks whole.
TEST(LlmCall, Inv14AStreamThatBreaksEndsInAnErrorFrame) {
  using enum net::UpstreamPhase;
  const std::vector<std::pair<const char*, Scripted>> cases = {
      {"cut", CutAfter({kRole, Delta("part")}, NetError(kBody))},
      {"stalled", CutAfter({kRole, Delta("part")}, NetError(kBody, ErrorCode::kDeadline))},
      {"ended early", Pieces({kRole, Delta("part")})},
      {"malformed", Pieces({kRole, Delta("part"), "data: {\"choices\": [\n\n"})},
      {"an error frame",
       Pieces({kRole, Delta("part"), "data: {\"error\":{\"message\":\"x\"}}\n\n"})},
      {"an error frame in the piece of the first token",
       Pieces({kRole + Delta("part") + "data: {\"error\":{\"message\":\"x\"}}\n\n"})},
      {"cut in an event", Pieces({kRole, Delta("part"), "data: {\"id\":"})},
  };
  for (const auto& [name, script] : cases) {
    SCOPED_TRACE(name);
    LlmWorld world(WithSpare());
    world.Script("main", script);
    net::Response response = world.Ask(kAskStream);
    ASSERT_TRUE(response.stream);
    const std::string text = LlmWorld::Read(response);
    EXPECT_NE(text.find("part"), std::string::npos);
    EXPECT_NE(text.find("\"error\""), std::string::npos) << text;
    EXPECT_EQ(text.find("[DONE]"), std::string::npos);
    EXPECT_EQ(world.upstream().sent.size(), 1U);
    const auto outcomes = world.Stats("v1").plain.outcomes;
    EXPECT_EQ(outcomes[0], 0U);
    EXPECT_EQ(outcomes[1] + outcomes[2], 1U);
    const std::vector<journal::Attempt> attempts = world.Attempts();
    ASSERT_EQ(attempts.size(), 1U);
    EXPECT_TRUE(attempts[0].outcome.usage.estimated);
    EXPECT_GT(attempts[0].outcome.usage.total_tokens(), 0);
  }
}

// A caller that leaves costs what was made for it, and no more: the provider hears of it.
TEST(LlmCall, ACallerThatLeavesCancelsTheProvider) {
  LlmWorld world;
  world.Script("main", Pieces({kRole, Delta("part"), Delta("more"), kStop}));
  net::Response response = world.Ask(kAskStream);
  ASSERT_TRUE(response.stream);
  EXPECT_NE(LlmWorld::Read(response, 1).find("part"), std::string::npos);
  response.stream->Cancel();
  response.stream.reset();
  EXPECT_TRUE(world.upstream().cancelled);
  const std::vector<journal::Attempt> attempts = world.Attempts();
  ASSERT_EQ(attempts.size(), 1U);
  EXPECT_EQ(attempts[0].outcome.status, AttemptStatus::kCancelled);
  EXPECT_TRUE(attempts[0].outcome.usage.estimated);
  EXPECT_EQ(world.Stats("v1").plain.total(), 0U) << "says nothing of the version";
}

// The canary's failure is the primary's call.
TEST(LlmCall, TheRestOfTheRouteComesBeforeConfiguration) {
  LlmWorld::Options options = WithSpare();
  options.rows = {{"v1", "main"}, {"v2", "claude", VersionStatus::kCanary, BasisPoints::kWhole}};
  options.attempts.retries = 0;
  LlmWorld world(options);
  world.Script("claude", Body(kOverloaded, 529));
  world.Script("main", Body(Completion("steady")));
  const net::Response response = world.Ask(kAsk);
  EXPECT_EQ(response.body, Completion("steady"));
  EXPECT_EQ(HeaderOf(response, "x-podium-version"), "v1");
  EXPECT_EQ(HeaderOf(response, "x-podium-reason"), "primary_fallback");
  EXPECT_EQ(world.Stats("v2").canary.outcomes[1], 1U);
  EXPECT_EQ(world.Stats("v2").not_served, 0U) << "it was asked, and has failed";
  EXPECT_EQ(world.Stats("v1").plain.outcomes[0], 1U);
}

// B3: never silently another one.
TEST(LlmCall, AnOverrideIsAnsweredByThatVersionOrNobody) {
  LlmWorld::Options options = WithSpare();
  options.rows = {{"v1", "main"}, {"v2", "claude", VersionStatus::kStandby}};
  options.attempts.retries = 0;
  LlmWorld world(options);
  world.Script("claude", Body(kOverloaded, 529));
  const net::Response response = world.Ask(kAsk, "X-Podium-Model-Version: v2\r\n");
  EXPECT_EQ(response.status, 503);
  EXPECT_EQ(world.upstream().sent.size(), 1U);
  EXPECT_EQ(HeaderOf(response, "x-podium-reason"), "override");
  EXPECT_EQ(world.Ask(kAsk, "X-Podium-Model-Version: v9\r\n").status, 404);
  EXPECT_EQ(world.Stats("v2").override_total(), 1U);
  EXPECT_EQ(world.Stats("v2").plain.total(), 0U);
}

TEST(LlmCall, WhatNothingKnowsGoesDownTheChain) {
  LlmWorld::Options options;
  options.chain.default_provider = "spare";
  LlmWorld world(options);
  world.Script("spare", Body(Completion("x")));
  const net::Response response =
      world.Ask(R"({"model":"gpt-unheard-of","messages":[{"role":"user","content":"hi"}]})");
  EXPECT_EQ(response.status, 200);
  EXPECT_NE(world.upstream().sent.at(0).request.body.find("gpt-unheard-of"), std::string::npos);
  EXPECT_EQ(HeaderOf(response, "x-podium-reason"), "default_provider");
}

// A route's name is not sold to a provider that knows nothing of it.
TEST(LlmCall, ALocalModelsRouteSaysWhereItIs) {
  LlmWorld::Options options;
  options.rows = {{"v1", std::string(kLocalProvider)}};
  options.chain.default_provider = "spare";
  LlmWorld world(options);
  const net::Response response = world.Ask(kAsk);
  EXPECT_EQ(response.status, 400);
  EXPECT_NE(response.body.find("call /predict/chat"), std::string::npos) << response.body;
  EXPECT_TRUE(world.upstream().sent.empty());
}

TEST(LlmCall, UnknownRoutesMayBeDenied) {
  LlmWorld::Options options;
  options.chain.default_provider = "spare";
  options.chain.unknown_routes = routing::UnknownRoutes::kDeny;
  LlmWorld world(options);
  const net::Response response =
      world.Ask(R"({"model":"gpt-unheard-of","messages":[{"role":"user","content":"hi"}]})");
  EXPECT_EQ(response.status, 404);
  EXPECT_NE(response.body.find("model_not_found"), std::string::npos);
  EXPECT_TRUE(world.upstream().sent.empty());
}

// A model whose provider keeps failing is left alone, and tried again by one careful call.
TEST(LlmCall, ABreakerSparesWhoFailsAndTriesAgain) {
  LlmWorld::Options options = WithSpare();
  options.attempts.retries = 0;
  options.breaker.failures = 2;
  options.breaker.open_time = std::chrono::seconds(5);
  LlmWorld world(options);
  for (int i = 0; i < 2; ++i) world.Script("main", Body(kOverloaded, 503));
  for (int i = 0; i < 3; ++i) world.Script("spare", Body(Completion("spare")));
  for (int i = 0; i < 3; ++i) EXPECT_EQ(world.Ask(kAsk).status, 200);
  EXPECT_EQ(world.upstream().sent.size(), 5U) << "the third asked the spare at once";
  EXPECT_NE(world.Metrics().find(R"(podium_llm_breaker_state{provider="main",model="model-v1",)"
                                 R"(state="open"} 1)"),
            std::string::npos);
  EXPECT_EQ(world.Stats("v1").not_served, 1U);
  world.clock().Advance(std::chrono::seconds(5));
  world.Script("main", Body(Completion("back")));
  EXPECT_EQ(world.Ask(kAsk).body, Completion("back"));
  EXPECT_EQ(world.Metrics().find("state=\"open\""), std::string::npos);
}

TEST(LlmCall, CostsAreTold) {
  LlmWorld world;
  Price price;
  price.id = 4;
  price.provider = "main";
  price.upstream_model = "model-v1";
  price.effective_from = testing::SimClock::kStart;
  price.input = *ParseUsd("2.5");
  price.output = *ParseUsd("10");
  world.SetPrices({price});
  world.Script("main", Body(Completion("x")));
  const net::Response response = world.Ask(kAsk);
  EXPECT_EQ(HeaderOf(response, "x-podium-cost-usd"),
            "0.000075");  // 10 * 2.5 + 5 * 10, per million.
  const std::vector<journal::Attempt> attempts = world.Attempts();
  ASSERT_EQ(attempts.size(), 1U);
  EXPECT_EQ(attempts[0].outcome.cost, NanoUsd{75'000});
  EXPECT_EQ(attempts[0].outcome.price_id, 4);
  EXPECT_GT(attempts[0].intent.estimated_cost->value, 75'000) << "the most that it could cost";
  world.Script("main", Body(Completion("y", "length")));
  world.SetPrices({});
  EXPECT_EQ(world.Ask(kAsk).status, 200);
  const std::string metrics = world.Metrics();
  for (const char* line :
       {R"(podium_llm_cost_usd_total{provider="main"} 7.5e-05)",
        R"(podium_llm_unpriced_attempts_total{provider="main"} 1)",
        R"(podium_llm_answers_total{provider="main",finish_reason="stop"} 1)",
        R"(podium_llm_answers_total{provider="main",finish_reason="length"} 1)"}) {
    EXPECT_NE(metrics.find(line), std::string::npos) << line;
  }
}

// Each surface's SDK must understand what went wrong.
TEST(LlmCall, RefusalsSpeakTheDialectOfTheirPath) {
  struct Case {
    const char* method;
    const char* path;
    const char* headers;
    std::string body;
    int status;
    const char* holds;
  };
  const std::string big(2048, 'x');
  const Case cases[] = {
      {"POST", "/v1/chat/completions", "", "{", 400, "invalid_request_error"},
      {"POST", "/v1/chat/completions", "", "[]", 400, "invalid_request_error"},
      {"POST", "/v1/chat/completions", "", R"({"messages":[]})", 400, R"("param":"model")"},
      {"POST", "/v1/chat/completions", "", R"({"model":"a","Model":"b"})", 400,
       "invalid_request_error"},
      {"POST", "/v1/messages", "", "{", 400, R"({"type":"error","error":{"type":"invalid_req)"},
      {"POST", "/v1/responses", "", "nonsense", 400, "invalid_request_error"},
      {"POST", "/v1/embeddings", "", "", 400, "invalid_request_error"},
      {"GET", "/v1/chat/completions", "", "", 405, "method_not_allowed"},
      {"POST", "/v1/models", "", "", 405, "method_not_allowed"},
      {"POST", "/v1/messages", "Content-Type: text/plain\r\n", "{}", 415, R"("type":"error")"},
      {"POST", "/v1/nothing", "", "{}", 404, "there is nothing at /v1/nothing"},
      {"POST", "/v1/chat/completions", "", big, 413, "request_too_large"},
      {"POST", "/v1/messages", "", big, 413, "request_too_large"},
  };
  LlmWorld::Options options;
  options.max_body_bytes = 1024;
  LlmWorld world(options);
  for (const Case& c : cases) {
    SCOPED_TRACE(std::string(c.method) + " " + c.path + " " + c.body.substr(0, 30));
    const net::Response response = world.Ask(c.body, c.headers, c.path, c.method);
    EXPECT_EQ(response.status, c.status);
    EXPECT_NE(response.body.find(c.holds), std::string::npos) << response.body;
    EXPECT_TRUE(ParseJson(response.body));
    EXPECT_NE(HeaderOf(response, "x-request-id"), "-");
  }
  EXPECT_TRUE(world.upstream().sent.empty());
}

// With a token, calls that cost money are its holder's; SDKs send it in the header they have.
TEST(LlmCall, ATokenIsAskedFor) {
  LlmWorld::Options options;
  options.token = true;
  LlmWorld world(options);
  EXPECT_EQ(world.Ask(kAsk).status, 401);
  EXPECT_EQ(world.Ask(kAsk, "Authorization: Bearer wrong\r\n").status, 401);
  EXPECT_EQ(world.Ask("", "", "/v1/models", "GET").status, 401);
  for (const char* header :
       {"Authorization: Bearer sixteen-letters!\r\n", "X-Api-Key: sixteen-letters!\r\n"}) {
    world.Script("main", Body(Completion("x")));
    EXPECT_EQ(world.Ask(kAsk, header).status, 200);
  }
}

TEST(LlmCall, ModelsAreTheRoutes) {
  LlmWorld world(WithSpare());
  const net::Response response = world.Ask("", "", "/v1/models", "GET");
  EXPECT_EQ(response.status, 200);
  const Result<Json> list = ParseJson(response.body);
  ASSERT_TRUE(list);
  ASSERT_EQ(list->at("data").size(), 1U);
  EXPECT_EQ(list->at("data")[0].at("id"), "chat");
}

// One surface, another provider: the bytes are translated both ways.
TEST(LlmCall, EverySurfaceReachesEveryProvider) {
  LlmWorld::Options options;
  options.rows = {{"v1", "claude"}};
  LlmWorld world(options);
  world.Script("claude",
               Body(R"({"id":"m1","type":"message","role":"assistant","model":"c","content":)"
                    R"([{"type":"text","text":"bonjour"}],"stop_reason":"end_turn",)"
                    R"("usage":{"input_tokens":3,"output_tokens":4}})"));
  const net::Response response = world.Ask(kAsk);
  EXPECT_EQ(response.status, 200);
  EXPECT_NE(response.body.find("chat.completion"), std::string::npos);
  EXPECT_NE(response.body.find("bonjour"), std::string::npos);
  const auto& sent = world.upstream().sent.at(0);
  EXPECT_EQ(sent.request.target, "/v1/messages");
  EXPECT_EQ(SentHeader(sent, "x-api-key"), "secret-of-claude");
  EXPECT_EQ(SentHeader(sent, "authorization"), "-");
}

// Our own limit says nothing of the provider: neither breaker nor version hears of it.
TEST(LlmCall, ALimitOfOursIsNoFaultOfTheProvider) {
  LlmWorld::Options options;
  options.breaker.failures = 1;
  LlmWorld world(options);
  const Error full = NetError(net::UpstreamPhase::kUnsent, ErrorCode::kLimited);
  world.Script("main", Unreachable(full));
  world.Script("main", Body(Completion("x")));
  const net::Response refused = world.Ask(kAsk);
  EXPECT_EQ(refused.status, 503);
  EXPECT_NE(HeaderOf(refused, "retry-after"), "-");
  EXPECT_EQ(world.Stats("v1").plain.total(), 0U);
  EXPECT_EQ(world.Ask(kAsk).status, 200) << "the breaker is closed";
}

// INV-16: what callers make up grows nothing, shuts nobody out and becomes no label.
TEST(LlmCall, NamesThatCallersMakeUpShareABreaker) {
  LlmWorld::Options options;
  options.rows = {};
  options.chain.default_provider = "spare";
  options.breaker.failures = 2;
  LlmWorld world(options);
  const std::string ask = R"({"messages":[{"role":"user","content":"hi"}],"model":")";
  for (int i = 0; i < 20; ++i) {
    world.Script("spare", Body(R"({"error":{"message":"no such model"}})", 404));
    EXPECT_EQ(world.Ask(ask + "made-up-" + std::to_string(i) + "\"}").status, 503);
  }
  world.Script("spare", Body(Completion("x")));
  EXPECT_EQ(world.Ask(ask + "gpt-real\"}").status, 200) << "a 404 is the caller's mistake";
  for (int i = 0; i < 4; ++i) world.Script("spare", Body(kOverloaded, 500));
  EXPECT_EQ(world.Ask(ask + "made-up\"}").status, 503);
  const std::string metrics = world.Metrics();
  EXPECT_NE(metrics.find(R"(podium_llm_breaker_state{provider="spare",model="other",)"
                         R"(state="open"} 1)"),
            std::string::npos);
  EXPECT_EQ(metrics.find("made-up"), std::string::npos);
}

// What comes after the provider's own end is not an answer's business.
TEST(LlmCall, AStreamThatSaidItsEndIsWhole) {
  using enum net::UpstreamPhase;
  for (const Error& error : {NetError(kBody), NetError(kBody, ErrorCode::kDeadline)}) {
    LlmWorld world;
    world.Script("main", CutAfter({kRole, Delta("all of it"), kStop}, error));
    net::Response response = world.Ask(kAskStream);
    ASSERT_TRUE(response.stream);
    const std::string text = LlmWorld::Read(response);
    EXPECT_TRUE(text.ends_with("data: [DONE]\n\n")) << text;
    EXPECT_EQ(world.Stats("v1").plain.outcomes[0], 1U);
    const std::vector<journal::Attempt> attempts = world.Attempts();
    ASSERT_EQ(attempts.size(), 1U);
    EXPECT_EQ(attempts[0].outcome.status, AttemptStatus::kOk);
    EXPECT_FALSE(attempts[0].outcome.usage.estimated);
  }
}

TEST(LlmCall, WhatComesBehindTheEndIsNoPartOfIt) {
  LlmWorld world;
  world.Script("main", Pieces({kRole, Delta("all of it"), kStop, "data: {\"choices\": [\n\n",
                               Delta("more")}));
  net::Response response = world.Ask(kAskStream);
  ASSERT_TRUE(response.stream);
  const std::string text = LlmWorld::Read(response);
  EXPECT_TRUE(text.ends_with("data: [DONE]\n\n")) << text;
  EXPECT_EQ(world.Stats("v1").plain.outcomes[0], 1U);
}

// Who says why it failed has not worked.
TEST(LlmCall, AnErrorInsteadOfAnAnswerIsNotBilled) {
  LlmWorld::Options options;
  options.attempts.retries = 0;
  LlmWorld world(options);
  const std::string error = R"({"error":{"message":"busy","type":"overloaded_error"}})";
  world.Script("main", Pieces({"data: " + error + "\n\n"}));
  EXPECT_EQ(world.Ask(kAskStream).status, 503);
  world.Script("main", Body(error));
  EXPECT_EQ(world.Ask(kAsk).status, 503);
  for (const journal::Attempt& attempt : world.Attempts()) {
    EXPECT_EQ(attempt.outcome.usage.total_tokens(), 0);
    EXPECT_FALSE(attempt.outcome.usage.estimated);
  }
}

// A probe's first token says that the provider is back: nobody waits for the rest of its stream.
TEST(LlmCall, AStreamThatProbesClosesTheBreakerWithItsFirstToken) {
  LlmWorld::Options options;
  options.attempts.retries = 0;
  options.breaker.failures = 1;
  options.breaker.open_time = std::chrono::seconds(5);
  LlmWorld world(options);
  world.Script("main", Body(kOverloaded, 503));
  EXPECT_EQ(world.Ask(kAsk).status, 503);
  world.clock().Advance(std::chrono::seconds(5));
  world.Script("main", Pieces({kRole, Delta("back"), kStop}));
  const net::Response probe = world.Ask(kAskStream);
  ASSERT_TRUE(probe.stream);
  world.Script("main", Body(Completion("as well")));
  EXPECT_EQ(world.Ask(kAsk).status, 200);
}

// Anthropic's stream begins with a count of its output, which is none.
TEST(LlmCall, ACutStreamIsBilledForWhatWasSeen) {
  LlmWorld::Options options;
  options.rows = {{"v1", "claude"}};
  LlmWorld world(options);
  const std::string text(4'000, 'x');
  world.Script(
      "claude",
      CutAfter({"event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"m\","
                "\"type\":\"message\",\"role\":\"assistant\",\"model\":\"c\",\"content\":[],"
                "\"stop_reason\":null,\"usage\":{\"input_tokens\":25,\"output_tokens\":1}}}\n\n",
                "event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,"
                "\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n",
                "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,"
                "\"delta\":{\"type\":\"text_delta\",\"text\":\"" +
                    text + "\"}}\n\n"},
               NetError(net::UpstreamPhase::kBody)));
  net::Response response = world.Ask(kAskStream);
  ASSERT_TRUE(response.stream);
  LlmWorld::Read(response);
  const std::vector<journal::Attempt> attempts = world.Attempts();
  ASSERT_EQ(attempts.size(), 1U);
  const TokenUsage& usage = attempts[0].outcome.usage;
  EXPECT_EQ(usage.uncached_input, 25);
  EXPECT_GE(usage.output_tokens(), 1'000);
  EXPECT_TRUE(usage.estimated);
}

// Configuration decides who may answer, also when a breaker is what stands in the way.
TEST(LlmCall, ABreakerFallsBackOnlyWhereErrorsMay) {
  LlmWorld::Options options = WithSpare();
  options.attempts.retries = 0;
  options.attempts.fallback_on.errors = false;
  options.breaker.failures = 1;
  LlmWorld world(options);
  world.Script("main", Body(kOverloaded, 503));
  EXPECT_EQ(world.Ask(kAsk).status, 503);
  EXPECT_EQ(world.Ask(kAsk).status, 503) << "its breaker is open, and nobody else may answer";
  EXPECT_EQ(world.upstream().sent.size(), 1U);
}

TEST(AttemptRecord, AReportThatStopsShortIsCompleted) {
  TokenUsage nothing;
  EXPECT_EQ(CompleteUsage(nothing, 400, 40).uncached_input, 100);
  EXPECT_EQ(CompleteUsage(nothing, 400, 40).output_text, 10);
  TokenUsage early;
  early.cache_read = 7;
  early.output_text = 1;
  EXPECT_EQ(CompleteUsage(early, 400, 40).input_tokens(), 7);
  EXPECT_EQ(CompleteUsage(early, 400, 40).output_tokens(), 10);
  TokenUsage more;
  more.output_reasoning = 90;
  EXPECT_EQ(CompleteUsage(more, 400, 40).output_tokens(), 90);
  EXPECT_TRUE(CompleteUsage(more, 400, 40).estimated);
}

}  // namespace
}  // namespace podium::gateway
