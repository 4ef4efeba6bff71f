#include "control/rollouts/epoch_counts.h"

#include <gtest/gtest.h>

#include "control/rollouts/rollout_rows_fixture.h"

namespace podium::control {
namespace {

TEST(EpochCounts, AddsUpReplicasAndKeepsEpochsApart) {
  RolloutRows rows;
  rows.Count(true, 10, 1, "a").Count(true, 20, 2, "b").Count(false, 300, 4, "a");
  rows.Begin(rows.epoch(), std::chrono::minutes(10)).Count(true, 7, 0, "a");
  const std::vector<EpochCounts> epochs = MergeCounts(rows.rows());
  ASSERT_EQ(epochs.size(), 2u);
  EXPECT_EQ(epochs[0].canary.units, 30u);
  EXPECT_EQ(epochs[0].canary.bad[0], 3u);
  EXPECT_EQ(epochs[0].primary.bad[0], 4u);
  EXPECT_EQ(epochs[0].incarnations, 2u);
  EXPECT_EQ(epochs[1].canary.units, 7u);
  EXPECT_EQ(epochs[1].incarnations, 1u);
}

// A replica without traffic must not halve what the others count, nor keep keys open.
TEST(EpochCounts, WhoStandsByDoesNotCount) {
  RolloutRows rows(SplitUnit::kSession);
  rows.Count(true, 1, 0, "a").Count(true, 0, 0, "b").Count(false, 0, 0, "b");
  EXPECT_EQ(MergeCounts(rows.rows())[0].incarnations, 1u);
}

// A row of an epoch that the rollout does not have would end up in another's evidence.
TEST(EpochCounts, PassesOverRowsOfNoEpoch) {
  RolloutRows rows;
  rows.Count(true, 10, 1);
  rows.rows().counts.back().epoch = 5;
  rows.Hit(true, 1, 1);
  rows.rows().hits.back().epoch = 5;
  rows.Hit(true, 1, 1);
  rows.rows().hits.back().series = kRolloutSeries;
  const std::vector<EpochCounts> epochs = MergeCounts(rows.rows());
  EXPECT_EQ(epochs[0].canary, ArmTotal());
  EXPECT_EQ(epochs[0].tallies[0].canary_hit, 0u);
}

// One key is one coin, however many replicas saw it fail.
TEST(EpochCounts, MergesAKeyThatTwoReplicasSaw) {
  RolloutRows rows(SplitUnit::kSession);
  rows.Hit(true, 42, 1, "a", 3, 20).Hit(true, 42, 1, "b", 15, 20).Hit(false, 43, 1, "b");
  const std::vector<EpochCounts> epochs = MergeCounts(rows.rows());
  ASSERT_EQ(epochs[0].keys[0].size(), 2u);
  EXPECT_EQ(epochs[0].tallies[0].canary_hit, 1u);
  EXPECT_EQ(epochs[0].Primary().keys[0].size(), 1u);
  const rollout::KeyHit& key = epochs[0].keys[0][0];
  EXPECT_EQ(key.record.bad, rollout::kScoredRequests);  // Clipped.
  EXPECT_EQ(key.record.second_rank, 0u);
}

// A key is judged by its score only when it cannot change any more.
TEST(EpochCounts, ClosesKeys) {
  struct Case {
    const char* name;
    std::uint32_t seen;
    bool other_counts;
    bool over;
    bool want;
  };
  const Case cases[] = {
      {"seen too seldom", 15, false, false, false},
      {"seen 16 times by the only one", 16, false, false, true},
      {"another replica may still see it", 16, true, false, false},
      {"the epoch is over", 1, true, true, true},

  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    RolloutRows rows(SplitUnit::kSession);
    rows.Count(true, 1, 0, "a").Hit(true, 42, 1, "a", 2, c.seen);
    if (c.other_counts) rows.Count(false, 1, 0, "b");
    if (c.over) rows.Begin(rows.epoch(), std::chrono::minutes(10));
    EXPECT_EQ(MergeCounts(rows.rows())[0].keys[0][0].closed, c.want);
  }
}

// Who reports a custom metric is no replica: else the keys of each arm would be divided by one
// more than have counted them.
TEST(MergeCounts, ReportsAreNoReplica) {
  RolloutRows rows(SplitUnit::kSession);
  rows.Count(true, 100, 0, "a").Count(false, 900, 0, "a").Hit(true, 1, 2, "reports");
  for (store::RolloutHit& hit : rows.rows().hits) hit.series = kRolloutSeries;
  rows.rows().hits[1].first_rank = 1;  // Not of the first request of its key.
  const std::vector<EpochCounts> epochs = MergeCounts(rows.rows());
  EXPECT_EQ(epochs[0].incarnations, 1u);
  EXPECT_EQ(epochs[0].tallies[kRolloutSeries].canary_hit, 2u);
  EXPECT_EQ(epochs[0].tallies[kRolloutSeries].canary_early, 1u);
  EXPECT_EQ(epochs[0].tallies[0].hit, 0u);
}

}  // namespace
}  // namespace podium::control
