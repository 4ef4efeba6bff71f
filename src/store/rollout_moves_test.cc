// What moves and ends a rollout, decided without any store.
#include "store/rollout_verbs.h"

#include <gtest/gtest.h>

#include <functional>

#include "base/limits.h"
#include "store/rollout_shop_fixture.h"

namespace podium::store {
namespace {

// --- Moving ---

TEST(MoveRollout, EveryMoveOnARunningOne) {
  struct Case {
    RolloutMove move;
    const char* rows;
    PromotionKind kind;
    RolloutPhase phase;
    const char* told;
    const char* event;
    const char* said;
  };
  const Case cases[] = {
      {RolloutMove::kPause, "", PromotionKind::kRollout, RolloutPhase::kPaused, "pause",
       "podium.rollout.paused", "ann paused it: why"},
      {RolloutMove::kPage, "", PromotionKind::kRollout, RolloutPhase::kRunning, "page",
       "podium.rollout.overdue", "ann noticed that it is overdue: why"},
      {RolloutMove::kPromote, "p=shadow c=primary", PromotionKind::kPromote,
       RolloutPhase::kPromoted, "promote", "podium.rollout.promoted", "ann promoted it: why"},
      {RolloutMove::kRollBack, "c=standby", PromotionKind::kRollback, RolloutPhase::kRolledBack,
       "roll_back", "podium.rollout.rolled_back", "ann rolled it back: why"},
      {RolloutMove::kAbort, "c=standby", PromotionKind::kAbort, RolloutPhase::kAborted, "abort",
       "podium.rollout.aborted", "ann aborted it: why"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.told);
    MutationContext context = Ann();
    context.reason = "why";
    const Result<Changes> changes = Ask(Rolling(), MoveTo(c.move), context);
    ASSERT_TRUE(changes) << Describe(changes.error());
    EXPECT_EQ(Rows(*changes), c.rows);
    EXPECT_EQ(changes->audit.kind, c.kind);
    EXPECT_EQ(changes->audit.reason, "why");
    EXPECT_EQ(changes->audit.share_before, Bp(100));
    ASSERT_TRUE(changes->rollout);
    EXPECT_EQ(changes->rollout->phase, c.phase);
    EXPECT_EQ(changes->rollout->said, c.said);
    EXPECT_EQ(changes->rollout->revision, ShopStamp().revision);
    EXPECT_EQ(Told(*changes)["move"], c.told);
    EXPECT_EQ(Told(*changes)["id"], "r1");
    EXPECT_EQ(changes->event, c.event);
    EXPECT_EQ(changes->artifact, "") << "its row is there already";
    EXPECT_FALSE(changes->verdict);
    const bool ended = HasEnded(c.phase);
    EXPECT_EQ(changes->route.rollout.has_value(), !ended);
    EXPECT_EQ(changes->rollout->ended_at, ended ? ShopStamp().now : WallTime());
    EXPECT_EQ(changes->rollout->ended_by, ended ? "person" : "");
    EXPECT_EQ(changes->route.canary_salt, ended ? "" : "old-salt");
  }
}

TEST(MoveRollout, APromotionIsOneThatCanBeRolledBack) {
  const Result<Changes> changes = Ask(Rolling(), MoveTo(RolloutMove::kPromote), Ann());
  ASSERT_TRUE(changes);
  EXPECT_EQ(changes->audit.from, ModelId("p"));
  EXPECT_EQ(changes->audit.to, ModelId("c"));
  EXPECT_EQ(changes->route.previous_primary, ModelId("p"));
  EXPECT_EQ(changes->route.primary_since, ShopStamp().revision);
}

TEST(MoveRollout, AnEpochTakesTheShareAndItsFrozenNumbers) {
  MoveRollout verb = Driven(EpochAt(1, 500));
  verb.epoch->of_step = 2;
  verb.epoch->in_step = 8;
  verb.epoch->thresholds.latency_ms = {1, 2, 3};
  verb.log_e_peak = 1.5;
  const Result<Changes> changes = Ask(Rolling(), verb);
  ASSERT_TRUE(changes) << Describe(changes.error());
  EXPECT_EQ(Rows(*changes), "c=canary@500");
  EXPECT_EQ(changes->route.canary_salt, "old-salt") << "the same coins";
  const Rollout& rollout = *changes->rollout;
  ASSERT_EQ(rollout.epochs.size(), 2u);
  EXPECT_EQ(rollout.epochs[1].began_at, ShopStamp().now);
  EXPECT_EQ(rollout.epochs[1].of_step, 2u);
  EXPECT_EQ(rollout.step, 1u);
  EXPECT_EQ(rollout.step_entered_at, ShopStamp().now);
  EXPECT_EQ(rollout.log_e_peak, 1.5);
  EXPECT_EQ(rollout.said, "the verdict");
  EXPECT_EQ(changes->route.rollout->epoch, 1u);
  EXPECT_EQ(changes->route.rollout->thresholds.latency_ms[2], 3);
  EXPECT_EQ(changes->audit.kind, PromotionKind::kRamp);
  EXPECT_EQ(changes->audit.share_before, Bp(100));
  EXPECT_EQ(changes->audit.share_after, Bp(500));
  EXPECT_EQ(changes->audit.reason, "the verdict");
  EXPECT_EQ(changes->event, "podium.rollout.stepped");
}

// A further part of a hold is no new step: its time runs on, and its gate stays as it is.
TEST(MoveRollout, AFurtherEpochOfAStepKeepsItsTimeAndGate) {
  Rollout before = Running();
  before.gate_open = before.paged = true;
  before.step_entered_at = WallTime(std::chrono::seconds(2));
  const Result<Changes> same = Ask(Rolling(before), EpochAt(0, 100));
  ASSERT_TRUE(same) << Describe(same.error());
  EXPECT_EQ(Rows(*same), "") << "the share is as it was";
  EXPECT_EQ(same->rollout->step_entered_at, before.step_entered_at);
  EXPECT_TRUE(same->rollout->gate_open);
  EXPECT_TRUE(same->rollout->paged);
  EXPECT_EQ(same->route.rollout->epoch, 1u);
  const Result<Changes> next = Ask(Rolling(before), EpochAt(1, 500));
  EXPECT_EQ(next->rollout->step_entered_at, ShopStamp().now);
  EXPECT_FALSE(next->rollout->gate_open);
  EXPECT_FALSE(next->rollout->paged);
}

// A share that swings about the border of two steps would put off both deadlines for ever.
TEST(MoveRollout, AShareThatSwingsKeepsTheTimeOfItsHighestStep) {
  struct Case {
    const char* name;
    RolloutRule rule;
    bool driven;
    std::uint32_t to;
    bool anew;
  };
  const Case cases[] = {
      {"down", RolloutRule::kThompson, true, 0, false},
      {"up to where it was", RolloutRule::kThompson, true, 2, false},
      {"further up", RolloutRule::kThompson, true, 3, true},
      {"by a person", RolloutRule::kThompson, false, 0, true},
      {"down by plan", RolloutRule::kSequential, true, 0, true},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    Rollout before = Running();
    before.plan.rule = c.rule;
    for (const std::uint32_t step : {2U, 1U}) {
      before.epochs.push_back(before.epochs[0]);
      before.epochs.back().step = step;
    }
    before.step = 1;
    before.gate_open = before.paged = true;
    before.step_entered_at = WallTime(std::chrono::seconds(2));
    const MoveRollout verb = EpochAt(c.to, 300);
    const Result<Changes> changes = Ask(Rolling(before), c.driven ? Driven(verb) : verb);
    ASSERT_TRUE(changes) << Describe(changes.error());
    EXPECT_EQ(changes->rollout->step, c.to);
    EXPECT_EQ(changes->rollout->step_entered_at, c.anew ? ShopStamp().now : before.step_entered_at);
    EXPECT_EQ(changes->rollout->paged, !c.anew);
    EXPECT_FALSE(changes->rollout->gate_open);
  }
}

TEST(MoveRollout, WhatAnEpochMayBe) {
  struct Case {
    const char* name;
    std::function<void(Rollout&, MoveRollout&)> change;
    const char* by_person;
    const char* by_driver;
    const char* says;
  };
  const auto gated = [](Rollout& rollout, MoveRollout&) { rollout.plan.steps[0].gate = true; };
  const Case cases[] = {
      {"up", [](auto&, auto&) {}, "done", "done", ""},
      {"without one", [](auto&, auto& verb) { verb.epoch.reset(); }, "invalid_argument",
       "invalid_argument", "of one of the plan's 4 steps"},
      {"of a step beyond", [](auto&, auto& verb) { verb.epoch->step = 4; }, "invalid_argument",
       "invalid_argument", "of one of the plan's 4 steps"},
      {"its number is 0", [](auto&, auto& verb) { verb.epoch->of_step = 0; }, "invalid_argument",
       "invalid_argument", "of one of the plan's 4 steps"},
      {"the last share", [](auto&, auto& verb) { verb.epoch->share = Bp(5000); }, "done", "done",
       ""},
      {"above it", [](auto&, auto& verb) { verb.epoch->share = Bp(5001); }, "unprocessable",
       "unprocessable",
       "50.01 % is above 50 %, the most that the plan of rollout r1 grants: promote instead, with "
       "POST /api/v1/routes/shop/rollouts/r1/promote"},
      {"nothing", [](auto&, auto& verb) { verb.epoch->share = Bp(0); }, "unprocessable",
       "unprocessable",
       "a rollout at 0 % learns nothing: pause it, or take it back with POST "
       "/api/v1/routes/shop/rollouts/r1/abort"},
      {"paused, up", [](auto& rollout, auto&) { rollout.phase = RolloutPhase::kPaused; }, "done",
       "conflict", "rollout r1 is paused: nothing raises its share of 1 %"},
      {"paused, the same",
       [](auto& rollout, auto& verb) {
         rollout.phase = RolloutPhase::kPaused;
         verb.epoch->share = Bp(100);
       },
       "done", "done", ""},
      {"a closed gate", gated, "done", "conflict",
       "the gate of step 1 of rollout r1 is closed: a person opens it with POST "
       "/api/v1/routes/shop/rollouts/r1/step"},
      {"an open gate",
       [&](Rollout& rollout, MoveRollout& verb) {
         gated(rollout, verb);
         rollout.gate_open = true;
       },
       "done", "done", ""},
      {"within a closed gate",
       [&](Rollout& rollout, MoveRollout& verb) {
         gated(rollout, verb);
         verb.epoch->step = 0;
       },
       "done", "done", ""},
      {"the last that there may be",
       [](auto& rollout, auto&) {
         rollout.epochs.resize(limits::kMaxRolloutEpochs - 1, rollout.epochs[0]);
       },
       "done", "done", ""},
      {"one more",
       [](auto& rollout, auto&) {
         rollout.epochs.resize(limits::kMaxRolloutEpochs, rollout.epochs[0]);
       },
       "unprocessable", "unprocessable", "has had 1024 epochs"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    Rollout rollout = Running();
    MoveRollout verb = EpochAt(1, 500);
    c.change(rollout, verb);
    EXPECT_EQ(Slug(Ask(Rolling(rollout), verb)), c.by_person);
    const Result<Changes> driven = Ask(Rolling(rollout), Driven(verb));
    EXPECT_EQ(Slug(driven), c.by_driver);
    if (!driven) {
      EXPECT_NE(driven.error().message.find(c.says), std::string::npos) << driven.error().message;
    }
  }
}

// What is so already takes no revision, so that a driver or a person may ask twice.
TEST(MoveRollout, AskedTwiceItChangesNothing) {
  Rollout paused = Running();
  paused.phase = RolloutPhase::kPaused;
  Rollout paged = Running();
  paged.paged = true;
  Rollout open = Running();
  open.plan.steps[0].gate = open.gate_open = true;
  EXPECT_EQ(Slug(Ask(Rolling(paused), MoveTo(RolloutMove::kPause))), "unchanged");
  EXPECT_EQ(Slug(Ask(Rolling(paused), MoveTo(RolloutMove::kResume))), "done");
  EXPECT_EQ(Slug(Ask(Rolling(), MoveTo(RolloutMove::kResume))), "unchanged");
  EXPECT_EQ(Slug(Ask(Rolling(paged), Driven(MoveTo(RolloutMove::kPage)))), "unchanged");
  EXPECT_EQ(Slug(Ask(Rolling(open), MoveTo(RolloutMove::kOpenGate))), "unchanged");
  const Result<Changes> same = Ask(Rolling(paused), MoveTo(RolloutMove::kPause));
  EXPECT_EQ(same->rollout, paused) << "as it is, for the answer";
}

TEST(MoveRollout, OnlyAGateCanBeOpened) {
  const Result<Changes> refused = Ask(Rolling(), MoveTo(RolloutMove::kOpenGate));
  EXPECT_EQ(Slug(refused), "conflict");
  EXPECT_EQ(refused.error().message, "step 1 of rollout r1 has no gate to open");
  Rollout gated = Running();
  gated.plan.steps[0].gate = true;
  const Result<Changes> opened = Ask(Rolling(gated), MoveTo(RolloutMove::kOpenGate), Ann());
  ASSERT_TRUE(opened);
  EXPECT_TRUE(opened->rollout->gate_open);
  EXPECT_EQ(opened->event, "podium.rollout.gate_opened");
  EXPECT_EQ(opened->rollout->said, "ann opened its gate");
}

// Whoever comes second hears how it ended: an abort is never overtaken by a promotion that was
// decided before it.
TEST(MoveRollout, AbortBeatsPromote) {
  const struct {
    RolloutPhase phase;
    const char* how;
  } ends[] = {{RolloutPhase::kPromoted, "promoted"},
              {RolloutPhase::kRolledBack, "rolled back"},
              {RolloutPhase::kAborted, "aborted"}};
  for (const auto& end : ends) {
    SCOPED_TRACE(end.how);
    Rollout over = Running();
    over.phase = end.phase;
    over.ended_at = WallTime(std::chrono::seconds(60));
    over.said = "ann did it";
    RouteSnapshot state = Shop();
    state.named_rollout = over;
    for (const RolloutMove move :
         {RolloutMove::kPause, RolloutMove::kPromote, RolloutMove::kAbort, RolloutMove::kRollBack,
          RolloutMove::kPage, RolloutMove::kOpenGate, RolloutMove::kResume}) {
      const Result<Changes> late = Ask(state, MoveTo(move), Ann());
      ASSERT_EQ(Slug(late), "conflict");
      EXPECT_EQ(late.error().message,
                fmt::format("rollout r1 of route shop was {} at 1970-01-01T00:01:00.000000Z (ann "
                            "did it): nothing is left to do",
                            end.how));
    }
    EXPECT_EQ(Slug(Ask(state, EpochAt(1, 500), Ann())), "conflict");
  }
}

TEST(MoveRollout, OfAnotherRouteOrNoneIsNotFound) {
  RouteSnapshot state = Rolling();
  state.named_rollout.reset();
  EXPECT_EQ(Slug(Ask(state, MoveTo(RolloutMove::kAbort))), "not_found");
  Rollout elsewhere = Running();
  elsewhere.route = RouteName("other");
  state.named_rollout = elsewhere;
  EXPECT_EQ(Slug(Ask(state, MoveTo(RolloutMove::kAbort))), "not_found");
}

// A driver that was cut off must not act on what it saw before.
TEST(MoveRollout, ADriverIsHeldToItsLeaseAndToWhatItSaw) {
  const MoveRollout verb = Driven(MoveTo(RolloutMove::kRollBack));
  EXPECT_EQ(Slug(Ask(Rolling(), verb)), "done");
  MoveRollout stale = verb;
  stale.token = 4;
  const Result<Changes> fenced = Ask(Rolling(), stale);
  EXPECT_EQ(Slug(fenced), "conflict");
  EXPECT_EQ(fenced.error().message,
            "another replica drives rollout r1 by now: its lease is number 5, not 4");
  stale.token = 6;
  EXPECT_EQ(Slug(Ask(Rolling(), stale)), "conflict");
  MoveRollout blind = verb;
  blind.seen = Revision(40);
  const Result<Changes> moved = Ask(Rolling(), blind);
  EXPECT_EQ(Slug(moved), "conflict");
  EXPECT_EQ(moved.error().message,
            "rollout r1 moved to revision 41 after revision 40 was looked at: look again");
}

// --- Invariants 12 and 13 ---

TEST(MoveRollout, Inv12NoPromotionWithoutAPositiveVerdictOrANamedPerson) {
  struct Case {
    const char* name;
    std::function<void(Rollout&, MoveRollout&, MutationContext&)> change;
    const char* want;
    const char* says;
  };
  const Case cases[] = {
      {"nobody and nothing", [](auto&, auto&, auto&) {}, "unprocessable", "X-Podium-Actor"},
      {"no data", [](auto&, auto& verb, auto&) { verb = Proven(verb, "hold"); }, "unprocessable",
       "X-Podium-Actor"},
      {"no power left", [](auto&, auto& verb, auto&) { verb = Proven(verb, "no-power-left"); },
       "unprocessable", "X-Podium-Actor"},
      {"frozen", [](auto&, auto& verb, auto&) { verb = Proven(verb, "freeze"); }, "unprocessable",
       "X-Podium-Actor"},
      {"proven", [](auto&, auto& verb, auto&) { verb = Proven(verb); }, "done", ""},
      {"proven, and the plan leaves it to people",
       [](auto& rollout, auto& verb, auto&) {
         rollout.plan.promote_at_end = false;
         verb = Proven(verb);
       },
       "unprocessable", "leaves the promotion at 50 % to a person"},
      {"proven before the last share",
       [](auto& rollout, auto& verb, auto&) {
         rollout.epochs[0].share = Bp(2500);
         verb = Proven(verb);
       },
       "unprocessable", "leaves the promotion at 25 % to a person"},
      {"proven and paused",
       [](auto& rollout, auto& verb, auto&) {
         rollout.phase = RolloutPhase::kPaused;
         verb = Proven(verb);
       },
       "conflict", "only a person promotes it"},
      {"proven before its bake is over",
       [](auto& rollout, auto& verb, auto&) {
         rollout.plan.steps[0].bake = std::chrono::seconds(9);
         rollout.step_entered_at = WallTime(std::chrono::seconds(1));
         verb = Proven(verb);
         verb.proof->at = WallTime(std::chrono::seconds(10)) - std::chrono::microseconds(1);
       },
       "conflict", "bakes for 9 s, and its verdict is of before that is over"},
      {"proven at the end of its bake",
       [](auto& rollout, auto& verb, auto&) {
         rollout.plan.steps[0].bake = std::chrono::seconds(9);
         rollout.step_entered_at = WallTime(std::chrono::seconds(1));
         verb = Proven(verb);
         verb.proof->at = WallTime(std::chrono::seconds(10));
       },
       "done", ""},
      {"proven behind a closed gate",
       [](auto& rollout, auto& verb, auto&) {
         rollout.plan.steps[0].gate = true;
         verb = Proven(verb);
       },
       "conflict", "the gate of rollout r1 is closed"},
      {"proven behind an open gate",
       [](auto& rollout, auto& verb, auto&) {
         rollout.plan.steps[0].gate = rollout.gate_open = true;
         verb = Proven(verb);
       },
       "done", ""},
      {"a person before its bake is over, behind a closed gate",
       [](auto& rollout, auto&, auto& context) {
         rollout.plan.steps[0].bake = std::chrono::seconds(60);
         rollout.plan.steps[0].gate = true;
         context = Ann();
       },
       "done", ""},
      {"a person", [](auto&, auto&, auto& context) { context = Ann(); }, "done", ""},
      {"a person at 1 %, paused, against the plan",
       [](auto& rollout, auto& verb, auto& context) {
         rollout.epochs[0].share = Bp(100);
         rollout.phase = RolloutPhase::kPaused;
         rollout.plan.promote_at_end = false;
         verb = Proven(verb, "hold");
         context = Ann();
       },
       "done", ""},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    Rollout rollout = Running();
    rollout.epochs[0].share = Bp(5000);
    rollout.plan.promote_at_end = true;
    MoveRollout verb = MoveTo(RolloutMove::kPromote);
    MutationContext context;
    c.change(rollout, verb, context);
    const Result<Changes> changes = Ask(Rolling(rollout), verb, context);
    EXPECT_EQ(Slug(changes), c.want) << (changes ? "" : Describe(changes.error()));
    if (!changes) {
      EXPECT_NE(changes.error().message.find(c.says), std::string::npos) << changes.error().message;
    }
  }
}

TEST(MoveRollout, Inv13OverdueIsToldAndMovesNothing) {
  const Result<Changes> told = Ask(Rolling(), Proven(Driven(MoveTo(RolloutMove::kPage)), "hold"));
  ASSERT_TRUE(told) << Describe(told.error());
  EXPECT_TRUE(told->versions.empty());
  EXPECT_EQ(told->route.rollout, MarkOf(Running()));
  EXPECT_TRUE(told->rollout->paged);
  EXPECT_EQ(told->rollout->share(), Bp(100));
  EXPECT_EQ(told->rollout->phase, RolloutPhase::kRunning);
  // Nor does the other thing that a deadline may do.
  const Result<Changes> back = Ask(Rolling(), Driven(MoveTo(RolloutMove::kRollBack)));
  ASSERT_TRUE(back);
  EXPECT_EQ(Rows(*back), "c=standby");
}

// Guards run in every phase: a pause holds up no rollback.
TEST(MoveRollout, Inv13APausedOneIsRolledBackAllTheSame) {
  Rollout paused = Running();
  paused.phase = RolloutPhase::kPaused;
  for (const RolloutMove move : {RolloutMove::kRollBack, RolloutMove::kPage}) {
    EXPECT_EQ(Slug(Ask(Rolling(paused), Driven(MoveTo(move)))), "done");
  }
  EXPECT_EQ(Slug(Ask(Rolling(paused), Driven(EpochAt(0, 50)))), "done") << "down is no step up";
}

// --- What goes with it ---

TEST(MoveRollout, TheProofIsStoredWithWhatItLedTo) {
  MoveRollout verb = Proven(Driven(EpochAt(1, 500)));
  const Result<Changes> changes = Ask(Rolling(), verb);
  ASSERT_TRUE(changes) << Describe(changes.error());
  const RolloutVerdict want{kFirst,
                            3,
                            ShopStamp().now,
                            "step-up",
                            "the verdict",
                            verb.proof->evidence,
                            verb.proof->verdict};
  EXPECT_EQ(changes->verdict, want);
  verb.proof->evidence.assign(limits::kMaxVerdictBytes - verb.proof->verdict.size(), 'x');
  EXPECT_EQ(Slug(Ask(Rolling(), verb)), "done");
  verb.proof->evidence += 'x';
  EXPECT_EQ(Slug(Ask(Rolling(), verb)), TraitsOf(ErrorCode::kTooLarge).slug);
}

TEST(MoveRollout, ASentenceThatIsTooLongIsCut) {
  MoveRollout verb = MoveTo(RolloutMove::kRollBack);
  verb.said = std::string(2 * limits::kMaxReasonBytes, 'x');
  const Result<Changes> changes = Ask(Rolling(), verb);
  ASSERT_TRUE(changes) << "a rollback is not lost to its reason";
  EXPECT_LE(changes->rollout->said.size(), limits::kMaxReasonBytes);
  EXPECT_EQ(changes->audit.reason, changes->rollout->said);
  verb.said = "two\nlines";
  EXPECT_EQ(Slug(Ask(Rolling(), verb)), "invalid_argument");
}

// Rows changed by SQL under it: the evidence is about others, so it only ends.
TEST(MoveRollout, OnceTheRolesAreOthersItCanOnlyEnd) {
  RouteSnapshot no_canary = Rolling();
  no_canary.versions[1] = ShopVersion("c", VersionStatus::kStandby);
  RouteSnapshot other_primary = Rolling();
  other_primary.versions[0] = ShopVersion("p2", VersionStatus::kPrimary);
  RouteSnapshot gone = Rolling();
  gone.versions.erase(gone.versions.begin() + 1);
  for (const RouteSnapshot& state : {no_canary, other_primary, gone}) {
    const Result<Changes> refused = Ask(state, EpochAt(1, 500));
    ASSERT_EQ(Slug(refused), "conflict");
    EXPECT_NE(refused.error().message.find("end it with POST"), std::string::npos);
    EXPECT_EQ(Slug(Ask(state, MoveTo(RolloutMove::kPromote), Ann())), "conflict");
    for (const RolloutMove move : {RolloutMove::kAbort, RolloutMove::kRollBack}) {
      const Result<Changes> ended = Ask(state, MoveTo(move));
      ASSERT_EQ(Slug(ended), "done");
      EXPECT_FALSE(ended->route.rollout);
    }
  }
}

}  // namespace
}  // namespace podium::store
