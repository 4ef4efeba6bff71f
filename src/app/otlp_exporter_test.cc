// What reaches a collector that answers, is busy, refuses or is not there; and what that costs.
#include "app/otlp_exporter.h"

#include <gtest/gtest.h>

#include <deque>
#include <latch>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/exposition.h"
#include "base/json.h"
#include "net/core_pool.h"
#include "telemetry/call_trace.h"
#include "telemetry/telemetry_fixture.h"
#include "testing/sim_clock.h"

namespace podium::app {
namespace {

using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;

/// One answer of the collector; 0: none, the connection fails.
struct Told {
  int status = 200;
  std::string body = {};
  std::string retry_after = {};
};

class ToldResponse final : public net::UpstreamResponse {
 public:
  explicit ToldResponse(Told told) : told_(std::move(told)) {
    status_ = told_.status;
    if (!told_.retry_after.empty()) headers_.push_back({"Retry-After", told_.retry_after});
  }
  Task<Result<std::string_view>> ReadSome() override {
    if (std::exchange(read_, true)) co_return std::string_view();
    co_return std::string_view(told_.body);
  }
  void Cancel() override {}
  void SetDeadline(SteadyTime) override {}

 private:
  const Told told_;
  bool read_ = false;
};

class Collector final : public net::Upstream {
 public:
  Task<Result<std::unique_ptr<net::UpstreamResponse>>> Send(const net::Origin& origin,
                                                            net::UpstreamRequest request) override {
    hosts.push_back(origin.host);
    sent.push_back(std::move(request));
    Told told;
    if (!script.empty()) {
      told = script.front();
      script.pop_front();
    }
    if (told.status == 0) {
      co_return Fail(Error{ErrorCode::kUnavailable, "nobody listens", "connect", nullptr});
    }
    co_return std::make_unique<ToldResponse>(std::move(told));
  }

  std::deque<Told> script;  ///< Afterwards everything is taken.
  std::vector<std::string> hosts;
  std::vector<net::UpstreamRequest> sent;
};

class OtlpExporterTest : public ::testing::Test {
 protected:
  OtlpExporterTest() {
    options_.traces = OtlpTarget{{false, "traces.example", 4318, {true}}, "/v1/traces"};
    options_.metrics = OtlpTarget{{false, "metrics.example", 4318, {true}}, "/v1/metrics"};
    options_.headers.emplace_back("x-key", Secret("collector-credential"));
  }

  void RecordSpans(int count) {
    for (int i = 0; i < count; ++i) {
      telemetry::CallTrace call(recorder_, std::nullopt, {"predict", false}, clock_.SteadyNow());
    }
  }
  void RecordCall() {
    telemetry::CallTrace call(recorder_, std::nullopt, {"chat", true}, clock_.SteadyNow());
  }

  /// Flush, to its end.
  std::string Flush() {
    OtlpExporter exporter(options_, {&recorder_}, collector_, clock_, rng_);
    RunOnce(exporter.Flush(clock_.SteadyNow() + 2s));
    Exposition out;
    exporter.WriteMetrics(out);
    return out.Take();
  }

  void RunOnce(Task<void> task) {
    net::CorePool core(1);
    std::latch done(1);
    std::optional<TaskGroup> group;
    core.Run(0, [&] {
      group.emplace(core.executor(0));
      group->Spawn(Counted(std::move(task), done));
    });
    done.wait();
    core.Stop();
  }
  static Task<void> Counted(Task<void> task, std::latch& done) {
    co_await std::move(task);
    done.count_down();
  }

  static std::size_t SpansIn(const net::UpstreamRequest& request) {
    const Result<Json> body = ParseJson(request.body);
    EXPECT_TRUE(body) << request.body;
    return (*body)["resourceSpans"][0]["scopeSpans"][0]["spans"].size();
  }

  static Task<void> JoinAndFlush(TaskGroup& sending, OtlpExporter& exporter, std::latch& ended) {
    auto join = sending.Join();
    co_await std::move(join);
    auto flush = exporter.Flush(SteadyTime::max());
    co_await std::move(flush);
    ended.count_down();
  }

