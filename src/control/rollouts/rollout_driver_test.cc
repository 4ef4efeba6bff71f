// Drivers over a registry in memory: who acts, for how long, and what becomes of the rest.
#include "control/rollouts/rollout_driver.h"

#include <gtest/gtest.h>

#include <string>

#include "control/rollouts/driver_world_fixture.h"

namespace podium::control {
namespace {

using namespace std::chrono_literals;

class RolloutDriverTest : public DriverWorldTest {
 protected:
  void Pass(std::chrono::nanoseconds time) {
    clock_.Advance(time);
    one.steady.Advance(time);
    two.steady.Advance(time);
  }

  DrivingReplica one{store_, "one"};
  DrivingReplica two{store_, "two"};
};

TEST_F(RolloutDriverTest, TakesTheStepsOfThePlan) {
  std::string shares;
  for (int i = 0; i < 4; ++i) {
    shares += FormatPercent(Row().share()) + " ";
    CountAlike();
    one.Survey();
    Pass(1s);
  }
  EXPECT_EQ(shares, "5 25 50 50 ");
  EXPECT_EQ(Row().phase, RolloutPhase::kPromoted);
  EXPECT_EQ(Version("1.1").status, VersionStatus::kPrimary);
  one.Survey();
  EXPECT_TRUE(one.driver().Standings().empty());
}

// INV-12: what was decided can be decided again from what is stored with it.
TEST_F(RolloutDriverTest, Inv12EachMoveIsStoredWithItsProof) {
  CountAlike();
  one.Survey();
  const auto verdicts = store_.ReadVerdicts(id_);
  ASSERT_TRUE(verdicts);
  ASSERT_FALSE(verdicts->empty());
  const store::RolloutVerdict& last = verdicts->back();
  EXPECT_EQ(last.number, 1);
  EXPECT_EQ(last.decision, "step-up");
  const auto evidence = rollout::ParseEvidence(last.evidence);
  ASSERT_TRUE(evidence);
  EXPECT_EQ(rollout::Judge(*evidence)->decision, rollout::Decision::kStepUp);
}

TEST_F(RolloutDriverTest, TellsHowItStands) {
  Count(500, 5, 9'500, 95);
  one.Survey();
  const view::RolloutStanding standing = one.Standing(id_);
  EXPECT_TRUE(standing.driven_here);
  EXPECT_EQ(standing.decision, "hold");
  EXPECT_EQ(standing.share, Share(500));
  EXPECT_EQ(standing.units, 10'000u);
  EXPECT_FALSE(standing.sentence.empty());
  EXPECT_EQ(standing.looked_at, clock_.Now());
}

// E2: exactly one replica steps; after a failover the next one goes on where it was.
TEST_F(RolloutDriverTest, OneDrivesUntilItsLeaseHasRunOut) {
  one.Survey();
  two.Survey();
  EXPECT_TRUE(one.Standing(id_).driven_here);
  EXPECT_FALSE(two.Standing(id_).driven_here);
  CountAlike();
  Pass(9s);
  two.Survey();
  EXPECT_TRUE(two.moves.empty());
  Pass(2s);  // Since the first one was last heard of: it is dead.
  two.Survey();
  EXPECT_EQ(Row().share(), Share(2'500));
  EXPECT_EQ(two.moves.size(), 1u);
}

// It comes back from a long pause with an old lease: the store takes its moves no more.
TEST_F(RolloutDriverTest, AnOldTokenMovesNothing) {
  one.Survey();
  CountAlike();
  one.while_reading = [&] {  // Its steady clock stood still: a stopped virtual machine.
    clock_.Advance(11s);
    ASSERT_TRUE(*store_.TakeLease(id_, "two", kRolloutLease));
  };
  one.Survey();
  ASSERT_EQ(one.moves.size(), 1u);
  EXPECT_EQ(Row().share(), Share(500));
}

// A replica may take minutes to load the candidate: what is proven against it meanwhile is carried
// out at once, and the step up that comes too late is not.
TEST_F(RolloutDriverTest, GuardsGoOnWhileAStepUpIsMadeReady) {
  one.Survey();
  CountAlike();
  bool rolled_back = false;
  one.while_rising = [&] {
    Pass(5s);
    CountWorse();
  };
  one.carry = [&](const store::MoveRollout& move) {
    if (move.move == store::RolloutMove::kEpoch) rolled_back = HasEnded(Row().phase);
    return one.Commit(move);
  };
  one.Survey();
  ASSERT_EQ(one.moves.size(), 2u);
  EXPECT_EQ(one.moves[0].move, store::RolloutMove::kEpoch);
  EXPECT_EQ(one.moves[1].move, store::RolloutMove::kRollBack);
  EXPECT_TRUE(rolled_back) << "while the step up was on its way";
  EXPECT_EQ(Row().phase, RolloutPhase::kRolledBack);
  EXPECT_EQ(Version("1.1").status, VersionStatus::kStandby);
}

// Else each look would begin it anew, or move the row away under it.
TEST_F(RolloutDriverTest, OneStepUpAtATime) {
  one.Survey();
  CountAlike();
  one.while_rising = [&] { Pass(5s); };
  one.Survey();
  EXPECT_EQ(one.moves.size(), 1u);
  EXPECT_EQ(Row().share(), Share(2'500));
  CountAlike();
  one.Survey();
  EXPECT_EQ(Row().share(), Share(5'000)) << "and then the next one";
}

// Keys by the hundred thousand take their time: what they prove must not wait for a look that is
// quick, for there may never be one.
TEST_F(RolloutDriverTest, ALookThatTakesLongActsOnceTheLeaseIsItsOwnStill) {
  std::chrono::milliseconds took = kRolloutLease / 2;
  one.while_reading = [&] { Pass(took); };
  CountAlike();
  one.Survey();
  EXPECT_EQ(Row().share(), Share(2'500));
  EXPECT_EQ(one.cut.leases_taken, 2);
  took = kRolloutLease * 2;
  CountWorse();
  one.Survey();
  EXPECT_EQ(Row().phase, RolloutPhase::kRolledBack);
}

// Else two would move it, each by what it had seen before the other one did.
TEST_F(RolloutDriverTest, ALookThatOutlivesItsLeaseMovesNothingOfAnothers) {
  CountAlike();
  one.while_reading = [&] {
    Pass(kRolloutLease * 2);
    ASSERT_TRUE(*store_.TakeLease(id_, "two", kRolloutLease));
  };
  one.Survey();
  EXPECT_TRUE(one.moves.empty());
  EXPECT_FALSE(one.Standing(id_).driven_here);
  // It has come and gone: what one of them saw before it may be out of date all the same.
  one.while_reading = [&] {
    ASSERT_TRUE(store_.GiveUpLease(id_, "two"));
    Pass(kRolloutLease);
    ASSERT_TRUE(*store_.TakeLease(id_, "two", kRolloutLease));
    ASSERT_TRUE(store_.GiveUpLease(id_, "two"));
  };
  Pass(kRolloutLease);
  one.Survey();
  EXPECT_TRUE(one.moves.empty());
  one.while_reading = nullptr;
  one.Survey();
  EXPECT_EQ(one.moves.size(), 1u) << "the next look acts";
}

TEST_F(RolloutDriverTest, WithoutTheDatabaseALookThatTakesLongMovesNothing) {
  CountAlike();
  one.while_reading = [&] {
    Pass(kRolloutLease / 2);
    one.cut.away = true;
  };
  one.Survey();
  EXPECT_TRUE(one.moves.empty());
  EXPECT_FALSE(one.Standing(id_).trouble.empty());
}

TEST_F(RolloutDriverTest, ALeaseIsProlongedInGoodTime) {
  for (int i = 0; i < 20; ++i) {
    one.Survey();
    Pass(1s);
    two.Survey();
    EXPECT_FALSE(two.Standing(id_).driven_here);
  }
  EXPECT_LE(one.cut.leases_taken, 8);
}

TEST_F(RolloutDriverTest, AStopHandsOver) {
  one.Survey();
  one.driver().GiveUpLeases();
  two.Survey();
  EXPECT_TRUE(two.Standing(id_).driven_here);
}

TEST_F(RolloutDriverTest, AnOutageEndsWhereItBegan) {
  CountAlike();
  one.cut.away = true;
  for (int i = 0; i < 3; ++i) {
    one.Survey();
    Pass(5s);
  }
  EXPECT_EQ(Row().share(), Share(500));
  one.cut.away = false;
  one.Survey();
  EXPECT_EQ(Row().share(), Share(2'500));
}

TEST_F(RolloutDriverTest, AnOutageBeforeTheCommitIsTriedAgain) {
  CountWorse();
  one.while_reading = [&] { one.cut.away = true; };
  one.Survey();
  EXPECT_EQ(Row().phase, RolloutPhase::kRunning);
  EXPECT_FALSE(one.Standing(id_).trouble.empty());
  one.cut.away = false;
  one.while_reading = nullptr;
  one.Survey();
  EXPECT_EQ(Row().phase, RolloutPhase::kRolledBack);
}

// What an alarm has once reached stays so, also when nobody could act on it then.
TEST_F(RolloutDriverTest, APeakSurvivesAnOutage) {
  Count(500, 30, 9'500, 95);
  one.carry = [&](const store::MoveRollout&) -> Result<store::Committed> {
    return Fail(ErrorCode::kUnavailable, "the database is away");
  };
  one.Survey();
  ASSERT_EQ(one.moves.size(), 1u);
  EXPECT_EQ(one.moves[0].move, store::RolloutMove::kRollBack);
  Count(5'000, 80, 95'000, 1'500);  // The later part alone would not alarm.
  one.carry = [&](const store::MoveRollout& move) { return one.Commit(move); };
  one.Survey();
  EXPECT_EQ(Row().phase, RolloutPhase::kRolledBack);
}

// Abort beats promote: whoever comes second finds it ended.
TEST_F(RolloutDriverTest, AnAbortBeatsAPromotion) {
  for (int i = 0; i < 2; ++i) {
    CountAlike();
    one.Survey();
    Pass(1s);
  }
  CountAlike();
  one.carry = [&](const store::MoveRollout& move) {
    EXPECT_EQ(move.move, store::RolloutMove::kPromote);
    Must(Verb(store::RolloutMove::kAbort), true);
    return one.Commit(move);
  };
  one.Survey();
  EXPECT_EQ(Row().phase, RolloutPhase::kAborted);
  EXPECT_EQ(Version("1.0").status, VersionStatus::kPrimary);
}

TEST_F(RolloutDriverTest, APersonsMoveInBetweenIsSeenFirst) {
  CountAlike();
  one.while_reading = [&] {
    one.while_reading = nullptr;
    Must(Verb(store::RolloutMove::kPause), true);
  };
  one.Survey();
  EXPECT_EQ(one.moves.size(), 1u);  // On the way when the person came.
  EXPECT_EQ(Row().share(), Share(500));
  one.Survey();
  EXPECT_EQ(one.moves.size(), 1u);
  CountWorse();
  one.Survey();  // Guards run while it is paused.
  EXPECT_EQ(Row().phase, RolloutPhase::kRolledBack);
}

// INV-13: a step that cannot be taken neither hammers the replicas nor hides its deadline.
TEST_F(RolloutDriverTest, Inv13AStepUpThatFailsWaitsAndIsOverdueAllTheSame) {
  CountAlike();
  one.carry = [&](const store::MoveRollout& move) -> Result<store::Committed> {
    if (move.move != store::RolloutMove::kEpoch) return one.Commit(move);
    return Fail(ErrorCode::kUnprocessable, "replica b cannot load it");
  };
  one.Survey();
  Pass(9s);
  one.Survey();
  EXPECT_EQ(one.moves.size(), 1u);
  Pass(2h);
  one.Survey();  // Tried again, in vain.
  one.Survey();
  EXPECT_TRUE(Row().paged);
  EXPECT_EQ(Row().share(), Share(500));
  CountWorse();
  one.Survey();  // What takes away does not wait.
  EXPECT_EQ(Row().phase, RolloutPhase::kRolledBack);
}

TEST_F(RolloutDriverTest, KeepsALookWhenItHasChanged) {
  one.Survey();
  EXPECT_EQ(one.cut.looks_kept, 1);
  Pass(6s);
  one.Survey();
  EXPECT_EQ(one.cut.looks_kept, 1);
  Count(10, 0, 190, 0);
  one.Survey();
  EXPECT_EQ(one.cut.looks_kept, 2);
  Count(11, 0, 209, 0);
  Pass(4s);
  one.Survey();
  EXPECT_EQ(one.cut.looks_kept, 2);
  Pass(2s);
  one.Survey();
  EXPECT_EQ(one.cut.looks_kept, 3);
  const auto verdicts = store_.ReadVerdicts(id_);
  ASSERT_EQ(verdicts->size(), 1u);
  EXPECT_EQ(verdicts->front().number, 0);
  EXPECT_EQ(verdicts->front().decision, "hold");
}

// Its share stays, and no guard looks at it: somebody has to hear of it.
TEST_F(RolloutDriverTest, ARowThatCannotBeReadIsTold) {
  CountAlike();
  one.cut.rows_damaged = true;
  one.Survey();
  one.Survey();
  EXPECT_TRUE(one.moves.empty());
  ASSERT_EQ(one.driver().Standings().size(), 1u);
  EXPECT_TRUE(one.Standing(id_).unread);
  EXPECT_NE(one.Standing(id_).trouble.find("cannot be read"), std::string::npos);
  one.cut.rows_damaged = false;
  one.Survey();
  EXPECT_FALSE(one.Standing(id_).unread);
  EXPECT_EQ(one.Standing(id_).trouble, "");
  EXPECT_EQ(one.Standing(id_).route, kRoute);
  EXPECT_EQ(Row().share(), Share(2'500));
}

// A candidate behind an open breaker gets no traffic, so no evidence would ever stop it.
TEST_F(RolloutDriverTest, ABreakerThatDoesNotCloseAborts) {
  one.broken = true;
  for (int i = 0; i <= 30; ++i) {
    one.Survey();
    Pass(1s);
    EXPECT_EQ(Row().phase, RolloutPhase::kRunning);
    if (i != 10) continue;
    one.broken = false;  // It closed in between: counted anew.
    one.Survey();
    one.broken = true;
  }
  for (int i = 0; i < 12; ++i) {
    one.Survey();
    Pass(1s);
  }
  EXPECT_EQ(Row().phase, RolloutPhase::kAborted);
  EXPECT_NE(Row().said.find("circuit breaker"), std::string::npos);
}

// Nobody looked in between: it may have closed and opened many times.
TEST_F(RolloutDriverTest, ABreakerThatWasOpenBeforeAnOutageIsTimedAnew) {
  one.broken = true;
  one.Survey();
  one.cut.away = true;
  for (int i = 0; i < 40; ++i) {
    one.Survey();
    Pass(1s);
  }
  one.cut.away = false;
  one.Survey();
  EXPECT_EQ(Row().phase, RolloutPhase::kRunning);
  for (int i = 0; i < 32; ++i) {
    one.Survey();
    Pass(1s);
  }
  EXPECT_EQ(Row().phase, RolloutPhase::kAborted);
}

TEST_F(RolloutDriverTest, ABreakerIsTimedAnewByWhoeverDrivesAgain) {
  one.broken = true;
  for (int i = 0; i < 29; ++i) {
    one.Survey();
    Pass(1s);
  }
  one.driver().GiveUpLeases();
  ASSERT_TRUE(*store_.TakeLease(id_, "two", kRolloutLease));
  one.Survey();
  ASSERT_TRUE(store_.GiveUpLease(id_, "two"));
  for (int i = 0; i < 3; ++i) {
    one.Survey();
    Pass(1s);
  }
  EXPECT_EQ(Row().phase, RolloutPhase::kRunning);
}

TEST_F(RolloutDriverTest, BeginsNothingAfterItsEnd) {
  CountAlike();
  one.driver().End();
  one.Survey();
  EXPECT_TRUE(one.moves.empty());
}

// The database's clock jumps; nobody's steady clock does.
TEST_F(RolloutDriverTest, ClockJumpsPromoteNothing) {
  one.Survey();
  clock_.SetWall(clock_.Now() - std::chrono::hours(48));
  one.Survey();
  EXPECT_EQ(Row().share(), Share(500));
  clock_.SetWall(clock_.Now() + std::chrono::hours(24 * 30));
  one.steady.Advance(5s);
  one.Survey();
  EXPECT_EQ(Row().phase, RolloutPhase::kRunning);
  EXPECT_EQ(Row().share(), Share(500));
}

// --- What is read ---

class StickyRolloutDriverTest : public DriverWorldTest {
 protected:
  StickyRolloutDriverTest() : DriverWorldTest(SplitUnit::kSession) {}

  // Keys from `first` on, of which every twentieth is the candidate's.
  void HitKeys(std::uint32_t epoch, std::uint64_t first, std::uint64_t keys) {
    std::vector<store::RolloutHit> hits;
    for (std::uint64_t unit = first; unit < first + keys; ++unit) {
      store::RolloutHit& hit = hits.emplace_back();
      hit.rollout = id_;
      hit.epoch = epoch;
      hit.unit = unit;
      hit.incarnation = unit % 2 == 0 ? "a" : "b";
      hit.canary = unit % 20 == 0;
      hit.second_rank = rollout::kNoRank;
      hit.bad = 1;
    }
    std::vector<store::RolloutCount> counts;
    for (const bool canary : {false, true}) {
      store::RolloutCount& count = counts.emplace_back();
      count.rollout = id_;
      count.epoch = epoch;
      count.incarnation = "a";
      count.canary = canary;
      count.units = count.requests = canary ? 500 : 9'500;
    }
    ASSERT_TRUE(store_.RecordEvidence(counts, hits));
  }
  void StepUp() {
    const Rollout rollout = Row();
    store::MoveRollout verb = Verb(store::RolloutMove::kEpoch);
    verb.epoch = rollout::NextEpoch(rollout, 1, rollout.plan.steps[1].share, {}, KnownPrimary());
    Must(verb, true);
  }
  // One look, which is kept; how many keys it has read.
  std::size_t KeysOfALook() {
    clock_.Advance(6s);
    one.steady.Advance(6s);
    const std::size_t before = one.cut.keys_read;
    one.Survey();
    const RolloutLook whole = LookAt(*store_.ReadEvidence(id_), KnownPrimary(), 0);
    EXPECT_TRUE(whole.fault) << Describe(whole.fault.error());
    EXPECT_EQ(store_.ReadVerdicts(id_)->at(0).evidence, rollout::ToJson(whole.evidence));
    return one.cut.keys_read - before;
  }

  DrivingReplica one{store_, "one"};
};

// A look's cost must not grow with the parts of a rollout that are over, and what comes late of
// one of them counts all the same.
TEST_F(StickyRolloutDriverTest, PartsThatAreOverAreReadOnce) {
  HitKeys(0, 0, 100);
  EXPECT_EQ(KeysOfALook(), 100u);
  EXPECT_EQ(KeysOfALook(), 100u) << "the present one may change at any time";
  StepUp();
  HitKeys(1, 0, 10);
  EXPECT_EQ(KeysOfALook(), 110u) << "what is over is closed now";
  EXPECT_EQ(KeysOfALook(), 10u);
  HitKeys(0, 100, 1);  // Of a replica that was cut off.
  EXPECT_EQ(KeysOfALook(), 111u);
  EXPECT_EQ(KeysOfALook(), 10u);
}

// Whoever drives again after another one begins with nothing.
TEST_F(StickyRolloutDriverTest, ALostLeaseForgetsWhatWasRead) {
  HitKeys(0, 0, 100);
  StepUp();
  EXPECT_EQ(KeysOfALook(), 100u);
  EXPECT_EQ(KeysOfALook(), 0u);
  clock_.Advance(11s);
  ASSERT_TRUE(*store_.TakeLease(id_, "two", kRolloutLease));
  one.steady.Advance(11s);
  one.Survey();
  ASSERT_TRUE(store_.GiveUpLease(id_, "two"));
  EXPECT_EQ(KeysOfALook(), 100u);
}

}  // namespace
}  // namespace podium::control
