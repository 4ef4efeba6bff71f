// Requirement M1 through the library: the shape, the edges and the promised precision.
#include <podium/metrics.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "base/rng.h"
#include "embed/ports_fixture.h"

namespace podium::v1 {
namespace {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;

TEST(MetricsStore, NothingRecordedIsNotFound) {
  MetricsStore store;
  EXPECT_EQ(store.Get("m1").error().code, ErrorCode::kNotFound);
  EXPECT_EQ(store.Reset("m1").error().code, ErrorCode::kNotFound);
  EXPECT_TRUE(store.List().empty());
}

TEST(MetricsStore, CountsAndForgets) {
  const auto clock = std::make_shared<HandClock>();
  MetricsStore store(clock);
  ASSERT_TRUE(store.Record("m1", Outcome::kOk, milliseconds(10)));
  ASSERT_TRUE(store.Record("m1", Outcome::kError, milliseconds(10)));
  clock->Advance(std::chrono::seconds(5));
  ASSERT_TRUE(store.Record("m1", Outcome::kTimeout, milliseconds(10)));
  ASSERT_TRUE(store.Record("m1", Outcome::kOk, milliseconds(10)));
  ASSERT_TRUE(store.Record("a0", Outcome::kOk, milliseconds(1)));

  const ModelMetrics metrics = store.Get("m1").value();
  EXPECT_EQ(metrics.model_id, "m1");
  EXPECT_EQ(metrics.request_count, 4U);
  EXPECT_EQ(metrics.error_count, 2U);
  EXPECT_EQ(metrics.timeout_count, 1U);
  EXPECT_EQ(metrics.error_rate, 0.5);
  EXPECT_EQ(metrics.last_updated, clock->Now());
  ASSERT_EQ(store.List().size(), 2U);
  EXPECT_EQ(store.List()[0].model_id, "a0");

  ASSERT_TRUE(store.Reset("m1"));
  EXPECT_EQ(store.Get("m1").error().code, ErrorCode::kNotFound);
  EXPECT_TRUE(store.Get("a0"));
  ASSERT_TRUE(store.Record("m1", Outcome::kOk, milliseconds(1)));
  EXPECT_EQ(store.Get("m1")->request_count, 1U);
}

// The promise of the header, over eight decades of latencies.
TEST(MetricsStore, PercentilesAreOffByOnePercentAtMost) {
  SeededRng rng(11);
  for (int decade = 3; decade <= 11; ++decade) {
    SCOPED_TRACE(decade);
    MetricsStore store;
    const std::uint64_t scale = static_cast<std::uint64_t>(std::pow(10.0, decade));
    std::vector<double> exact;
    for (int i = 0; i < 1000; ++i) {
      const auto ns = static_cast<std::int64_t>(scale + rng.Next64() % (9 * scale));
      exact.push_back(static_cast<double>(ns) / 1e6);
      ASSERT_TRUE(store.Record("m1", Outcome::kOk, nanoseconds(ns)));
    }
    std::sort(exact.begin(), exact.end());
    const LatencyPercentiles seen = store.Get("m1")->latency;
    EXPECT_NEAR(seen.p50, exact[499], 0.01 * exact[499]);
    EXPECT_NEAR(seen.p95, exact[949], 0.01 * exact[949]);
    EXPECT_NEAR(seen.p99, exact[989], 0.01 * exact[989]);
  }
}

// Nearest rank: of 1,000 records the 500th, the 950th and the 990th, and not their neighbours.
TEST(MetricsStore, PercentilesAreThoseOfTheirRank) {
  MetricsStore store;
  for (int rank = 1; rank <= 1000; ++rank) {
    const int latency = rank <= 500 ? 10 : rank <= 950 ? 20 : rank <= 990 ? 40 : 80;
    ASSERT_TRUE(store.Record("m1", Outcome::kOk, milliseconds(latency)));
  }
  const LatencyPercentiles seen = store.Get("m1")->latency;
  EXPECT_NEAR(seen.p50, 10.0, 0.1);
  EXPECT_NEAR(seen.p95, 20.0, 0.2);
  EXPECT_NEAR(seen.p99, 40.0, 0.4);
}

TEST(MetricsStore, ASingleRecordIsEveryPercentile) {
  MetricsStore store;
  ASSERT_TRUE(store.Record("m1", Outcome::kOk, milliseconds(200)));
  const LatencyPercentiles seen = store.Get("m1")->latency;
  EXPECT_NEAR(seen.p50, 200.0, 2.0);
  EXPECT_EQ(seen.p50, seen.p99);
}

TEST(MetricsStore, RefusesWhatCannotBe) {
  MetricsStore store;
  EXPECT_EQ(store.Record("", Outcome::kOk, milliseconds(1)).error().code,
            ErrorCode::kInvalidArgument);
  EXPECT_EQ(store.Record("m1", Outcome::kOk, nanoseconds(-1)).error().code,
            ErrorCode::kInvalidArgument);
  EXPECT_TRUE(store.Record("m1", Outcome::kOk, nanoseconds(0)));
  EXPECT_TRUE(store.Record(std::string(128, 'm'), Outcome::kOk, nanoseconds(1)));
  EXPECT_EQ(store.Record(std::string(129, 'm'), Outcome::kOk, nanoseconds(1)).error().code,
            ErrorCode::kInvalidArgument);
}

TEST(MetricsStore, ModelsHaveALimit) {
  MetricsStore store;
  for (std::size_t i = 0; i < MetricsStore::kMaxModels; ++i) {
    ASSERT_TRUE(store.Record("m" + std::to_string(i), Outcome::kOk, nanoseconds(1)));
  }
  EXPECT_EQ(store.Record("one-more", Outcome::kOk, nanoseconds(1)).error().code,
            ErrorCode::kLimited);
  EXPECT_TRUE(store.Record("m0", Outcome::kOk, nanoseconds(1))) << "known ones go on";
  ASSERT_TRUE(store.Reset("m1"));
  EXPECT_TRUE(store.Record("one-more", Outcome::kOk, nanoseconds(1)));
}

TEST(MetricsStore, JsonHasTheShapeOfTheApi) {
  ModelMetrics metrics;
  metrics.model_id = "m1";
  metrics.request_count = 4;
  metrics.error_count = 1;
  metrics.error_rate = 0.25;
  metrics.latency = {1.5, 2.5, 3.5};
  EXPECT_EQ(ToJson(metrics),
            R"({"model_id":"m1","request_count":4,"error_count":1,"timeout_count":0,)"
            R"("error_rate":0.25,"latency":{"p50":1.5,"p95":2.5,"p99":3.5},)"
            R"("last_updated":"1970-01-01T00:00:00.000000Z"})");
}

}  // namespace
}  // namespace podium::v1