  podium::testing::SimClock clock_;
  SeededRng rng_{3};
  OtlpOptions options_;
  telemetry::Recorder recorder_{{}, clock_, rng_};
  Collector collector_;
};

TEST_F(OtlpExporterTest, SendsWhatThereIsToWhereItBelongs) {
  RecordSpans(3);
  RecordCall();
  const std::string metrics = Flush();
  ASSERT_EQ(collector_.sent.size(), 2U);
  EXPECT_EQ(collector_.hosts[0], "traces.example");
  EXPECT_EQ(collector_.sent[0].target, "/v1/traces");
  EXPECT_EQ(SpansIn(collector_.sent[0]), 4U);
  EXPECT_EQ(collector_.hosts[1], "metrics.example");
  EXPECT_EQ(collector_.sent[1].target, "/v1/metrics");
  EXPECT_TRUE(collector_.sent[1].body.starts_with(R"({"resourceMetrics":)"));
  for (const net::UpstreamRequest& request : collector_.sent) {
    EXPECT_EQ(request.headers.front(),
              (std::pair<std::string, std::string>("Content-Type", "application/json")));
    EXPECT_EQ(request.headers.back().second, "collector-credential");
    EXPECT_EQ(request.timeouts.deadline, clock_.SteadyNow() + 2s);
  }
  EXPECT_NE(metrics.find(R"(podium_otlp_exports_total{signal="traces",outcome="ok"} 1)"),
            std::string::npos)
      << metrics;
  EXPECT_NE(metrics.find("podium_otlp_dropped_spans_total 0"), std::string::npos) << metrics;
  EXPECT_EQ(Flush().find(R"(outcome="failed"} 1)"), std::string::npos);
}

TEST_F(OtlpExporterTest, NothingIsSentOfNothing) {
  Flush();
  EXPECT_TRUE(collector_.sent.empty());
}

TEST_F(OtlpExporterTest, ASignalWithoutATargetIsNotSent) {
  RecordSpans(1);
  RecordCall();
  options_.traces.reset();
  Flush();
  ASSERT_EQ(collector_.hosts.size(), 1U);
  EXPECT_EQ(collector_.hosts[0], "metrics.example");
}

TEST_F(OtlpExporterTest, WhatIsNotTakenIsCountedAndGone) {
  struct Case {
    const char* name;
    Told told;
    const char* dropped;
  };
  const Case cases[] = {
      {"refused", {400}, "podium_otlp_dropped_spans_total 5\n"},
      {"busy", {503}, "podium_otlp_dropped_spans_total 5\n"},
      {"not there", {0}, "podium_otlp_dropped_spans_total 5\n"},
      {"some rejected",
       {200, R"({"partialSuccess":{"rejectedSpans":"2"}})"},
       "podium_otlp_dropped_spans_total 2\n"},
      {"more rejected than were sent",
       {200, R"({"partialSuccess":{"rejectedSpans":"200"}})"},
       "podium_otlp_dropped_spans_total 5\n"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    collector_.script = {c.told};
    RecordSpans(5);
    const std::string metrics = Flush();
    EXPECT_NE(metrics.find(c.dropped), std::string::npos) << metrics;
    EXPECT_EQ(recorder_.spans().size(), 0U);
  }
}

// A queue holds more than one request may: then there are several, and each span is in one.
TEST_F(OtlpExporterTest, ManySpansAreSeveralRequests) {
  options_.metrics.reset();
  for (std::size_t i = 0; i < limits::kMaxWaitingSpans; ++i) {
    telemetry::Span* span = recorder_.spans().Claim();
    telemetry::FillAttempt(*span);
    const std::string long_text(limits::kMaxSpanTextBytes, 'x');
    span->version.Assign(long_text);
    span->provider.Assign(long_text);
    recorder_.spans().Publish();
  }
  Flush();
  ASSERT_GT(collector_.sent.size(), 1U);
  std::size_t spans = 0;
  for (const net::UpstreamRequest& request : collector_.sent) {
    EXPECT_LE(request.body.size(), limits::kMaxOtlpRequestBytes);
    spans += SpansIn(request);
  }
  EXPECT_EQ(spans, limits::kMaxWaitingSpans);
}

// The loop itself, on a real timer: it sends when its time has come, tries again what the collector
// asks for again, and stops when it is told to, keeping what it could not send.
TEST_F(OtlpExporterTest, TheLoopTriesAgainAndEndsWhenCancelled) {
  options_.metrics.reset();
  options_.look_every = 1ms;
  options_.traces_interval = 0ms;
  collector_.script = {{503, "", "0"}, {429, "", "0"}, {200}, {503, "", "30"}};
  OtlpExporter exporter(options_, {&recorder_}, collector_, clock_, rng_);
  net::CorePool core(1);
  std::optional<TaskGroup> sending;
  std::optional<TaskGroup> ending;
  RecordSpans(2);  // Before it looks, or it might see one of them alone.
  core.Run(0, [&] {
    sending.emplace(core.executor(0));
    sending->Spawn(exporter.SendTraces());
  });
  const auto wait_for = [&](std::size_t requests) {
    for (std::size_t seen = 0; seen < requests;) {
      core.Run(0, [&] { seen = collector_.sent.size(); });
    }
  };
  wait_for(3);
  RecordSpans(1);
  wait_for(4);
  std::latch ended(1);
  core.Post(0, [&] {
    sending->Cancel();
    ending.emplace(core.executor(0));
    ending->Spawn(JoinAndFlush(*sending, exporter, ended));
  });
  ended.wait();
  core.Stop();
  ASSERT_EQ(collector_.sent.size(), 5U);
  EXPECT_EQ(collector_.sent[0].body, collector_.sent[2].body);
  EXPECT_EQ(SpansIn(collector_.sent[2]), 2U);
  EXPECT_EQ(collector_.sent[3].body, collector_.sent[4].body) << "the flush sends what waited";
  Exposition out;
  exporter.WriteMetrics(out);
  const std::string metrics = out.Take();
  EXPECT_NE(metrics.find(R"(signal="traces",outcome="retried"} 2)"), std::string::npos) << metrics;
  EXPECT_NE(metrics.find(R"(signal="traces",outcome="ok"} 2)"), std::string::npos) << metrics;
  EXPECT_NE(metrics.find("podium_otlp_dropped_spans_total 0"), std::string::npos) << metrics;
}

}  // namespace
}  // namespace podium::app
