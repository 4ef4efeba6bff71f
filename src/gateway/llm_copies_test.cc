// Copies of, and challengers on, calls to language models (requirements D1, D3, D4; invariant 9).
#include "gateway/llm_copies.h"

#include <gtest/gtest.h>

#include <string>

#include "gateway/llm_call_fixture.h"
#include "gateway/llm_challenge.h"

namespace podium::gateway {
namespace {

constexpr const char* kCopied = R"({"model":"chat","messages":[{"role":"user","content":"hi"}]})";

std::string Reply(const std::string& text) {
  return R"({"id":"c1","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,)"
         R"("message":{"role":"assistant","content":")" +
         text +
         R"("},"finish_reason":"stop"}],)"
         R"("usage":{"prompt_tokens":10,"completion_tokens":5,"total_tokens":15}})";
}

std::string StreamOf(const std::string& text) {
  return R"(data: {"id":"c1","object":"chat.completion.chunk","created":1,"model":"m","choices":)"
         R"([{"index":0,"delta":{"content":")" +
         text +
         "\"},\"finish_reason\":null}]}\n\n"
         R"(data: {"id":"c1","object":"chat.completion.chunk","created":1,"model":"m","choices":)"
         R"([{"index":0,"delta":{},"finish_reason":"stop"}]})"
         "\n\n"
         R"(data: {"id":"c1","object":"chat.completion.chunk","created":1,"model":"m","choices":[],)"
         R"("usage":{"prompt_tokens":10,"completion_tokens":5,"total_tokens":15}})"
         "\n\ndata: [DONE]\n\n";
}

