// What callers paid and waited for, exactly, however many kinds of calls there are.
#include "telemetry/gen_ai_metrics.h"

#include <gtest/gtest.h>

#include <string>

namespace podium::telemetry {
namespace {

using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;

const HistogramPoint& Of(const SeriesPoint& point, Instrument instrument) {
  return point.histograms[static_cast<std::size_t>(instrument)];
}

std::map<SeriesKey, SeriesPoint> Collected(const GenAiMetrics& metrics) {
  std::map<SeriesKey, SeriesPoint> sums;
  metrics.Collect(sums);
  return sums;
}

SeriesView Key(std::string_view model, std::string_view error = {}) {
  SeriesView key;
  key.operation = "chat";
  key.gen_ai_kind = "openai";
  key.request_model = model;
  key.error_type = error;
  return key;
}

TEST(GenAiMetrics, ABoundIsInItsBucket) {
  GenAiMetrics metrics;
  for (const auto duration : {9ms, 10ms, 11ms, 81'920ms, 81'921ms}) {
    metrics.RecordAttempt(Key("m"), {duration, {}, {}, {}});
  }
  const auto sums = Collected(metrics);
  ASSERT_EQ(sums.size(), 1U);
  const HistogramPoint& point = Of(sums.begin()->second, Instrument::kClientDuration);
  EXPECT_EQ(point.buckets[0], 2U);
  EXPECT_EQ(point.buckets[1], 1U);
  EXPECT_EQ(point.buckets[13], 1U);
  EXPECT_EQ(point.buckets[14], 1U);
  EXPECT_EQ(point.count(), 5U);
  EXPECT_NEAR(point.sum, 0.030 + 81.920 + 81.921, 1e-9);
}

// No tokens, no first chunk: nothing is said of them, rather than a zero.
TEST(GenAiMetrics, OnlyWhatIsKnownIsRecorded) {
  GenAiMetrics metrics;
  HistogramPoint between;
  for (const double seconds : {0.01, 0.011, 0.5}) {
    between.Add(BoundsOf(Instrument::kClientPerChunk), seconds);
  }
  metrics.RecordAttempt(Key("m", "timeout"), {1s, {}, {}, {}});
  metrics.RecordAttempt(Key("m"), {1s, 200ms, 12, 0, &between});
  metrics.RecordCall(Key("route"), {2s, 300ms, 20ms});
  const auto sums = Collected(metrics);
  ASSERT_EQ(sums.size(), 3U);
  for (const auto& [key, point] : sums) {
    SCOPED_TRACE(key.request_model + "/" + key.error_type);
    const bool is_call = key.request_model == "route";
    const bool answered = !is_call && key.error_type.empty();
    EXPECT_EQ(Of(point, Instrument::kClientDuration).count(), is_call ? 0U : 1U);
    EXPECT_EQ(Of(point, Instrument::kClientInputTokens).count(), answered ? 1U : 0U);
    EXPECT_EQ(Of(point, Instrument::kClientOutputTokens).buckets[0], answered ? 1U : 0U);
    EXPECT_EQ(Of(point, Instrument::kClientFirstChunk).count(), answered ? 1U : 0U);
    EXPECT_EQ(Of(point, Instrument::kServerDuration).count(), is_call ? 1U : 0U);
    EXPECT_EQ(Of(point, Instrument::kServerFirstToken).count(), is_call ? 1U : 0U);
    EXPECT_EQ(Of(point, Instrument::kServerPerToken).buckets[1], is_call ? 1U : 0U);
    EXPECT_EQ(Of(point, Instrument::kClientPerChunk).count(), answered ? 3U : 0U);
    EXPECT_EQ(Of(point, Instrument::kClientPerChunk).buckets[1], answered ? 1U : 0U);
    EXPECT_NEAR(Of(point, Instrument::kClientPerChunk).sum, answered ? 0.521 : 0, 1e-12);
  }
}

TEST(GenAiMetrics, CoresAddUp) {
  GenAiMetrics one;
  GenAiMetrics other;
  one.RecordAttempt(Key("m"), {1s, {}, 100, 10});
  other.RecordAttempt(Key("m"), {3s, {}, 200, 20});
  std::map<SeriesKey, SeriesPoint> sums;
  one.Collect(sums);
  other.Collect(sums);
  ASSERT_EQ(sums.size(), 1U);
  EXPECT_EQ(Of(sums.begin()->second, Instrument::kClientDuration).count(), 2U);
  EXPECT_EQ(Of(sums.begin()->second, Instrument::kClientInputTokens).sum, 300);
}

// Callers may name any model: memory must not grow with what they think of.
TEST(GenAiMetrics, SeriesBeyondTheLimitShareOne) {
  GenAiMetrics metrics;
  for (std::size_t i = 0; i < kMaxMetricSeries; ++i) {
    metrics.RecordAttempt(Key("m" + std::to_string(i)), {1ms, {}, {}, {}});
  }
  EXPECT_EQ(Collected(metrics).size(), kMaxMetricSeries);
  metrics.RecordAttempt(Key("one too many"), {1ms, {}, {}, {}});
  metrics.RecordAttempt(Key("and another"), {1ms, {}, {}, {}});
  metrics.RecordAttempt(Key("m7"), {1ms, {}, {}, {}});
  const auto sums = Collected(metrics);
  EXPECT_EQ(sums.size(), kMaxMetricSeries + 1);
  const auto overflow = sums.find(SeriesKey{.overflow = true});
  ASSERT_NE(overflow, sums.end());
  EXPECT_EQ(Of(overflow->second, Instrument::kClientDuration).count(), 2U);
  SeriesKey seventh;
  seventh.operation = "chat";
  seventh.gen_ai_kind = "openai";
  seventh.request_model = "m7";
  ASSERT_TRUE(sums.contains(seventh));
  EXPECT_EQ(Of(sums.at(seventh), Instrument::kClientDuration).count(), 2U);
}

}  // namespace
}  // namespace podium::telemetry
