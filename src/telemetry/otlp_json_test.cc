// What collectors read: the two kinds of requests, byte for byte, and their limits.
//
// The golden files are read by protobuf's own JSON parser in tests/system/test_otlp.py, so they say
// what the protocol says and not only what this code does.
#include "telemetry/otlp_json.h"

#include <gtest/gtest.h>

#include <fstream>
#include <memory>
#include <sstream>
#include <string>

#include "base/json.h"
#include "telemetry/telemetry_fixture.h"

namespace podium::telemetry {
namespace {

using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;

const Sender& TestSender() {
  static const Sender sender(
      {{"deployment.environment.name", "test"}, {"service.name", "a"}, {"service.name", "podium"}},
      "1.2.3");
  return sender;
}

std::string Golden(const std::string& name) {
  std::ifstream file(std::string(PODIUM_SOURCE_DIR) + "/src/telemetry/testdata/" + name);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

// People read golden files: one line for each value.
std::string Pretty(const std::string& json) {
  const Result<Json> parsed = ParseJson(json);
  EXPECT_TRUE(parsed) << json;
  return parsed ? DumpJsonPretty(*parsed) + "\n" : json;
}

std::map<SeriesKey, SeriesPoint> TestSeries() {
  GenAiMetrics metrics;
  SeriesView answered;
  answered.operation = "chat";
  answered.gen_ai_kind = "openai";
  answered.request_model = "gpt-mini";
  answered.response_model = "gpt-mini-2026-01-01";
  answered.server_address = "api.example.com";
  answered.server_port = 443;
  HistogramPoint between;
  for (const double seconds : {0.03, 0.05, 0.5}) {
    between.Add(BoundsOf(Instrument::kClientPerChunk), seconds);
  }
  metrics.RecordAttempt(answered, {1500ms, 250ms, 1000, 12, &between});
  SeriesView failed = answered;
  failed.response_model = {};
  failed.error_type = "timeout";
  metrics.RecordAttempt(failed, {60s, {}, {}, {}});
  SeriesView call;
  call.operation = "chat";
  call.gen_ai_kind = "openai";
  call.request_model = "support";
  metrics.RecordCall(call, {62s, 60'300ms, 55ms});
  std::map<SeriesKey, SeriesPoint> sums;
  metrics.Collect(sums);
  return sums;
}

TEST(OtlpJson, SpansAreWrittenAsTheProtocolHasThem) {
  auto span = std::make_unique<Span>();
  TraceRequest request(TestSender());
  FillAttempt(*span);
  ASSERT_TRUE(request.Add(*span));
  FillFailedCall(*span);
  ASSERT_TRUE(request.Add(*span));
  EXPECT_EQ(request.spans(), 2U);
  EXPECT_EQ(Pretty(request.Take()), Golden("traces.json"));
  EXPECT_EQ(request.spans(), 0U);
}

TEST(OtlpJson, MetricsAreWrittenAsTheProtocolHasThem) {
  const auto requests = MetricsRequests(TestSender(), TestSeries(), kTestTime, kTestTime + 60s);
  ASSERT_EQ(requests.size(), 1U);
  EXPECT_EQ(Pretty(requests.front()), Golden("metrics.json"));
  EXPECT_TRUE(MetricsRequests(TestSender(), {}, kTestTime, kTestTime).empty());
}

TEST(OtlpJson, ARequestEndsAtItsLimit) {
  auto span = std::make_unique<Span>();
  FillAttempt(*span);
  TraceRequest one(TestSender());
  ASSERT_TRUE(one.Add(*span));
  const std::size_t first = one.Take().size();
  TraceRequest both(TestSender());
  ASSERT_TRUE(both.Add(*span) && both.Add(*span));
  const std::size_t two = both.Take().size();

  TraceRequest fits(TestSender(), two);
  EXPECT_TRUE(fits.Add(*span));
  EXPECT_TRUE(fits.Add(*span));
  EXPECT_FALSE(fits.Add(*span));
  EXPECT_EQ(fits.Take().size(), two);
  EXPECT_TRUE(fits.Add(*span));
  EXPECT_EQ(fits.Take().size(), first) << "nothing of the request before it";

  TraceRequest tight(TestSender(), two - 1);
  EXPECT_TRUE(tight.Add(*span));
  EXPECT_FALSE(tight.Add(*span));
  TraceRequest none(TestSender(), 1);
  EXPECT_TRUE(none.Add(*span)) << "a span that fits nowhere would be in the way for ever";
  EXPECT_FALSE(none.Add(*span));
}

// The largest span there can be is far smaller than a request.
TEST(OtlpJson, TheLargestSpanFits) {
  auto span = std::make_unique<Span>();
  FillAttempt(*span);
  const std::string worst(2 * limits::kMaxSpanTextBytes, '\x01');  // Six bytes each.
  for (SpanText* text : {&span->route, &span->version, &span->request_model, &span->response_model,
                         &span->provider, &span->server_address}) {
    text->Assign(worst);
  }
  TraceRequest request(TestSender());
  ASSERT_TRUE(request.Add(*span));
  const std::string body = request.Take();
  EXPECT_LT(body.size(), limits::kMaxOtlpRequestBytes / 50);
  EXPECT_TRUE(ParseJson(body));
}

TEST(OtlpJson, MetricsThatDoNotFitGoIntoSeveralRequests) {
  GenAiMetrics metrics;
  for (int i = 0; i < 20; ++i) {
    SeriesView key;
    key.operation = "chat";
    const std::string model = "model-" + std::to_string(i);
    key.request_model = model;
    metrics.RecordAttempt(key, {1s, 100ms, 10, 10});
  }
  std::map<SeriesKey, SeriesPoint> sums;
  metrics.Collect(sums);
  constexpr std::size_t kMax = 8 * 1024;
  const auto requests = MetricsRequests(TestSender(), sums, kTestTime, kTestTime + 1s, kMax);
  EXPECT_GT(requests.size(), 3U);
  std::size_t points = 0;
  for (const std::string& request : requests) {
    EXPECT_LE(request.size(), kMax);
    const Result<Json> parsed = ParseJson(request);
    ASSERT_TRUE(parsed) << request;
    const Json& each = (*parsed)["resourceMetrics"][0]["scopeMetrics"][0]["metrics"];
    for (const Json& metric : each) points += metric["histogram"]["dataPoints"].size();
  }
  EXPECT_EQ(points, 20U * 4U);
}

TEST(OtlpJson, ResourceAttributesAreBounded) {
  Sender::Attributes many;
  for (std::size_t i = 0; i < kMaxResourceAttributes; ++i) {
    many.emplace_back("key-" + std::to_string(100 + i), "v");
  }
  const Result<Json> at = ParseJson(Sender(many, "1").resource());
  many.emplace_back("key-999", std::string(1000, 'v'));
  many.emplace_back("key-000", std::string(1000, 'v'));
  const Result<Json> past = ParseJson(Sender(many, "1").resource());
  ASSERT_TRUE(at && past);
  EXPECT_EQ((*at)["attributes"].size(), kMaxResourceAttributes);
  EXPECT_EQ((*past)["attributes"].size(), kMaxResourceAttributes);
  EXPECT_LE((*past)["attributes"][0]["value"]["stringValue"].get<std::string>().size(),
            limits::kMaxSpanTextBytes + 3);
}

TEST(OtlpJson, APartialSuccessIsUnderstood) {
  struct Case {
    const char* body;
    std::uint64_t rejected;
    const char* message;
  };
  const Case cases[] = {
      {"", 0, ""},
      {"{}", 0, ""},
      {"thanks", 0, ""},
      {R"({"partialSuccess":{}})", 0, ""},
      {R"({"partialSuccess":null})", 0, ""},
      {R"({"partialSuccess":{"rejectedSpans":"3","errorMessage":"too old"}})", 3, "too old"},
      {R"({"partialSuccess":{"rejectedDataPoints":7}})", 7, ""},
      {R"({"partialSuccess":{"rejectedSpans":"-3","errorMessage":5}})", 0, ""},
      {R"({"partialSuccess":{"rejectedSpans":"99999999999999999999"}})", 0, ""},
      {R"({"partialSuccess":{"rejectedSpans":[1]}})", 0, ""},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.body);
    const PartialSuccess partial = ReadPartialSuccess(c.body);
    EXPECT_EQ(partial.rejected, c.rejected);
    EXPECT_EQ(partial.message, c.message);
  }
}

}  // namespace
}  // namespace podium::telemetry
