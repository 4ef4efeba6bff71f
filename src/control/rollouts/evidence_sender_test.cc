#include "control/rollouts/evidence_sender.h"

#include <gtest/gtest.h>

#include <utility>

#include "base/limits.h"
#include "control/rollouts/driver_world_fixture.h"

namespace podium::control {
namespace {

class EvidenceSenderTest : public DriverWorldTest {
 protected:
  EvidenceSenderTest() : DriverWorldTest(SplitUnit::kSession) {
    live_ = {MarkOf(Row())};
    tally_ = tallies_.Of(live_[0]);
  }
  /// A key is slow once; each key has a cell of its own.
  void BeSlow(std::uint64_t key) {
    const view::RolloutTicket ticket = tally_->Admit(0, false, key << 44U);
    view::RolloutOutcome outcome;
    outcome.latency = std::chrono::milliseconds(15);  // Above the median alone.
    tally_->Record(0, ticket, outcome);
  }
  std::size_t StoredKeys() { return store_.ReadEvidence(id_)->hits.size(); }
  std::uint64_t StoredUnits() {
    std::uint64_t units = 0;
    const Result<store::RolloutEvidence> stored = store_.ReadEvidence(id_);
    for (const store::RolloutCount& row : stored->counts) units += row.units;
    return units;
  }

  CutStore cut_{store_};
  view::RolloutTallies tallies_{2};
  std::vector<RolloutMark> live_;
  std::shared_ptr<view::RolloutTally> tally_;
  EvidenceSender sender_{tallies_, cut_, "a", [this] { return live_; }};
};

TEST_F(EvidenceSenderTest, StoresWhatHasChanged) {
  ASSERT_TRUE(sender_.Send());
  EXPECT_TRUE(cut_.batches.empty());
  BeSlow(1);
  tally_->Ineligible(0);
  ASSERT_TRUE(sender_.Send());
  const auto evidence = store_.ReadEvidence(id_);
  ASSERT_EQ(evidence->hits.size(), 1u);
  EXPECT_EQ(evidence->hits[0].unit, 1ULL << 44U);
  EXPECT_EQ(evidence->hits[0].incarnation, "a");
  EXPECT_EQ(evidence->hits[0].second_rank, rollout::kNoRank);
  EXPECT_EQ(MergeCounts(*evidence)[0].ineligible, 1u);
  const std::size_t writes = cut_.batches.size();
  ASSERT_TRUE(sender_.Send());
  EXPECT_EQ(cut_.batches.size(), writes);
}

TEST_F(EvidenceSenderTest, KeepsWhatCouldNotBeStored) {
  cut_.away = true;
  BeSlow(1);
  EXPECT_FALSE(sender_.Send());
  BeSlow(2);
  EXPECT_FALSE(sender_.Send());
  EXPECT_EQ(StoredKeys(), 0u);
  cut_.away = false;
  ASSERT_TRUE(sender_.Send());
  EXPECT_EQ(StoredKeys(), 2u);
  EXPECT_EQ(StoredUnits(), 2u);
}

TEST_F(EvidenceSenderTest, ALostAnswerCountsNothingTwice) {
  cut_.loses_words = true;
  BeSlow(1);
  EXPECT_FALSE(sender_.Send());
  cut_.loses_words = false;
  ASSERT_TRUE(sender_.Send());
  EXPECT_EQ(StoredKeys(), 1u);
  EXPECT_EQ(StoredUnits(), 1u);
}

// A store must not be held for as long as a million keys take.
TEST_F(EvidenceSenderTest, WritesInBoundedBatches) {
  for (std::uint64_t key = 0; key < limits::kEvidenceBatch; ++key) BeSlow(key);
  ASSERT_TRUE(sender_.Send());
  EXPECT_EQ(cut_.batches, (std::vector<std::size_t>{0, limits::kEvidenceBatch}));
  cut_.batches.clear();
  for (std::uint64_t key = 0; key <= limits::kEvidenceBatch; ++key) BeSlow(1'000 + key);
  ASSERT_TRUE(sender_.Send());
  EXPECT_EQ(cut_.batches, (std::vector<std::size_t>{0, limits::kEvidenceBatch, 1}));
}

TEST_F(EvidenceSenderTest, TheRestOfACutBatchGoesAgain) {
  for (std::uint64_t key = 0; key <= limits::kEvidenceBatch; ++key) BeSlow(key);
  cut_.writes_until_away = 2;  // The counts, and the first batch.
  EXPECT_FALSE(sender_.Send());
  EXPECT_EQ(StoredKeys(), limits::kEvidenceBatch);
  cut_.away = false;
  cut_.batches.clear();
  ASSERT_TRUE(sender_.Send());
  EXPECT_EQ(cut_.batches, std::vector<std::size_t>{1});
  EXPECT_EQ(StoredKeys(), limits::kEvidenceBatch + 1);
}

// The last outcomes of an epoch come when it is over.
TEST_F(EvidenceSenderTest, ForgetsATallyWhenAllOfItIsStored) {
  BeSlow(1);
  live_.clear();
  cut_.away = true;
  const std::weak_ptr<view::RolloutTally> seen = tally_;
  tally_.reset();
  for (int i = 0; i < 3; ++i) EXPECT_FALSE(sender_.Send());
  EXPECT_FALSE(seen.expired());
  cut_.away = false;
  for (int i = 0; i < 2; ++i) ASSERT_TRUE(sender_.Send());
  EXPECT_TRUE(seen.expired());
  EXPECT_EQ(StoredKeys(), 1u);
}

// The route's row came back from a backup, or a newer epoch was lost with a database: what is
// counted in it from now on comes on top, though its counters begin at 0.
TEST_F(EvidenceSenderTest, AnEpochThatComesBackCountsOnTop) {
  for (std::uint64_t key = 1; key <= 3; ++key) BeSlow(key);
  const RolloutMark mark = std::exchange(live_, {})[0];
  tally_.reset();
  for (int i = 0; i < 2; ++i) ASSERT_TRUE(sender_.Send());
  ASSERT_TRUE(tallies_.All().empty());
  for (const std::uint64_t stored : {4U, 5U}) {
    live_ = {mark};
    tally_ = tallies_.Of(mark);
    BeSlow(9);  // The same key, which is one key.
    ASSERT_TRUE(sender_.Send());
    EXPECT_EQ(StoredUnits(), stored);
    EXPECT_EQ(MergeCounts(*store_.ReadEvidence(id_))[0].keys[1].size(), 4U);
    live_.clear();
    tally_.reset();
    for (int i = 0; i < 2; ++i) ASSERT_TRUE(sender_.Send());
  }
}

// What was counted by thresholds that no epoch has any more is evidence of nothing.
TEST_F(EvidenceSenderTest, AnEpochThatWasReplacedIsNotStored) {
  BeSlow(1);
  ASSERT_TRUE(sender_.Send());
  const auto lost = tally_;
  live_[0].thresholds.latency_ms = {1, 2, 3};
  tally_ = tallies_.Of(live_[0]);
  BeSlow(2);
  tally_ = lost;
  BeSlow(3);
  BeSlow(4);
  ASSERT_TRUE(sender_.Send());
  EXPECT_EQ(StoredUnits(), 2U);
}

TEST_F(EvidenceSenderTest, KeepsATallyThatACallIsCountedIn) {
  live_.clear();
  const std::weak_ptr<view::RolloutTally> seen = tally_;
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(sender_.Send());
  EXPECT_FALSE(seen.expired());
}

}  // namespace
}  // namespace podium::control
