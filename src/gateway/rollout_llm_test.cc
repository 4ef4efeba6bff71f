// What of a call to a language model is evidence of a rollout, and of which version.
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "gateway/llm_call_fixture.h"

namespace podium::gateway {
namespace {

using enum net::UpstreamPhase;

constexpr const char* kAskWhole = R"({"model":"chat","messages":[{"role":"user","content":"hi"}]})";
constexpr const char* kOpenAiAnswer =
    R"({"id":"c1","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,)"
    R"("message":{"role":"assistant","content":"hi"},"finish_reason":"stop"}],)"
    R"("usage":{"prompt_tokens":10,"completion_tokens":5,"total_tokens":15}})";
const std::string kToken =
    R"(data: {"id":"c1","object":"chat.completion.chunk","created":1,"model":"m","choices":)"
    R"([{"index":0,"delta":{"content":"hi"},"finish_reason":null}]})"
    "\n\n";
const std::string kEnd =
    R"(data: {"id":"c1","object":"chat.completion.chunk","created":1,"model":"m","choices":)"
    R"([{"index":0,"delta":{},"finish_reason":"stop"}]})"
    "\n\n"
    R"(data: {"id":"c1","object":"chat.completion.chunk","created":1,"model":"m","choices":[],)"
    R"("usage":{"prompt_tokens":10,"completion_tokens":5,"total_tokens":15}})"
    "\n\ndata: [DONE]\n\n";

Scripted Busy() { return Body(R"({"error":{"message":"busy","type":"server_error"}})", 503); }
Scripted TooSlow() { return Unreachable(NetError(kSent, ErrorCode::kDeadline)); }
Scripted Mistaken() { return Body(R"({"error":{"message":"bad field"}})", 400); }

// Everything measured exceeds it: the simulated clock stands still.
constexpr double kBelowZero = -1;

RolloutMark MarkOfEpoch(std::uint32_t epoch, SplitUnit unit = SplitUnit::kRequest) {
  RolloutMark mark;
  mark.id = RolloutId("ro");
  mark.epoch = epoch;
  mark.unit = unit;
  mark.thresholds.first_token_ms[0] = kBelowZero;
  mark.thresholds.cost_nano_usd[0] = 50'000;
  return mark;
}

// The primary at main, the canary at spare with all buckets.
LlmWorld::Options RollingOut(int share_bp = BasisPoints::kWhole) {
  LlmWorld::Options options;
  options.rows = {{"v1", "main"}, {"v2", "spare", VersionStatus::kCanary, share_bp}};
  options.attempts.retries = 0;
  options.rollout = MarkOfEpoch(0);
  return options;
}

using Bad = std::array<std::uint64_t, kRolloutSeries>;

struct Outcomes {
  const char* name;
  std::vector<Scripted> canary;
  std::optional<Scripted> primary;  ///< Asked when the canary has failed.
  int retries;
  std::uint64_t requests;
  Bad bad;  ///< Errors, three of latency, the first token, …
};

// "Failures belong to the version that failed, not to the one that answered." An error is late in
// its first token too.
constexpr Bad kOneError = {1, 0, 0, 0, 1};

// INV-8. What another version answers in its place does not make the canary's failure undone; what
// was the caller's mistake is nobody's.
TEST(RolloutLlm, TheOutcomeIsTheAssignedVersions) {
  const Scripted whole = Body(kOpenAiAnswer);
  const Outcomes cases[] = {
      {"answered", {whole}, std::nullopt, 0, 1, {}},
      {"failed, and the primary saved it", {Busy()}, whole, 0, 1, kOneError},
      {"too slow, and the primary saved it", {TooSlow()}, whole, 0, 1, kOneError},
      {"failed, as did the primary", {Busy()}, Busy(), 0, 1, kOneError},
      {"failed twice", {Busy(), Busy()}, whole, 1, 1, kOneError},
      {"failed, and answered when asked again", {Busy(), whole}, std::nullopt, 1, 1, kOneError},
      {"the caller's mistake", {Mistaken()}, std::nullopt, 0, 0, {}},
  };
  for (const Outcomes& c : cases) {
    SCOPED_TRACE(c.name);
    LlmWorld::Options options = RollingOut();
    options.attempts.retries = c.retries;
    LlmWorld world(options);
    for (const Scripted& script : c.canary) world.Script("spare", script);
    if (c.primary) world.Script("main", *c.primary);
    world.Ask(kAskWhole);
    const auto tally = world.tallies().Of(*options.rollout);
    EXPECT_EQ(tally->Counts(true).units, 1U)
        << "who is counted does not depend on what comes of it";
    EXPECT_EQ(tally->Counts(true).requests, c.requests);
    EXPECT_EQ(tally->Counts(true).bad, c.bad);
    EXPECT_EQ(tally->Counts(false).units, 0U);
    EXPECT_EQ(tally->ineligible(), 0U);
  }
}

// A stream's outcome comes with its end: mid-stream errors are the version's, a caller that leaves
// says nothing but how long it waited.
TEST(RolloutLlm, AStreamsOutcomeComesWithItsEnd) {
  const std::string broken = "data: {\"error\":{\"message\":\"x\"}}\n\n";
  const Outcomes cases[] = {
      {"whole", {Pieces({kToken, kToken, kEnd})}, std::nullopt, 0, 1, {0, 0, 0, 0, 1}},
      {"whole in one piece", {Pieces({kToken + kEnd})}, std::nullopt, 0, 1, {0, 0, 0, 0, 1}},
      {"an error within", {Pieces({kToken, broken})}, std::nullopt, 0, 1, kOneError},
      {"an error at once", {Pieces({kToken + broken})}, std::nullopt, 0, 1, kOneError},
      {"cut", {CutAfter({kToken}, NetError(kBody))}, std::nullopt, 0, 1, kOneError},
      {"failed before its first token",
       {Pieces({broken})},
       Pieces({kToken, kEnd}),
       0,
       1,
       kOneError},
  };
  for (const Outcomes& c : cases) {
    SCOPED_TRACE(c.name);
    LlmWorld world(RollingOut());
    world.Script("spare", c.canary[0]);
    if (c.primary) world.Script("main", *c.primary);
    net::Response response = world.Ask(kAskStream);
    ASSERT_TRUE(response.stream);
    LlmWorld::Read(response);
    response.stream.reset();
    const auto tally = world.tallies().Of(MarkOfEpoch(0));
    EXPECT_EQ(tally->Counts(true).requests, c.requests);
    EXPECT_EQ(tally->Counts(true).bad, c.bad);
    EXPECT_EQ(tally->Counts(false).units, 0U);
  }
}

TEST(RolloutLlm, WhoLeavesSaysOnlyHowLongItWaited) {
  struct Case {
    const char* name;
    double threshold_ms;
    std::uint64_t requests;
  };
  for (const Case& c : {Case{"not too long", 1, 0}, Case{"too long", kBelowZero, 1}}) {
    SCOPED_TRACE(c.name);
    LlmWorld::Options options = RollingOut();
    options.rollout->thresholds = FrozenThresholds();
    options.rollout->thresholds.latency_ms[0] = c.threshold_ms;
    LlmWorld world(options);
    world.Script("spare", Pieces({kToken, kToken, kEnd}));
    net::Response response = world.Ask(kAskStream);
    ASSERT_TRUE(response.stream);
    LlmWorld::Read(response, 1);
    response.stream->Cancel();
    response.stream.reset();
    const auto counts = world.tallies().Of(*options.rollout)->Counts(true);
    EXPECT_EQ(counts.units, 1U);
    EXPECT_EQ(counts.requests, c.requests);
    EXPECT_EQ(counts.bad[0], 0U) << "leaving is no error";
    EXPECT_EQ(counts.bad[1], c.requests);
  }
}

// Only what the split decided is counted, and for both arms alike.
TEST(RolloutLlm, WhatTheSplitDidNotDecideIsNotCounted) {
  struct Case {
    const char* name;
    SplitUnit unit;
    const char* headers;
    std::uint64_t units;
  };
  for (const Case& c :
       {Case{"a session", SplitUnit::kSession, "X-Session-Id: s\r\n", 1},
        Case{"keyless", SplitUnit::kSession, "", 0},
        Case{"a user", SplitUnit::kUser, "X-Session-Id: s\r\n", 0},
        Case{"named by hand", SplitUnit::kRequest, "X-Podium-Model-Version: v2\r\n", 0}}) {
    SCOPED_TRACE(c.name);
    LlmWorld::Options options = RollingOut();
    options.rollout = MarkOfEpoch(0, c.unit);
    LlmWorld world(options);
    world.Script("spare", Body(kOpenAiAnswer));
    world.Script("main", Body(kOpenAiAnswer));
    EXPECT_EQ(world.Ask(kAskWhole, c.headers).status, 200);
    const auto tally = world.tallies().Of(*options.rollout);
    EXPECT_EQ(tally->Counts(true).units, c.units);
    EXPECT_EQ(tally->Counts(true).requests, c.units);
    EXPECT_EQ(tally->Counts(false).units, 0U);
    EXPECT_EQ(tally->ineligible(), 1 - c.units);
  }
}

// An open breaker keeps calls from one arm: then none of the other's count either.
TEST(RolloutLlm, WhileABreakerIsOpenNeitherArmIsCounted) {
  for (const std::string host : {"main", "spare"}) {
    SCOPED_TRACE(host);
    const bool canary_fails = host == "spare";
    LlmWorld::Options options = RollingOut(canary_fails ? BasisPoints::kWhole : 1);
    options.breaker.failures = 2;
    options.breaker.open_time = std::chrono::seconds(5);
    LlmWorld world(options);
    const auto tally = world.tallies().Of(*options.rollout);
    for (int i = 0; i < 2; ++i) world.Script(host, Busy());
    for (int i = 0; i < 5; ++i) {
      world.Script(canary_fails ? "main" : "spare", Body(kOpenAiAnswer));
      world.Ask(kAskWhole);
    }
    EXPECT_EQ(tally->Counts(canary_fails).bad[0], 2U);
    EXPECT_EQ(tally->Counts(true).units + tally->Counts(false).units, 2U);
    EXPECT_EQ(tally->ineligible(), 3U);
    world.clock().Advance(std::chrono::seconds(5));
    world.Script(host, Body(kOpenAiAnswer));
    world.Ask(kAskWhole);
    EXPECT_EQ(tally->ineligible(), 4U) << "a probe is one call out of many that are kept away";
    world.Script(host, Body(kOpenAiAnswer));
    world.Ask(kAskWhole);
    EXPECT_EQ(tally->Counts(true).units + tally->Counts(false).units, 3U) << "closed again";
  }
}

// What one of two providers has no words for would be answered by the other arm alone, and one
// arm's calls would be the easier ones: it counts for neither, whoever was drawn.
TEST(RolloutLlm, WhatOneArmCannotBeAskedCountsForNeither) {
  const std::string messages =
      R"({"id":"m1","type":"message","role":"assistant","model":"c","content":)"
      R"([{"type":"text","text":"hi"}],"stop_reason":"end_turn",)"
      R"("usage":{"input_tokens":3,"output_tokens":4}})";
  const char* several = R"({"model":"chat","n":2,"messages":[{"role":"user","content":"hi"}]})";
  struct Case {
    const char* name;
    const char* provider;  ///< The canary's.
    const char* body;
    int share_bp;
    std::uint64_t units;
  };
  for (const Case& c :
       {Case{"both can", "claude", kAskWhole, BasisPoints::kWhole, 1},
        Case{"the canary cannot", "claude", several, BasisPoints::kWhole, 0},
        Case{"the canary cannot, the primary was drawn", "claude", several, 1, 0},
        Case{"both are spoken to alike", "spare", several, BasisPoints::kWhole, 1}}) {
    SCOPED_TRACE(c.name);
    LlmWorld::Options options = RollingOut(c.share_bp);
    options.rows[1].provider = c.provider;
    LlmWorld world(options);
    for (const char* host : {"main", "spare"}) world.Script(host, Body(kOpenAiAnswer));
    world.Script("claude", Body(messages));
    EXPECT_EQ(world.Ask(c.body).status, 200);
    const auto tally = world.tallies().Of(*options.rollout);
    EXPECT_EQ(tally->Counts(true).units + tally->Counts(false).units, c.units);
    EXPECT_EQ(tally->Counts(true).requests + tally->Counts(false).requests, c.units)
        << "each has its outcome";
    EXPECT_EQ(tally->ineligible(), 1 - c.units);
  }
}

// A server without the responses surface gets those calls translated, as Anthropic gets all: not
// every one of them can be.
TEST(RolloutLlm, ProvidersAreSpokenToAlikeWhereBothTakeTheSameCalls) {
  Provider openai;
  Provider chat_only = openai;
  chat_only.options.native_responses = false;
  Provider anthropic = openai;
  anthropic.kind = ProviderKind::kAnthropic;
  EXPECT_TRUE(SpeakAlike(openai, openai));
  EXPECT_TRUE(SpeakAlike(chat_only, chat_only));
  EXPECT_FALSE(SpeakAlike(openai, chat_only));
  EXPECT_FALSE(SpeakAlike(anthropic, openai));
}

// What an answer cost is known when it has ended; without a price nothing is said.
TEST(RolloutLlm, CostsAreMeasuredWhereAPriceIsKnown) {
  LlmWorld world(RollingOut());
  const auto tally = world.tallies().Of(MarkOfEpoch(0));
  world.Script("spare", Body(kOpenAiAnswer));
  world.Ask(kAskWhole);
  EXPECT_EQ(tally->Counts(true).bad, Bad{});
  Price price;
  price.provider = "spare";
  price.upstream_model = "model-v2";
  price.effective_from = testing::SimClock::kStart;
  price.input = *ParseUsd("2.5");
  price.output = *ParseUsd("10");
  world.SetPrices({price});
  world.Script("spare", Body(kOpenAiAnswer));
  world.Ask(kAskWhole);
  EXPECT_EQ(tally->Counts(true).bad, (Bad{0, 0, 0, 0, 0, 0, 0, 1})) << "75,000 nano-USD";
  const auto stats = world.Stats("v2").canary;
  ASSERT_TRUE(stats.cost_nano_usd);
  EXPECT_EQ(stats.cost_nano_usd->count(), 1U);
  EXPECT_FALSE(stats.first_token);
}

TEST(RolloutLlm, FirstTokensOfStreamsAreMeasured) {
  LlmWorld world;
  world.Script("main", Pieces({kToken, kEnd}));
  net::Response response = world.Ask(kAskStream);
  LlmWorld::Read(response);
  ASSERT_TRUE(world.Stats("v1").plain.first_token);
  EXPECT_EQ(world.Stats("v1").plain.first_token->count(), 1U);
}

// An outcome belongs to the epoch in which its call was assigned, however late it comes; until then
// the epoch is not forgotten, although no view knows it any more.
TEST(RolloutLlm, ALateOutcomeBelongsToTheEpochOfItsAssignment) {
  LlmWorld world(RollingOut());
  world.Script("spare", CutAfter({kToken}, NetError(kBody)));
  net::Response response = world.Ask(kAskStream);
  ASSERT_TRUE(response.stream);
  world.set_rollout(MarkOfEpoch(1));
  world.Publish(RollingOut().rows);
  world.Script("spare", Body(kOpenAiAnswer));
  world.Ask(kAskWhole);
  for (int i = 0; i < 3; ++i) world.tallies().Keep({MarkOfEpoch(1)});
  ASSERT_EQ(world.tallies().All().size(), 2U);
  LlmWorld::Read(response);
  response.stream.reset();
  const auto tallies = world.tallies().All();
  EXPECT_EQ(tallies[0]->mark().epoch, 0U);
  EXPECT_EQ(tallies[0]->Counts(true).bad[0], 1U);
  EXPECT_EQ(tallies[1]->Counts(true).units, 1U);
  EXPECT_EQ(tallies[1]->Counts(true).bad[0], 0U);
}

}  // namespace
}  // namespace podium::gateway
