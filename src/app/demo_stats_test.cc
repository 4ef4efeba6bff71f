#include "app/demo_stats.h"

#include <gtest/gtest.h>

namespace podium::app {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

SteadyTime At(std::int64_t second) { return SteadyTime(seconds(1'000 + second)); }

DemoOutcome Answer(const std::string& model_id, bool right, std::int64_t second) {
  return DemoOutcome{0, model_id, true, right, milliseconds(1), At(second)};
}

DemoOutcome Failed(std::int64_t second) {
  return DemoOutcome{0, "", false, false, milliseconds(1), At(second)};
}

TEST(DemoStats, NothingIsKnownBeforeTheFirstRequest) {
  const DemoStats stats(1);
  EXPECT_TRUE(stats.Read(0, At(0)).empty());
  EXPECT_EQ(DemoFigures{}.accuracy(), std::nullopt);
}

TEST(DemoStats, CountsAnswersErrorsAndWhatWasRight) {
  DemoStats stats(2);
  stats.Record(Answer("v1", true, 0));
  stats.Record(Answer("v1", false, 0));
  stats.Record(Answer("v2", true, 1));
  stats.Record(Failed(1));
  const auto figures = stats.Read(0, At(1));
  EXPECT_EQ(figures.at("v1").requests, 2U);
  EXPECT_EQ(figures.at("v1").accuracy(), 0.5);
  EXPECT_EQ(figures.at("v1").share_seen, 0.5);
  EXPECT_EQ(figures.at("v2").share_seen, 0.25);
  EXPECT_EQ(figures.at("").errors, 1U);
  // What did not answer was not wrong either.
  EXPECT_EQ(figures.at("").accuracy(), std::nullopt);
  EXPECT_EQ(stats.requests(), 4U);
  EXPECT_EQ(stats.errors(), 1U);
  EXPECT_TRUE(stats.Read(1, At(1)).empty());
}

// Errors answer fast or time out: neither tells how long an answer takes.
TEST(DemoStats, LatencyIsThatOfAnswers) {
  DemoStats stats(1);
  for (int i = 1; i <= 100; ++i) {
    DemoOutcome outcome = Answer("v1", true, 0);
    outcome.latency = milliseconds(i);
    stats.Record(outcome);
  }
  DemoOutcome slow = Answer("v1", false, 0);
  slow.ok = false;
  slow.latency = seconds(30);
  for (int i = 0; i < 50; ++i) stats.Record(slow);
  const DemoFigures figures = stats.Read(0, At(0)).at("v1");
  EXPECT_NEAR(static_cast<double>(figures.p50.count()), 50e6, 0.5e6);
  EXPECT_NEAR(static_cast<double>(figures.p95.count()), 95e6, 1e6);
  EXPECT_NEAR(static_cast<double>(figures.p99.count()), 99e6, 1e6);
}

TEST(DemoStats, SharesForgetWhatIsOlderThanTheWindow) {
  DemoStats stats(1);
  stats.Record(Answer("v1", true, 0));
  stats.Record(Answer("v2", true, 59));
  EXPECT_EQ(stats.Read(0, At(59)).at("v1").share_seen, 0.5);
  EXPECT_EQ(stats.Read(0, At(60)).at("v1").share_seen, 0.0);
  EXPECT_EQ(stats.Read(0, At(60)).at("v2").share_seen, 1.0);
  EXPECT_EQ(stats.Read(0, At(60)).at("v1").requests, 1U);
  EXPECT_EQ(stats.Read(0, At(200)).at("v2").share_seen, std::nullopt);
  stats.Record(Answer("v1", true, 300));
  EXPECT_EQ(stats.Read(0, At(300)).at("v1").share_seen, 1.0);
}

// A promote must show at once, not after a minute of averaging.
TEST(DemoStats, AChangeStartsTheSharesAnew) {
  DemoStats stats(2);
  for (int i = 0; i < 50; ++i) stats.Record(Answer("v1", true, 0));
  stats.RestartWindow(0);
  EXPECT_EQ(stats.Read(0, At(0)).at("v1").share_seen, std::nullopt);
  stats.Record(Answer("v2", true, 0));
  EXPECT_EQ(stats.Read(0, At(0)).at("v2").share_seen, 1.0);
  EXPECT_EQ(stats.Read(0, At(0)).at("v1").share_seen, 0.0);
  EXPECT_EQ(stats.Read(0, At(0)).at("v1").requests, 50U);
}

TEST(DemoStats, VersionsAreBounded) {
  DemoStats stats(1);
  for (std::size_t i = 0; i < DemoStats::kMaxVersions; ++i) {
    stats.Record(Answer("v" + std::to_string(i), true, 0));
  }
  EXPECT_EQ(stats.Read(0, At(0)).size(), DemoStats::kMaxVersions);
  EXPECT_FALSE(stats.Read(0, At(0)).contains(""));
  stats.Record(Answer("one more", true, 0));
  EXPECT_EQ(stats.Read(0, At(0)).at("").requests, 1U);
  EXPECT_FALSE(stats.Read(0, At(0)).contains("one more"));
  stats.Record(Answer("v0", true, 0));
  EXPECT_EQ(stats.Read(0, At(0)).at("v0").requests, 2U);
}

}  // namespace
}  // namespace podium::app
