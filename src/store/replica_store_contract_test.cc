// What every store must do for replicas: who is live, and what each can serve.
#include "store/replica_store_contract.h"

#include "base/limits.h"

namespace podium::store {
namespace {

using namespace std::chrono_literals;

INSTANTIATE_TEST_SUITE_P(Stores, ReplicaContract, ::testing::ValuesIn(ReplicaBackends()),
                         [](const auto& info) { return info.param.name; });

TEST_P(ReplicaContract, ShowsWhoJoinedAndWhatTheyHaveApplied) {
  Join("b");
  Join("a");
  ReplicaBeat beat = BeatOf("a", 7);
  beat.ready = 3;
  beat.failed = 1;
  EXPECT_TRUE(Beat(beat));
  const std::vector<ReplicaRow> rows = Replicas();
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[0].self, ReplicaOf("a"));
  EXPECT_EQ(rows[0].applied, Generation(7));
  EXPECT_EQ(rows[0].ready, 3);
  EXPECT_EQ(rows[0].failed, 1);
  EXPECT_EQ(rows[0].joined_at, clock_.Now());
  EXPECT_EQ(rows[1].self.id, "b");
  EXPECT_EQ(rows[1].applied, Generation(0));
}

// At the limit it is waited for; past it nobody waits for the dead.
TEST_P(ReplicaContract, SilenceBeyondTheLimitIsDeath) {
  Join("a");
  clock_.Advance(limits::kReplicaExpiry);
  EXPECT_TRUE(IsLive(Replicas().at(0)));
  clock_.Advance(1us);
  EXPECT_FALSE(IsLive(Replicas().at(0)));
  EXPECT_EQ(Replicas().at(0).silence, limits::kReplicaExpiry + 1us);
  EXPECT_TRUE(Beat(BeatOf("a", 1)));  // It was only cut off.
  EXPECT_TRUE(IsLive(Replicas().at(0)));
}

// A clock that was set back makes nobody younger than now.
TEST_P(ReplicaContract, SilenceIsNeverNegative) {
  Join("a");
  clock_.SetWall(testing::SimClock::kStart - 1h);
  EXPECT_GE(Replicas().at(0).silence, 0us);
  EXPECT_TRUE(IsLive(Replicas().at(0)));
}

// What was silent for too long before the clock was stepped back does not come to life by it.
TEST_P(ReplicaContract, AClockSetBackDoesNotWakeTheDead) {
  Join("dead");
  Join("living");
  clock_.Advance(limits::kReplicaExpiry + 1s);
  EXPECT_TRUE(Beat(BeatOf("living", 1)));
  clock_.SetWall(testing::SimClock::kStart - 1h);
  EXPECT_TRUE(Beat(BeatOf("living", 2)));
  EXPECT_FALSE(IsLive(Replicas().at(0)));
  EXPECT_TRUE(IsLive(Replicas().at(1)));
}

// Whoever could not beat either knows nothing of the others' silence.
TEST(IsLive, SilenceCountsOnceTheAskerHasBeatenForLongEnough) {
  ReplicaRow row;
  row.silence = limits::kReplicaExpiry + 1us;
  EXPECT_TRUE(IsLive(row, 0ns));
  EXPECT_TRUE(IsLive(row, limits::kReplicaExpiry - 1ns));
  EXPECT_FALSE(IsLive(row, limits::kReplicaExpiry));
  row.silence = limits::kReplicaExpiry;
  EXPECT_TRUE(IsLive(row, limits::kReplicaExpiry));
}

TEST_P(ReplicaContract, TellsWhatEachReplicaSaysOfAVersion) {
  for (const char* id : {"a", "b", "c"}) Join(id);
  EXPECT_TRUE(Beat(BeatOf("a", 1, {ReadyOf("m"), FailedOf("n", "bad bytes")})));
  EXPECT_TRUE(Beat(BeatOf("b", 1, {FailedOf("m", "no memory")})));
  EXPECT_EQ(Readiness("m"), "a ready, b failed: no memory, c absent");
  EXPECT_EQ(Readiness("nobody's"), "a absent, b absent, c absent");
  EXPECT_TRUE(Beat(BeatOf("b", 2, {ReadyOf("m")})));
  EXPECT_TRUE(Beat(BeatOf("a", 2, {}, {ModelId("m")})));
  EXPECT_EQ(Readiness("m"), "a absent, b ready, c absent");
  EXPECT_EQ(store_->ReadFailed("a"), (std::vector{FailedOf("n", "bad bytes")}));
  EXPECT_EQ(store_->ReadFailed("b"), std::vector<ReplicaVersion>());
  EXPECT_EQ(store_->ReadFailed("nobody"), std::vector<ReplicaVersion>());
}

TEST_P(ReplicaContract, TakesABeatOfTheLargestSize) {
  Join("a");
  std::vector<ReplicaVersion> reported;
  std::vector<ModelId> withdrawn;
  for (std::size_t i = 0; i < limits::kReplicaReportBatch; ++i) {
    reported.push_back(FailedOf("m" + std::to_string(i), "why"));
    withdrawn.push_back(reported.back().id);
  }
  EXPECT_TRUE(Beat(BeatOf("a", 1, reported)));
  static_assert(limits::kReplicaReportBatch == std::size_t{limits::kPageMax});
  EXPECT_EQ(store_->ReadFailed("a")->size(), limits::kReplicaReportBatch);
  EXPECT_TRUE(Beat(BeatOf("a", 1, {}, withdrawn)));
  EXPECT_EQ(store_->ReadFailed("a")->size(), 0U);
}

// A process that starts anew has loaded nothing, whatever the one before it had.
TEST_P(ReplicaContract, ANewIncarnationBeginsWithNothingReady) {
  Join("a");
  EXPECT_TRUE(Beat(BeatOf("a", 5, {ReadyOf("m")})));
  Join("a", "second");
  EXPECT_EQ(Readiness("m"), "a absent");
  EXPECT_EQ(Replicas().at(0).applied, Generation(0));
  // The old process, if it still runs, changes nothing of it, nor takes it away.
  EXPECT_FALSE(Beat(BeatOf("a", 6, {ReadyOf("m")})));
  EXPECT_TRUE(store_->Leave(ReplicaOf("a")));
  EXPECT_EQ(Readiness("m"), "a absent");
}

TEST_P(ReplicaContract, WhoLeavesIsGoneWithItsReports) {
  Join("a");
  Join("b");
  EXPECT_TRUE(Beat(BeatOf("a", 5, {ReadyOf("m")})));
  EXPECT_TRUE(store_->Leave(ReplicaOf("a")));
  EXPECT_EQ(Readiness("m"), "b absent");
  EXPECT_FALSE(Beat(BeatOf("a", 6)));
  Join("a");
  EXPECT_EQ(Readiness("m"), "a absent, b absent");
}

TEST_P(ReplicaContract, ForgetsTheDeadAfterADay) {
  Join("old");
  EXPECT_TRUE(Beat(BeatOf("old", 5, {ReadyOf("m")})));
  clock_.Advance(limits::kReplicaForgotten - 1us);
  Join("young");
  EXPECT_EQ(Replicas().size(), 2U);
  clock_.Advance(1us);
  Join("youngest");
  EXPECT_EQ(Readiness("m"), "young absent, youngest absent");
}

TEST_P(ReplicaContract, WantsAreForgottenInTime) {
  EXPECT_TRUE(store_->Want(ModelId("m"), 1000ms));
  EXPECT_TRUE(store_->Want(ModelId("n"), 3000ms));
  EXPECT_TRUE(store_->Want(ModelId("n"), 10ms));  // Never shorter than somebody was promised.
  EXPECT_EQ(store_->ReadWanted(), (std::vector{ModelId("m"), ModelId("n")}));
  clock_.Advance(1000ms);
  EXPECT_EQ(store_->ReadWanted(), (std::vector{ModelId("n")}));
  EXPECT_TRUE(store_->Want(ModelId("n"), 3000ms));
  clock_.Advance(2500ms);
  EXPECT_EQ(store_->ReadWanted(), (std::vector{ModelId("n")}));
  clock_.Advance(500ms);
  EXPECT_EQ(store_->ReadWanted(), std::vector<ModelId>());
}

}  // namespace
}  // namespace podium::store
