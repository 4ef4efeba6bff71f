#include "control/rollouts/left_evidence.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <bit>
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
  for (std::uint64_t key = 0; key < limits::kEvidenceBatch + 1; ++key) OneSlow(key);
  Die();
  ASSERT_TRUE(left_.Send());
  EXPECT_EQ(cut_.batches, (std::vector<std::size_t>{0, limits::kEvidenceBatch, 1}));
}

// A key with several rows goes whole into a batch, or into the next one.
TEST(TakeHits, ABatchHasRoomForRowsNotForKeys) {
  view::LeftTally tally;
  tally.rollout = RolloutId("r");
  for (std::uint64_t unit = 0; unit < 3; ++unit) {
    view::MergedKey key;
    key.unit = unit;
    for (std::size_t series = 0; series < 4; ++series) key.ranks[series].Add(1);
    ASSERT_EQ(std::popcount(key.hit()), 4);
    tally.keys.push_back(key);
  }
  std::size_t key = 0;
  EXPECT_EQ(TakeHits(tally, key, kRolloutSeries).size(), 8U);
  EXPECT_EQ(key, 2U);
  EXPECT_EQ(TakeHits(tally, key, kRolloutSeries).size(), 4U);
  EXPECT_EQ(key, 3U);
  EXPECT_TRUE(TakeHits(tally, key, kRolloutSeries).empty());
}

// What this replica counts itself must not wait for a million keys of somebody else's.
TEST_F(LeftEvidenceTest, OneCallStoresAPartAndTheNextGoesOnBehindIt) {
  constexpr std::size_t kFirst = (LeftEvidence::kWritesOfCall - 1) * limits::kEvidenceBatch;
  for (std::uint64_t key = 0; key < kFirst + 1; ++key) OneSlow(key);
  Die();
  ASSERT_TRUE(left_.Send());
  EXPECT_EQ(Stored().hits.size(), kFirst);
  EXPECT_TRUE(AnythingLeft());
  LeftEvidence other(root_.path(), cut_);
  cut_.batches.clear();
  ASSERT_TRUE(other.Send());
  EXPECT_TRUE(cut_.batches.empty()) << "it is being sent";
  cut_.away = true;
  EXPECT_FALSE(left_.Send());
  cut_.away = false;
  ASSERT_TRUE(left_.Send());
  EXPECT_EQ(cut_.batches, std::vector<std::size_t>{1}) << "nothing is sent again";
  EXPECT_EQ(Stored().hits.size(), kFirst + 1);
  EXPECT_FALSE(AnythingLeft());
}

// A folder on a sick disk, or of another user, is told of, and holds up nobody else's.
TEST_F(LeftEvidenceTest, AFileThatCannotBeReadHoldsUpNoOther) {
  OneSlow(1);
  Die();
  fs::create_directory(root_ / "a/0000.tally");  // Opens, and every read of it fails.
  fs::create_directory(root_ / "0");
  fs::create_directory(root_ / "0/0000.tally");
  const Status sent = left_.Send();
  ASSERT_FALSE(sent);
  EXPECT_EQ(sent.error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(Units(), 1U);
  EXPECT_FALSE(fs::exists(root_ / "a/0001.tally"));
  EXPECT_TRUE(fs::exists(root_ / "a/0000.tally")) << "it was not sent";
}

/// As many descriptors as are open now, and `more`.
class FewDescriptors {
 public:
  explicit FewDescriptors(rlim_t more) {
    EXPECT_EQ(::getrlimit(RLIMIT_NOFILE, &before_), 0);
    const int lowest = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    ::close(lowest);
    rlimit few = before_;
    few.rlim_cur = static_cast<rlim_t>(lowest) + more;
    EXPECT_EQ(::setrlimit(RLIMIT_NOFILE, &few), 0);
  }
  ~FewDescriptors() { ::setrlimit(RLIMIT_NOFILE, &before_); }
  FewDescriptors(const FewDescriptors&) = delete;
  FewDescriptors& operator=(const FewDescriptors&) = delete;

 private:
  rlimit before_{};
};

// A list that was cut off names nothing, which is not the same as that there is nothing.
TEST_F(LeftEvidenceTest, WhatCannotBeListedStaysAndIsAnError) {
  OneSlow(1);
  Die();
  for (const rlim_t descriptors :
       {0UL, 1UL}) {  // Not the root; not the folder in it, which is held.
    const FewDescriptors few(descriptors);
    EXPECT_FALSE(left_.Send()) << descriptors;
  }
  EXPECT_TRUE(AnythingLeft());
  ASSERT_TRUE(left_.Send());
  EXPECT_EQ(Units(), 1U);
  EXPECT_FALSE(AnythingLeft());
}

// What came into a folder after it was listed was not sent.
TEST_F(LeftEvidenceTest, AFolderGoesOnlyWhenItIsEmpty) {
  OneSlow(1);
  Die();
  std::ofstream(root_ / "a/notes.txt") << "of a person who looks into it";
  ASSERT_TRUE(left_.Send());
  EXPECT_FALSE(fs::exists(root_ / "a/0001.tally"));
  EXPECT_TRUE(fs::exists(root_ / "a/notes.txt"));
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
