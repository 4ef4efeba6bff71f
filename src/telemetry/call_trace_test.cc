// How a call and its attempts hang together, and what they leave in spans and metrics.
#include "telemetry/call_trace.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "telemetry/telemetry_fixture.h"
#include "testing/sim_clock.h"

namespace podium::telemetry {
namespace {

using std::chrono_literals::operator""ms;

constexpr Operation kChat{"chat", true};

/// What a test wants to know of a span, once it is gone from the queue.
struct Seen {
  SpanFacts facts;
  std::string route;
  std::string request_model;
  std::string version;
  std::string provider;
};

class CallTraceTest : public ::testing::Test {
 protected:
  std::vector<Seen> Take(Recorder& recorder) {
    std::vector<Seen> seen;
    while (const Span* span = recorder.spans().Front()) {
      seen.push_back({static_cast<const SpanFacts&>(*span), std::string(span->route.view()),
                      std::string(span->request_model.view()), std::string(span->version.view()),
                      std::string(span->provider.view())});
      recorder.spans().Pop();
    }
    return seen;
  }

  AttemptFacts Attempt(CallTrace& call, int number) {
    AttemptFacts facts;
    facts.id = call.NewAttempt();
    facts.number = number;
    facts.begun = clock_.SteadyNow();
    facts.provider = "main";
    facts.gen_ai_kind = "openai";
    facts.upstream_model = "gpt-mini";
    facts.version = "support-v2";
    facts.usage = {.uncached_input = 5, .output_text = 3};
    return facts;
  }

