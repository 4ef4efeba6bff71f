// A call belongs to one trace, whatever its headers say, and its provider is told of the attempt.
#include "gateway/trace_headers.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <string>

#include "testing/sim_clock.h"

namespace podium::gateway {
namespace {

constexpr const char* kParent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

net::RequestHead Head(std::vector<net::HeaderField> fields) {
  net::RequestHead head;
  head.headers = std::move(fields);
  return head;
}

std::string Told(const net::HeaderList& headers) {
  std::string text;
  for (const auto& [name, value] : headers) text += fmt::format("{}: {}\n", name, value);
  return text;
}

class TraceHeadersTest : public ::testing::Test {
 protected:
  std::string Pass(const net::RequestHead& head, bool traces) {
    telemetry::RecorderOptions options;
    options.traces = traces;
    telemetry::Recorder recorder(options, clock_, rng_);
    const telemetry::CallTrace trace(recorder, CallerOf(head), {"chat", true}, SteadyTime());
    net::HeaderList headers;
    AddTraceHeaders(head, &trace, {0xABC}, headers);
    return Told(headers);
  }

  testing::SimClock clock_;
  SeededRng rng_{1};
};

TEST(CallerOf, NeedsExactlyOneGoodHeader) {
  EXPECT_TRUE(CallerOf(Head({{"TraceParent", kParent}})));
  EXPECT_FALSE(CallerOf(Head({})));
  EXPECT_FALSE(CallerOf(Head({{"traceparent", "00-nonsense"}})));
  EXPECT_FALSE(CallerOf(Head({{"traceparent", kParent}, {"Traceparent", kParent}})));
}

TEST_F(TraceHeadersTest, AProviderIsToldOfTheAttempt) {
  EXPECT_EQ(Pass(Head({{"traceparent", kParent}, {"tracestate", "a=1"}}), true),
            "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000abc-01\n"
            "tracestate: a=1\n");
}

TEST_F(TraceHeadersTest, SeveralTracestatesAreOneList) {
  const std::string told = Pass(
      Head({{"traceparent", kParent}, {"tracestate", "a=1"}, {"x", "y"}, {"Tracestate", "b=2"}}),
      true);
  EXPECT_NE(told.find("tracestate: a=1,b=2\n"), std::string::npos) << told;
}

// Of a trace that begins here nobody knows the state.
TEST_F(TraceHeadersTest, AStateWithoutItsCallerIsDropped) {
  for (const char* parent : {"", "00-nonsense"}) {
    const std::string told = Pass(Head({{"traceparent", parent}, {"tracestate", "a=1"}}), true);
    EXPECT_TRUE(told.starts_with("traceparent: 00-")) << told;
    EXPECT_EQ(told.find("tracestate"), std::string::npos) << told;
    EXPECT_EQ(told.find("4bf92f"), std::string::npos) << told;
  }
}

TEST_F(TraceHeadersTest, AStateBeyondItsLimitIsDropped) {
  const std::string at(telemetry::kMaxTracestateBytes, 'a');
  const std::string past = at + "a";
  EXPECT_NE(Pass(Head({{"traceparent", kParent}, {"tracestate", at}}), true).find(at),
            std::string::npos);
  EXPECT_EQ(Pass(Head({{"traceparent", kParent}, {"tracestate", past}}), true).find("tracestate"),
            std::string::npos);
}

TEST_F(TraceHeadersTest, WhoDoesNotTraceLeavesHeadersAsTheyAre) {
  const net::RequestHead head = Head({{"traceparent", kParent}, {"tracestate", "a=1"}});
  const std::string want = std::string("traceparent: ") + kParent + "\ntracestate: a=1\n";
  EXPECT_EQ(Pass(head, false), want);
  net::HeaderList headers;
  AddTraceHeaders(head, nullptr, {}, headers);
  EXPECT_EQ(Told(headers), want);
  headers.clear();
  AddTraceHeaders(Head({{"tracestate", "a=1"}}), nullptr, {}, headers);
  EXPECT_EQ(Told(headers), "");
}

}  // namespace
}  // namespace podium::gateway
