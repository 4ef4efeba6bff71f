#include <gtest/gtest.h>

#include "view/core_view.h"
#include "view/row_time.h"
#include "view/stats_registry.h"

namespace podium::view {
namespace {

using std::chrono::microseconds;

ViewPtr MakeView(std::uint64_t generation, std::uint64_t sequence) {
  routing::TableCompiler compiler({});
  const auto routes = compiler.Compile(Generation(generation));
  return std::make_shared<const CoreView>(routes, std::vector<RouteView>{}, sequence);
}

TEST(ViewCell, KeepsAPinnedViewAliveWhileANewOneServes) {
  ViewCell cell;
  ViewPtr first = MakeView(1, 1);
  cell.Publish(first);
  const std::weak_ptr<const CoreView> watched = first;
  first.reset();
  const ViewPtr pinned = cell.Pin();
  cell.Publish(MakeView(2, 2));
  EXPECT_EQ(pinned->generation(), Generation(1));
  EXPECT_EQ(cell.Pin()->generation(), Generation(2));
  EXPECT_FALSE(watched.expired());
}

// INV-3: a mistake of ours here must stop the process rather than serve an older table.
TEST(ViewCellDeathTest, Inv3RefusesToGoBack) {
  ViewCell cell;
  cell.Publish(MakeView(5, 1));
  EXPECT_DEATH(cell.Publish(MakeView(4, 2)), "broken invariant");
  EXPECT_DEATH(cell.Publish(MakeView(5, 1)), "broken invariant");
  cell.Publish(MakeView(5, 2));
  EXPECT_EQ(cell.Pin()->sequence(), 2U);
}

TEST(VersionStats, SumsCoresAndTellsRolesApart) {
  VersionStats stats(2);
  const WallTime now{microseconds(77)};
  stats.Record(0, false, Outcome::kOk, microseconds(100), now);
  stats.Record(1, false, Outcome::kError, microseconds(300), now);
  stats.Record(1, true, Outcome::kTimeout, microseconds(500), now);
  stats.RecordOverride(0, Outcome::kOk, now);
  stats.RecordOverride(1, Outcome::kError, now);
  stats.RecordNotServed(0);
  const StatsSnapshot sum = stats.Snapshot();
  EXPECT_EQ(sum.plain.outcomes, (std::array<std::uint64_t, 3>{1, 1, 0}));
  EXPECT_EQ(sum.canary.outcomes, (std::array<std::uint64_t, 3>{0, 0, 1}));
  EXPECT_EQ(sum.plain.latency.count(), 2U);
  EXPECT_EQ(sum.overrides, (OutcomeCounts{1, 1, 0}));
  EXPECT_EQ(sum.not_served, 1U);
  EXPECT_EQ(sum.last_updated, now);
}

// Two slow runs must take the model off the core at once; being let back on may take a while.
TEST(RowTime, RisesAtTheSecondSlowRunAndFallsSlowly) {
  RowTime time;
  EXPECT_EQ(time.value(), std::nullopt);
  time.Observe(microseconds(10));
  EXPECT_EQ(time.value(), microseconds(10));
  time.Observe(microseconds(2560));
  EXPECT_EQ(time.value(), microseconds(10)) << "one may be the system's doing";
  time.Observe(microseconds(3000));
  EXPECT_EQ(time.value(), microseconds(2560));
  time.Observe(microseconds(0));
  EXPECT_EQ(time.value(), microseconds(2550));
  for (int i = 0; i < 3000; ++i) time.Observe(microseconds(10));
  EXPECT_LT(*time.value(), microseconds(20));
}

TEST(RowTime, ASlowRunIsForgottenWhenNoOtherComes) {
  RowTime time;
  time.Observe(microseconds(10));
  for (int outlier = 0; outlier < 5; ++outlier) {
    time.Observe(microseconds(4000));
    for (int i = 0; i < RowTime::kMemory; ++i) time.Observe(microseconds(9));
    EXPECT_LE(time.value(), microseconds(10));
  }
}

TEST(RowTime, QuickRunsABitAboveTheKnownDoNotHideTheSlowOnes) {
  RowTime time;
  time.Observe(microseconds(10));
  time.Observe(microseconds(4000));
  time.Observe(microseconds(11));
  EXPECT_EQ(time.value(), microseconds(11));
  time.Observe(microseconds(12));
  time.Observe(microseconds(4000));
  EXPECT_EQ(time.value(), microseconds(4000));
}

TEST(RowTime, AVerySlowRunIsBelievedAtOnce) {
  RowTime time;
  time.Observe(microseconds(10));
  time.Observe(RowTime::kBeyondDoubt - microseconds(1));
  EXPECT_EQ(time.value(), microseconds(10));
  time.Observe(RowTime::kBeyondDoubt);
  EXPECT_EQ(time.value(), RowTime::kBeyondDoubt);
}

TEST(VersionStats, EachCoreKnowsItsOwnTimes) {
  VersionStats stats(2);
  stats.ObserveRowTime(0, microseconds(10));
  EXPECT_EQ(stats.TimePerRow(0), microseconds(10));
  EXPECT_EQ(stats.TimePerRow(1), std::nullopt);
}

TEST(StatsRegistry, ListsWhatWasOnlyEverNamed) {
  StatsRegistry registry(1);
  registry.Of(ModelId("idle"), RouteName("r"), "1");
  registry.Of(ModelId("named"), RouteName("r"), "2")->RecordOverride(0, Outcome::kOk, WallTime{});
  ASSERT_EQ(registry.ReportAll().size(), 1U);
  EXPECT_EQ(registry.ReportAll()[0].id, ModelId("named"));
}

TEST(StatsRegistry, ResetStartsAnewForPeopleButNotForPrometheus) {
  StatsRegistry registry(1);
  const ModelId id("m");
  const auto stats = registry.Of(id, RouteName("r"), "1");
  EXPECT_EQ(registry.Of(id, RouteName("r"), "1"), stats);
  EXPECT_TRUE(registry.ReportAll().empty());
  stats->Record(0, false, Outcome::kOk, microseconds(100), WallTime{});
  ASSERT_TRUE(registry.Reset(id));
  stats->Record(0, false, Outcome::kError, microseconds(900), WallTime{});
  const VersionReport report = *registry.Report(id);
  EXPECT_EQ(report.total.plain.total(), 2U);
  EXPECT_EQ(report.since_reset.plain.total(), 1U);
  EXPECT_EQ(report.since_reset.plain.latency.count(), 1U);

  stats->RecordOverride(0, Outcome::kOk, WallTime{});
  EXPECT_EQ(registry.Report(id)->since_reset.override_total(), 1U);
  ASSERT_TRUE(registry.Reset(id));
  EXPECT_EQ(registry.Report(id)->since_reset.override_total(), 0U);
  EXPECT_EQ(registry.Report(id)->total.override_total(), 1U);
  EXPECT_FALSE(registry.Reset(ModelId("unknown")));
  EXPECT_FALSE(registry.Report(ModelId("unknown")));
}

}  // namespace
}  // namespace podium::view