  testing::SimClock clock_;
  SeededRng rng_{1};
  RecorderOptions options_;
};

TEST_F(CallTraceTest, AttemptsHangBelowTheCallAndTheCallBelowItsCaller) {
  Recorder recorder(options_, clock_, rng_);
  std::string told;
  {
    CallTrace call(recorder, kTestCaller, kChat, clock_.SteadyNow());
    call.SetRoute("support", true, 7);
    AttemptFacts first = Attempt(call, 1);
    clock_.Advance(10ms);
    first.error_type = "timeout";
    call.EndAttempt(first);
    AttemptFacts second = Attempt(call, 2);
    told = call.TraceparentOf(second.id).value_or("");
    clock_.Advance(20ms);
    second.first_output = clock_.SteadyNow();
    second.finish = "stop";
    clock_.Advance(30ms);
    call.EndAttempt(second);
    call.SetStatus(200);
    EXPECT_EQ(recorder.spans().size(), 2U) << "the call goes on while somebody holds it";
  }
  const std::vector<Seen> spans = Take(recorder);
  ASSERT_EQ(spans.size(), 3U);
  const SpanFacts& call = spans[2].facts;
  EXPECT_EQ(call.kind, SpanKind::kServer);
  EXPECT_EQ(call.parent, kTestCaller.span);
  EXPECT_TRUE(call.parent_is_remote);
  EXPECT_EQ(call.duration, 60ms);
  EXPECT_EQ(call.first_chunk, std::chrono::nanoseconds(30ms));
  EXPECT_EQ(call.attempt, 2);
  EXPECT_EQ(call.error_type, "");
  EXPECT_EQ(call.start, testing::SimClock::kStart);
  EXPECT_EQ(spans[2].request_model, "support");
  for (const int i : {0, 1}) {
    const SpanFacts& attempt = spans[static_cast<std::size_t>(i)].facts;
    EXPECT_EQ(attempt.kind, SpanKind::kClient);
    EXPECT_EQ(attempt.parent, call.id);
    EXPECT_EQ(attempt.attempt, i + 1);
    EXPECT_EQ(attempt.generation, 7U);
    EXPECT_FALSE(attempt.parent_is_remote);
  }
  for (const Seen& seen : spans) EXPECT_EQ(seen.facts.trace, kTestCaller.trace);
  EXPECT_EQ(spans[0].facts.error_type, "timeout");
  EXPECT_EQ(spans[0].facts.finish, "");
  EXPECT_EQ(spans[1].facts.finish, "stop");
  EXPECT_EQ(call.finish, "stop");
  EXPECT_EQ(spans[0].facts.duration, 10ms);
  EXPECT_EQ(spans[1].facts.start, testing::SimClock::kStart + 10ms);
  EXPECT_EQ(spans[1].facts.first_chunk, std::chrono::nanoseconds(20ms));
  EXPECT_EQ(told, FormatTraceparent({kTestCaller.trace, spans[1].facts.id, true}));
}

// A stream that breaks was answered with 200 long ago.
TEST_F(CallTraceTest, AStreamThatBreaksMakesTheCallAnError) {
  Recorder recorder(options_, clock_, rng_);
  {
    CallTrace call(recorder, {}, kChat, clock_.SteadyNow());
    call.SetRoute("support", true, 7);
    AttemptFacts attempt = Attempt(call, 1);
    attempt.error_type = "unreadable";
    call.EndAttempt(attempt);
    call.SetStatus(200);
  }
  const std::vector<Seen> spans = Take(recorder);
  ASSERT_EQ(spans.size(), 2U);
  EXPECT_EQ(spans[1].facts.error_type, "unreadable");
  EXPECT_TRUE(spans[1].facts.parent.is_none()) << "the trace begins here";
  EXPECT_FALSE(spans[1].facts.trace.is_none());
}

TEST_F(CallTraceTest, WhatIsNotSampledLeavesNoSpanButIsPassedOnAndMeasured) {
  Recorder recorder(options_, clock_, rng_);
  TraceContext caller = kTestCaller;
  caller.sampled = false;
  {
    CallTrace call(recorder, caller, kChat, clock_.SteadyNow());
    call.SetRoute("support", true, 7);
    const AttemptFacts attempt = Attempt(call, 1);
    const auto told = ParseTraceparent(call.TraceparentOf(attempt.id).value_or(""));
    ASSERT_TRUE(told);
    EXPECT_EQ(told->trace, caller.trace);
    EXPECT_EQ(told->span, attempt.id);
    EXPECT_FALSE(told->sampled);
    call.EndAttempt(attempt);
  }
  EXPECT_TRUE(Take(recorder).empty());
  std::map<SeriesKey, SeriesPoint> sums;
  recorder.metrics().Collect(sums);
  EXPECT_EQ(sums.size(), 2U);
}

// Without anybody who takes spans Podium has none, and must not pretend to be part of the trace.
TEST_F(CallTraceTest, WithoutTracesTheCallersHeaderIsLeftAlone) {
  options_.traces = false;
  Recorder recorder(options_, clock_, rng_);
  {
    CallTrace call(recorder, kTestCaller, kChat, clock_.SteadyNow());
    EXPECT_FALSE(call.TraceparentOf(call.NewAttempt()));
    call.EndAttempt(Attempt(call, 1));
  }
  EXPECT_TRUE(Take(recorder).empty());
  EXPECT_EQ(recorder.spans().dropped(), 0U);
}

TEST_F(CallTraceTest, SpansThatFindNoRoomAreCountedAndTheMetricsAreWhole) {
  options_.waiting_spans = 1;
  Recorder recorder(options_, clock_, rng_);
  {
    CallTrace call(recorder, kTestCaller, kChat, clock_.SteadyNow());
    for (int i = 1; i <= 3; ++i) call.EndAttempt(Attempt(call, i));
  }
  EXPECT_EQ(recorder.spans().dropped(), 3U);
  std::map<SeriesKey, SeriesPoint> sums;
  recorder.metrics().Collect(sums);
  std::uint64_t attempts = 0;
  for (const auto& [key, point] : sums) attempts += point.histograms[0].count();
  EXPECT_EQ(attempts, 3U);
}

// Otherwise anybody could fill the series with names that nobody has set up.
TEST_F(CallTraceTest, ARouteThatNobodyKnowsNamesNoSeries) {
  Recorder recorder(options_, clock_, rng_);
  for (const char* name : {"no-such-1", "no-such-2"}) {
    CallTrace call(recorder, {}, kChat, clock_.SteadyNow());
    call.SetRoute(name, false, 7);
    call.SetStatus(404);
  }
  std::map<SeriesKey, SeriesPoint> sums;
  recorder.metrics().Collect(sums);
  ASSERT_EQ(sums.size(), 1U);
  EXPECT_EQ(sums.begin()->first.request_model, "");
  EXPECT_EQ(sums.begin()->first.error_type, "404");
}

// A provider that is asked for whatever callers think of is asked for one thing, as metrics go.
TEST_F(CallTraceTest, AModelThatOnlyItsCallerKnowsNamesNoSeries) {
  Recorder recorder(options_, clock_, rng_);
  for (const char* name : {"made-up-1", "made-up-2"}) {
    CallTrace call(recorder, {}, kChat, clock_.SteadyNow());
    call.SetRoute(name, false, 7);
    AttemptFacts attempt = Attempt(call, 1);
    attempt.upstream_model = name;
    attempt.response_model = name;
    attempt.model_known = false;
    call.EndAttempt(attempt);
    call.SetStatus(200);
  }
  std::map<SeriesKey, SeriesPoint> sums;
  recorder.metrics().Collect(sums);
  EXPECT_EQ(sums.size(), 2U);
  for (const auto& [key, point] : sums) EXPECT_FALSE(key.request_model.starts_with("made-up"));
  EXPECT_EQ(Take(recorder)[0].request_model, "made-up-1") << "a span says what was asked for";
}

TEST_F(CallTraceTest, ARefusalIsNamedByItsStatus) {
  Recorder recorder(options_, clock_, rng_);
  for (const int status : {400, 429, 503, 418}) {
    CallTrace call(recorder, {}, kChat, clock_.SteadyNow());
    AttemptFacts attempt = Attempt(call, 1);
    attempt.error_type = "rate_limited";
    call.EndAttempt(attempt);
    call.SetStatus(status);
  }
  const std::vector<Seen> spans = Take(recorder);
  ASSERT_EQ(spans.size(), 8U);
  EXPECT_EQ(spans[1].facts.error_type, "400");
  EXPECT_EQ(spans[3].facts.error_type, "429");
  EXPECT_EQ(spans[5].facts.error_type, "503");
  EXPECT_EQ(spans[7].facts.error_type, "_OTHER");
  EXPECT_EQ(spans[7].facts.status, 418);
}

TEST_F(CallTraceTest, EstimatesAreMarkedAndNotMeasured) {
  Recorder recorder(options_, clock_, rng_);
  {
    CallTrace call(recorder, {}, kChat, clock_.SteadyNow());
    AttemptFacts attempt = Attempt(call, 1);
    attempt.usage.estimated = true;
    call.EndAttempt(attempt);
  }
  const std::vector<Seen> spans = Take(recorder);
  ASSERT_EQ(spans.size(), 2U);
  ASSERT_TRUE(spans[0].facts.usage);
  EXPECT_TRUE(spans[0].facts.usage->estimated);
  std::map<SeriesKey, SeriesPoint> sums;
  recorder.metrics().Collect(sums);
  for (const auto& [key, point] : sums) {
    EXPECT_EQ(point.histograms[static_cast<std::size_t>(Instrument::kClientInputTokens)].count(),
              0U);
  }
}

// /predict has no provider: one span, and nothing in the metrics of language models.
TEST_F(CallTraceTest, ALocalCallIsOneSpan) {
  Recorder recorder(options_, clock_, rng_);
  TraceContext silent = kTestCaller;
  silent.sampled = false;
  for (const TraceContext& caller : {kTestCaller, silent}) {
    CallTrace call(recorder, caller, {"predict", false}, clock_.SteadyNow());
    clock_.Advance(2ms);
    call.SetRoute("iris", true, 3);
    call.SetVersion("iris-v1");
    call.SetStatus(200);
  }
  const std::vector<Seen> spans = Take(recorder);
  ASSERT_EQ(spans.size(), 1U);
  EXPECT_EQ(spans[0].facts.parent, kTestCaller.span);
  EXPECT_FALSE(spans[0].facts.is_gen_ai);
  EXPECT_EQ(spans[0].facts.duration, 2ms);
  EXPECT_EQ(spans[0].facts.generation, 3U);
  EXPECT_EQ(spans[0].route, "iris");
  EXPECT_EQ(spans[0].version, "iris-v1");
  std::map<SeriesKey, SeriesPoint> sums;
  recorder.metrics().Collect(sums);
  EXPECT_TRUE(sums.empty());
}

}  // namespace
}  // namespace podium::telemetry
