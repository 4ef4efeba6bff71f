#include "control/rollouts/left_evidence.h"

#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>

#include "base/limits.h"
#include "control/rollouts/driver_world_fixture.h"
#include "control/rollouts/evidence_sender.h"
#include "testing/temp_dir.h"

namespace podium::control {
namespace {

namespace fs = std::filesystem;

class LeftEvidenceTest : public DriverWorldTest {
 protected:
  LeftEvidenceTest() : DriverWorldTest(SplitUnit::kSession) { Live("a"); }

  void Live(const std::string& incarnation) {
    tallies_.emplace(2, *view::TallyFolder::Make(root_.path(), incarnation));
    tally_ = tallies_->Of(MarkOf(Row()));
  }
  /// kill -9: nothing of it runs on, and its files stay.
  void Die() {
    tally_.reset();
    tallies_.reset();
  }
  /// A key is slow once; each key has a cell of its own.
  void OneSlow(std::uint64_t key) {
    const view::RolloutTicket ticket = tally_->Admit(0, false, key << 44U);
    view::RolloutOutcome outcome;
    outcome.latency = std::chrono::milliseconds(15);  // Above the median alone.
    tally_->Record(0, ticket, outcome);
  }
  store::RolloutEvidence Stored() { return *store_.ReadEvidence(id_); }
  std::uint64_t Units() { return MergeCounts(Stored())[0].primary.units; }
  bool AnythingLeft() const { return !fs::is_empty(root_.path()); }

  const podium::testing::TempDir root_;
  CutStore cut_{store_};
  std::optional<view::RolloutTallies> tallies_;
  std::shared_ptr<view::RolloutTally> tally_;
  LeftEvidence left_{root_.path(), cut_};
};

TEST_F(LeftEvidenceTest, BringsWhatADeadReplicaHadCounted) {
  OneSlow(1);
  tally_->Ineligible(1);
  ASSERT_TRUE(left_.Send());
  EXPECT_TRUE(Stored().counts.empty()) << "its owner lives, and sends itself";
  Die();
  ASSERT_TRUE(left_.Send());
  const store::RolloutEvidence stored = Stored();
  ASSERT_EQ(stored.hits.size(), 1U);
  EXPECT_EQ(stored.hits[0].unit, 1ULL << 44U);
  EXPECT_EQ(stored.hits[0].incarnation, "a");
  EXPECT_EQ(stored.hits[0].second_rank, rollout::kNoRank);
  EXPECT_EQ(stored.hits[0].seen, 1U);
  EXPECT_EQ(MergeCounts(stored)[0].ineligible, 1U);
  EXPECT_FALSE(AnythingLeft());
}

// What it had sent itself comes again under its own name: its numbers, not more.
TEST_F(LeftEvidenceTest, CountsNothingTwice) {
  EvidenceSender sender(*tallies_, cut_, "a", [] { return std::vector<RolloutMark>{}; });
  OneSlow(1);
  OneSlow(2);
  ASSERT_TRUE(sender.Send());
  OneSlow(3);
  Die();
  cut_.loses_words = true;
  for (int i = 0; i < 3; ++i) {
    EXPECT_FALSE(left_.Send());
    EXPECT_TRUE(AnythingLeft()) << "nobody heard that it was stored";
  }
  cut_.loses_words = false;
  ASSERT_TRUE(left_.Send());
  EXPECT_EQ(Units(), 3U);
  EXPECT_EQ(Stored().hits.size(), 3U);
  EXPECT_FALSE(AnythingLeft());
}

// An epoch that was forgotten and has come back is counted in a file of its own.
TEST_F(LeftEvidenceTest, WhatWasCountedAnewComesOnTop) {
  EvidenceSender sender(*tallies_, cut_, "a", [] { return std::vector<RolloutMark>{}; });
  OneSlow(1);
  OneSlow(2);
  tally_.reset();
  for (int i = 0; i < 2; ++i) ASSERT_TRUE(sender.Send());
  tally_ = tallies_->Of(MarkOf(Row()));
  OneSlow(3);
  Die();
  ASSERT_TRUE(left_.Send());
  EXPECT_EQ(Units(), 3U);
  EXPECT_EQ(Stored().hits.size(), 3U);
}

TEST_F(LeftEvidenceTest, WaitsForTheStore) {
  OneSlow(1);
  Die();
  cut_.away = true;
  EXPECT_FALSE(left_.Send());
  EXPECT_TRUE(AnythingLeft());
  cut_.away = false;
  ASSERT_TRUE(left_.Send());
  EXPECT_EQ(Units(), 1U);
}

// A store must not be held for as long as a million keys take.
TEST_F(LeftEvidenceTest, WritesInBoundedBatches) {
  const std::size_t keys = limits::kEvidenceBatch / kRolloutSeries + 1;
  for (std::uint64_t key = 0; key < keys; ++key) OneSlow(key);
  Die();
  ASSERT_TRUE(left_.Send());
  EXPECT_EQ(cut_.batches, (std::vector<std::size_t>{0, keys - 1, 1}));
}

// Its rollout is over: nobody asks any more, and the file goes.
TEST_F(LeftEvidenceTest, WhatIsOfNoRunningRolloutGoes) {
  OneSlow(1);
  Die();
  Must(Verb(store::RolloutMove::kAbort), /*named=*/true);
  ASSERT_TRUE(left_.Send());
  EXPECT_TRUE(Stored().counts.empty());
  EXPECT_FALSE(AnythingLeft());
}

TEST_F(LeftEvidenceTest, RemovesWhatNobodyCanReadAndKeepsWhatOthersCan) {
  OneSlow(1);
  const std::string file = root_ / "a/0001.tally";
  std::ifstream in(file, std::ios::binary);
  std::string bytes{std::istreambuf_iterator<char>(in), {}};
  Die();
  const auto write = [&](const std::string& name, const std::string& what) {
    std::ofstream(root_ / name, std::ios::binary) << what;
  };
  write("a/0002.tally", bytes.substr(0, 100'000));
  write("a/0003.tally", "no tally");
  write("a/0004.tally.new", "of one that died while it made it");
  bytes[offsetof(view::TallyHead, format)] = 2;
  write("a/0005.tally", bytes);
  for (int i = 0; i < 2; ++i) ASSERT_TRUE(left_.Send());
  EXPECT_EQ(Units(), 1U);
  EXPECT_FALSE(fs::exists(file));
  EXPECT_FALSE(fs::exists(root_ / "a/0002.tally"));
  EXPECT_FALSE(fs::exists(root_ / "a/0003.tally"));
  EXPECT_TRUE(fs::exists(root_ / "a/0005.tally")) << "another version reads it";
}

// No folder is no evidence; and a stray file is nobody's.
TEST_F(LeftEvidenceTest, FindsNothingWhereNothingIs) {
  EXPECT_TRUE(LeftEvidence(root_ / "none", cut_).Send());
  std::ofstream(root_ / "stray") << "no folder";
  fs::create_directory(root_ / "b.new");
  EXPECT_TRUE(left_.Send());
  EXPECT_TRUE(fs::exists(root_ / "b.new")) << "somebody is about to name it";
  EXPECT_TRUE(cut_.batches.empty());
}

}  // namespace
}  // namespace podium::control