LlmWorld::Options Watched() {
  LlmWorld::Options options;
  options.rows = {{"v1", "main"}, {"v2", "spare", VersionStatus::kShadow}};
  options.shadow.emplace().rate = *BasisPoints::From(10'000);
  return options;
}

LlmWorld::Options Challenged(int weight_bp) {
  LlmWorld::Options options;
  options.rows = {{"v1", "main"}, {"v2", "spare", VersionStatus::kShadow}};
  ChallengerPlan& plan = options.challenger.emplace();
  plan.challenger = ModelId("id-v2");
  plan.testing = true;
  plan.weight = *BasisPoints::From(weight_bp);
  return options;
}

view::ShadowCounts CountsOf(LlmWorld& world) {
  return world.shadow_tallies().Of(RouteName("chat"), ModelId("id-v2"))->Counts();
}

std::uint64_t ChoicesOf(LlmWorld& world, ChallengerChoice choice) {
  return world.shadow_tallies().ChallengerOf(RouteName("chat"), ModelId("id-v2"))->Of(choice);
}

// INV-9, INV-11: the caller gets the primary's answer whatever the shadow does; the copy is
// journalled as one, and is nobody's bill.
TEST(LlmCopies, Inv9TheAnswerIsThePrimarys) {
  for (const bool fails : {false, true}) {
    SCOPED_TRACE(fails);
    LlmWorld world(Watched());
    world.Script("main", Body(Reply("hello")));
    world.Script("spare",
                 fails ? Body(R"({"error":{"message":"busy"}})", 503) : Body(Reply("other words")));
    const net::Response response = world.Ask(kCopied);
    EXPECT_EQ(response.status, 200);
    EXPECT_EQ(response.body, Reply("hello"));
    EXPECT_EQ(HeaderOf(response, "x-podium-version"), "v1");
    EXPECT_EQ(HeaderOf(response, "x-podium-attempts"), "1");
    const view::ShadowCounts counts = CountsOf(world);
    EXPECT_EQ(counts.sampled_requests, 1U);
    EXPECT_EQ(counts.pairs, 1U);
    EXPECT_EQ(counts.challenger_errors, fails ? 1U : 0U);
    EXPECT_EQ(counts.only_challenger_failed, fails ? 1U : 0U);
    EXPECT_FALSE(world.Stats("v2").any());
    const auto attempts = world.Attempts();
    ASSERT_EQ(attempts.size(), 2U);
    for (const journal::Attempt& attempt : attempts) {
      const bool copy = attempt.intent.version == "id-v2";
      EXPECT_EQ(attempt.intent.kind, copy ? AttemptKind::kShadow : AttemptKind::kFirst);
      EXPECT_EQ(attempt.intent.user_id, "");
    }
  }
}

// A stream is copied as one and read to its end.
TEST(LlmCopies, StreamsAreCopiedToo) {
  LlmWorld world(Watched());
  world.Script("main", Pieces({StreamOf("hello")}));
  world.Script("spare", Pieces({StreamOf("other")}));
  net::Response response = world.Ask(kAskStream);
  ASSERT_NE(response.stream, nullptr);
  // As the caller's own: from the first token on it has all the time of an answer.
  const SteadyTime whole = world.clock().SteadyNow() + Provider().timeouts.total;
  EXPECT_EQ(world.upstream().deadlines, std::vector(2, whole));
  EXPECT_NE(LlmWorld::Read(response).find("hello"), std::string::npos);
  EXPECT_EQ(CountsOf(world).pairs, 1U);
  EXPECT_EQ(world.Attempts().size(), 2U);
}

// INV-11: what a copy has worked for until its stream broke is paid for.
TEST(LlmCopies, ABrokenStreamIsBilledForWhatWasSeen) {
  for (const bool by_network : {true, false}) {
    SCOPED_TRACE(by_network);
    LlmWorld world(Watched());
    const std::string whole = StreamOf("other words");
    const std::string begun = whole.substr(0, whole.find("\n\n") + 2);
    world.Script("main", Pieces({StreamOf("hello")}));
    world.Script("spare", by_network
                              ? CutAfter({begun}, NetError(net::UpstreamPhase::kBody))
                              : Pieces({begun, "data: {\"error\":{\"message\":\"no\"}}\n\n"}));
    net::Response response = world.Ask(kAskStream);
    ASSERT_NE(response.stream, nullptr);
    (void)LlmWorld::Read(response);
    const auto attempts = world.Attempts();
    ASSERT_EQ(attempts.size(), 2U);
    for (const journal::Attempt& attempt : attempts) {
      EXPECT_GT(attempt.outcome.usage.output_tokens(), 0) << attempt.intent.version;
    }
    EXPECT_EQ(CountsOf(world).challenger_errors, 1U);
  }
}

// D3: beyond the day's cap no copy is sent; a cap of 0 sends none at all. The call goes on.
TEST(LlmCopies, TheDailyCapHoldsBeforeItIsSpent) {
  LlmWorld::Options options = Watched();
  options.shadow->daily_cap = NanoUsd{};
  LlmWorld none(options);
  none.Script("main", Body(Reply("hello")));
  EXPECT_EQ(none.Ask(kCopied).status, 200);
  EXPECT_EQ(CountsOf(none).shed[static_cast<std::size_t>(view::ShadowShed::kCost)], 1U);

  Price price;
  price.provider = "spare";
  price.upstream_model = "model-v2";
  price.effective_from = WallTime();
  price.input = {0};
  price.output = {1'000'000'000};  // A dollar per million tokens: 1,000 nano-dollars each.
  options.shadow->daily_cap = NanoUsd{4096 * 1000};
  LlmWorld world(options);
  world.SetPrices({price});
  for (int i = 0; i < 3; ++i) world.Script("main", Body(Reply("hello")));
  world.Script("spare", Body(Reply("x")));
  for (int i = 0; i < 3; ++i) EXPECT_EQ(world.Ask(kCopied).status, 200);
  const view::ShadowCounts counts = CountsOf(world);
  EXPECT_EQ(counts.cost.value, 5 * 1000) << "five tokens";
  EXPECT_EQ(counts.shed[static_cast<std::size_t>(view::ShadowShed::kCost)], 2U)
      << "the most of another one would go beyond the cap";
}

// What the caller's own provider broke is not copied by: an open breaker of the shadow's is left
// alone, and copies open none.
TEST(LlmCopies, CopiesTellNoBreaker) {
  LlmWorld::Options options = Watched();
  options.breaker.failures = 1;
  LlmWorld world(options);
  for (int i = 0; i < 3; ++i) {
    world.Script("main", Body(Reply("hello")));
    world.Script("spare", Body("{}", 503));
    EXPECT_EQ(world.Ask(kCopied).status, 200);
  }
  EXPECT_EQ(CountsOf(world).challenger_errors, 3U) << "asked each time: nothing has opened";
}

// D4 for whole answers: both asked, one of them answers, whoever was drawn.
TEST(LlmChallenger, BothAreAskedOneAnswers) {
  for (const int weight : {0, 10'000}) {
    SCOPED_TRACE(weight);
    const bool theirs = weight > 0;
    LlmWorld world(Challenged(weight));
    world.Script("main", Body(Reply("champion")));
    world.Script("spare", Body(Reply("challenger")));
    const net::Response response = world.Ask(kCopied);
    EXPECT_EQ(response.status, 200);
    EXPECT_EQ(response.body, Reply(theirs ? "challenger" : "champion"));
    EXPECT_EQ(HeaderOf(response, "x-podium-version"), theirs ? "v2" : "v1");
    EXPECT_EQ(HeaderOf(response, "x-podium-reason"), theirs ? "challenger" : "primary");
    EXPECT_EQ(world.upstream().sent.size(), 2U);
    EXPECT_EQ(
        ChoicesOf(world, theirs ? ChallengerChoice::kChallenger : ChallengerChoice::kChampion), 1U);
    const auto attempts = world.Attempts();
    ASSERT_EQ(attempts.size(), 2U);
    for (const journal::Attempt& attempt : attempts) {
      EXPECT_EQ(attempt.intent.kind == AttemptKind::kChallenger, attempt.intent.version == "id-v2");
    }
  }
}

TEST(LlmChallenger, TheChampionAnswersForOneThatFails) {
  LlmWorld world(Challenged(10'000));
  world.Script("main", Body(Reply("champion")));
  world.Script("spare", Body("{}", 500));
  const net::Response response = world.Ask(kCopied);
  EXPECT_EQ(response.body, Reply("champion"));
  EXPECT_EQ(HeaderOf(response, "x-podium-version"), "v1");
  EXPECT_EQ(ChoicesOf(world, ChallengerChoice::kFailed), 1U);
}

// What is too large for a copy is the champion's alone.
TEST(LlmChallenger, LargeCallsAreNotCopied) {
  LlmWorld world(Challenged(10'000));
  world.Script("main", Body(Reply("champion")));
  const std::string text(limits::kMaxShadowBodyBytes, 'x');
  const net::Response response =
      world.Ask(R"({"model":"chat","messages":[{"role":"user","content":")" + text + R"("}]})");
  EXPECT_EQ(response.body, Reply("champion"));
  EXPECT_EQ(world.upstream().sent.size(), 1U);
  EXPECT_EQ(ChoicesOf(world, ChallengerChoice::kBusy), 1U);
}

TEST(LlmChallenger, ADrawnChallengerAnswersThoughTheChampionFails) {
  LlmWorld::Options options = Challenged(10'000);
  options.attempts.retries = 0;
  LlmWorld world(options);
  world.Script("main", Body("{}", 500));
  world.Script("spare", Body(Reply("challenger")));
  const net::Response response = world.Ask(kCopied);
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body, Reply("challenger"));
  EXPECT_EQ(HeaderOf(response, "x-podium-reason"), "challenger");
}

// The champion of a call that nobody could be asked for has ended as well: the record does not wait
// for it.
TEST(LlmChallenger, ADrawnChallengerAnswersThoughNobodyElseIsAsked) {
  predictions::LoggingPolicy policy;
  policy.all.log = true;
  SeededRng rng(1);
  predictions::CoreLog log(policy, rng);
  LlmWorld::Options options = Challenged(10'000);
  options.attempts.retries = 0;
  options.breaker.failures = 1;
  options.log = &log;
  LlmWorld world(options);
  world.Script("main", Body("{}", 500));
  for (int i = 0; i < 2; ++i) world.Script("spare", Body(Reply("challenger")));
  (void)world.Ask(kCopied);  // Opens the breaker of the champion.
  ASSERT_NE(log.Take(), nullptr);
  const net::Response response = world.Ask(kCopied);
  EXPECT_EQ(response.body, Reply("challenger"));
  EXPECT_EQ(HeaderOf(response, "x-podium-reason"), "challenger");
  EXPECT_EQ(world.Stats("v1").not_served, 1U);
  const auto record = log.Take();
  ASSERT_NE(record, nullptr);
  ASSERT_TRUE(record->row.challenger);
  EXPECT_EQ(record->row.challenger->champion.outcome, SideOutcome::kNotAsked);
  EXPECT_EQ(record->row.challenger->challenger.outcome, SideOutcome::kAnswered);
}

// Who leaves while a challenger is waited for holds up nothing, and says nothing of either.
TEST(LlmChallenger, ACallerThatLeavesEndsTheWait) {
  for (const bool fails : {false, true}) {
    SCOPED_TRACE(fails);
    LlmWorld::Options options = Challenged(10'000);
    options.attempts.retries = 0;
    LlmWorld world(options);
    net::MemoryExchange exchange(
        net::MemoryExchange::Text("POST", "/v1/chat/completions", kCopied));
    Awaited answered;
    Scripted slow = Body(Reply("challenger"));
    slow.sent = [&exchange] { exchange.Leave(); };
    slow.until = &answered;
    world.Script("main", fails ? Body("{}", 500) : Body(Reply("champion")));
    world.Script("spare", slow);
    const net::Response response = world.Ask(exchange, [&answered] { answered.Happen(); });
    EXPECT_EQ(response.status, 503);
    EXPECT_EQ(world.upstream().sent.size(), 2U);
    EXPECT_NE(world.Metrics().find(R"(outcome="client_left"} 1)"), std::string::npos)
        << world.Metrics();
    for (std::size_t i = 0; i < kChallengerChoices; ++i) {
      EXPECT_EQ(ChoicesOf(world, static_cast<ChallengerChoice>(i)), 0U);
    }
  }
}

// Of a provider that tells no time of its own: when it was asked, as the champion's would have.
TEST(LlmChallenger, ATranslatedAnswerHasItsTime) {
  LlmWorld::Options options = Challenged(10'000);
  options.rows[1].provider = "claude";
  LlmWorld world(options);
  world.Script("main", Body(Reply("champion")));
  world.Script("claude", Body(R"({"id":"m1","type":"message","role":"assistant","model":"c",)"
                              R"("content":[{"type":"text","text":"bonjour"}],)"
                              R"("stop_reason":"end_turn",)"
                              R"("usage":{"input_tokens":3,"output_tokens":4}})"));
  const net::Response response = world.Ask(kCopied);
  ASSERT_NE(response.body.find("bonjour"), std::string::npos) << response.body;
  EXPECT_EQ(ParseJson(response.body)->at("created"),
            MicrosOf(testing::SimClock::kStart) / 1'000'000);
}

// Streams: who was drawn streams, the other one is read to its end beside it.
TEST(LlmChallenger, OfAStreamWhoWasDrawnStreams) {
  for (const int weight : {0, 10'000}) {
    SCOPED_TRACE(weight);
    LlmWorld world(Challenged(weight));
    world.Script("main", Pieces({StreamOf("champion")}));
    world.Script("spare", Pieces({StreamOf("challenger")}));
    net::Response response = world.Ask(kAskStream);
    ASSERT_NE(response.stream, nullptr);
    const bool theirs = weight > 0;
    EXPECT_EQ(HeaderOf(response, "x-podium-version"), theirs ? "v2" : "v1");
    EXPECT_NE(LlmWorld::Read(response).find(theirs ? "challenger" : "champion"), std::string::npos);
    EXPECT_EQ(world.upstream().sent.size(), 2U);
    EXPECT_EQ(world.Stats("v1").not_served, 0U) << "it was asked beside it";
    EXPECT_EQ(world.shadow_tallies()
                  .ChallengerOf(RouteName("chat"), ModelId("id-v2"))
                  ->pairs.Counts()
                  .pairs,
              1U);
  }
}

// D4: one record of a call holds both answers and the choice, and none of what is another's: the
// call's attempts are the champion's.
TEST(LlmChallenger, OneRecordHoldsBoth) {
  predictions::LoggingPolicy policy;
  policy.all.log = true;
  policy.all.payloads = predictions::Payloads::kAll;
  SeededRng rng(1);
  for (const bool streams : {false, true}) {
    for (const int weight : {0, 10'000}) {
      SCOPED_TRACE(fmt::format("{} {}", streams, weight));
      const bool theirs = weight > 0;
      predictions::CoreLog log(policy, rng);
      LlmWorld::Options options = Challenged(weight);
      options.log = &log;
      LlmWorld world(options);
      world.Script("main", streams ? Pieces({StreamOf("one")}) : Body(Reply("one")));
      world.Script("spare", streams ? Pieces({StreamOf("two")}) : Body(Reply("two")));
      net::Response response = world.Ask(streams ? kAskStream : kCopied);
      EXPECT_EQ(HeaderOf(response, "x-podium-attempts"), "1");
      if (streams) (void)LlmWorld::Read(response);
      response.stream.reset();
      const auto record = log.Take();
      ASSERT_NE(record, nullptr);
      EXPECT_EQ(log.Take(), nullptr) << "one";
      ASSERT_TRUE(record->row.challenger);
      const ChallengerRecord& both = *record->row.challenger;
      EXPECT_EQ(both.choice, theirs ? ChallengerChoice::kChallenger : ChallengerChoice::kChampion);
      EXPECT_EQ(both.champion.version, "id-v1");
      EXPECT_EQ(both.challenger.version, "id-v2");
      EXPECT_EQ(both.champion.outcome, SideOutcome::kAnswered);
      EXPECT_EQ(both.challenger.outcome, SideOutcome::kAnswered);
      EXPECT_TRUE(both.champion.latency && both.challenger.latency);
      ASSERT_TRUE(record->answer && record->other_answer);
      EXPECT_NE(record->answer->bytes.find(theirs ? "two" : "one"), std::string::npos);
      EXPECT_NE(record->other_answer->bytes.find(theirs ? "one" : "two"), std::string::npos);
    }
  }
}

// D4: however long it may take, a challenger that leads leaves the champion half of the call's
// time.
TEST(LlmChallenger, ALeadLeavesTheChampionTime) {
  using std::chrono::seconds;
  const SteadyTime now{seconds(100)};
  const SteadyTime call = now + seconds(60);
  EXPECT_EQ(LeadDeadline(now, call, seconds(0)), now + seconds(30));
  EXPECT_EQ(LeadDeadline(now, call, seconds(10)), now + seconds(10));
  EXPECT_EQ(LeadDeadline(now, call, seconds(50)), now + seconds(30));
}

// A challenger's attempt takes none of the champion's: it is tried as often as without one.
TEST(LlmChallenger, AFailedLeadCostsTheChampionNoAttempt) {
  LlmWorld::Options options = Challenged(10'000);
  options.attempts.retries = 0;
  options.attempts.max_attempts = 1;
  LlmWorld world(options);
  world.Script("spare", Body("{}", 500));
  world.Script("main", Pieces({StreamOf("champion")}));
  world.Script("main", Pieces({StreamOf("champion")}));
  net::Response response = world.Ask(kAskStream);
  ASSERT_NE(response.stream, nullptr);
  EXPECT_EQ(HeaderOf(response, "x-podium-attempts"), "1");
  (void)LlmWorld::Read(response);
  int first = 0;
  for (const journal::Attempt& attempt : world.Attempts()) {
    first += attempt.intent.kind == AttemptKind::kFirst ? 1 : 0;
  }
  EXPECT_EQ(first, 1);
}

// A drawn challenger whose stream does not begin is passed over: the champion is asked, once more.
TEST(LlmChallenger, AStreamThatDoesNotBeginIsTheChampions) {
  LlmWorld world(Challenged(10'000));
  world.Script("spare", Body("{}", 500));
  world.Script("main", Pieces({StreamOf("champion")}));
  world.Script("main", Pieces({StreamOf("champion")}));
  net::Response response = world.Ask(kAskStream);
  ASSERT_NE(response.stream, nullptr);
  EXPECT_EQ(HeaderOf(response, "x-podium-version"), "v1");
  EXPECT_NE(LlmWorld::Read(response).find("champion"), std::string::npos);
  EXPECT_EQ(ChoicesOf(world, ChallengerChoice::kFailed), 1U);
}

}  // namespace
}  // namespace podium::gateway
