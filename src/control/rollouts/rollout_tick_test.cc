#include "control/rollouts/rollout_tick.h"

#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "control/rollouts/rollout_rows_fixture.h"

namespace podium::control {
namespace {

using rollout::Decision;
using store::RolloutMove;

std::optional<store::MoveRollout> MoveOf(const RolloutLook& look, const std::string& harm = "") {
  Result<std::optional<store::MoveRollout>> move = NextMove(look, {.harm = harm, .held_up = false});
  EXPECT_TRUE(move) << (move ? "" : Describe(move.error()));
  return move ? *move : std::nullopt;
}

std::string WordFor(const std::optional<store::MoveRollout>& move) {
  if (!move) return "wait";
  switch (move->move) {
    case RolloutMove::kEpoch:
      return "to " + FormatPercent(move->epoch->share);
    case RolloutMove::kPage:
      return "page";
    case RolloutMove::kPromote:
      return "promote";
    case RolloutMove::kRollBack:
      return "roll back";
    case RolloutMove::kAbort:
      return "abort";
    case RolloutMove::kOpenGate:
    case RolloutMove::kPause:
    case RolloutMove::kResume:
      break;
  }
  return "not the driver's";
}

/// A plan, an instant and a verdict; what the driver does then.
struct TickCase {
  const char* name;
  Decision decision;
  std::function<void(RolloutRows&)> given;
  std::string want;
};

void Expect(const TickCase& c) {
  SCOPED_TRACE(c.name);
  RolloutRows rows;
  rows.Count(true, 500, 0).Count(false, 9'500, 0);
  c.given(rows);
  RolloutLook look = rows.Look();
  look.verdict.decision = c.decision;
  EXPECT_EQ(WordFor(MoveOf(look)), c.want);
}

constexpr auto kAsItIs = [](RolloutRows&) {};
constexpr auto kOverdue = [](RolloutRows& rows) { rows.After(std::chrono::hours(2)); };

void Paused(RolloutRows& rows) { rows.rollout().phase = RolloutPhase::kPaused; }
void AtTheLastShare(RolloutRows& rows) {
  rows.rollout().step = rows.epoch().step = 2;
  rows.epoch().share = Share(5'000);
}

// A guard that fires only while there is progress is none (rollouts.md, 21).
TEST(RolloutTick, GuardsRunInEveryPhase) {
  const TickCase cases[] = {
      {"running", Decision::kRollBack, kAsItIs, "roll back"},
      {"paused", Decision::kRollBack, Paused, "roll back"},
      {"overdue", Decision::kRollBack, kOverdue, "roll back"},
      {"at a gate", Decision::kRollBack,
       [](RolloutRows& rows) { rows.plan().steps[0].gate = true; }, "roll back"},
      {"outside its window", Decision::kRollBack,
       [](RolloutRows& rows) { rows.plan().windows = {{.days = 0x40}}; }, "roll back"},
      {"while it bakes", Decision::kRollBack,
       [](RolloutRows& rows) { rows.plan().steps[0].bake = std::chrono::hours(1); }, "roll back"},
      {"under the plain rule", Decision::kRollBack,
       [](RolloutRows& rows) { rows.plan().rule = RolloutRule::kThreshold; }, "roll back"},
      {"at its last share", Decision::kRollBack, AtTheLastShare, "roll back"},
  };
  for (const TickCase& c : cases) Expect(c);
}

TEST(RolloutTick, GoesUpWhenAllThatItNeedsIsThere) {
  const TickCase cases[] = {
      {"proof", Decision::kStepUp, kAsItIs, "to 25"},
      {"no data is hold", Decision::kHold, kAsItIs, "wait"},
      {"no power is hold", Decision::kNoPowerLeft, kAsItIs, "wait"},
      {"a split that is not the one asked for", Decision::kFreeze, kAsItIs, "wait"},
      {"paused", Decision::kStepUp, Paused, "wait"},
      {"it bakes", Decision::kStepUp,
       [](RolloutRows& rows) { rows.plan().steps[0].bake = std::chrono::minutes(31); }, "wait"},
      {"it has baked", Decision::kStepUp,
       [](RolloutRows& rows) { rows.plan().steps[0].bake = std::chrono::minutes(30); }, "to 25"},
      {"a gate", Decision::kStepUp, [](RolloutRows& rows) { rows.plan().steps[0].gate = true; },
       "wait"},
      {"a gate that was opened", Decision::kStepUp,
       [](RolloutRows& rows) {
         rows.plan().steps[0].gate = true;
         rows.rollout().gate_open = true;
       },
       "to 25"},
      {"another day's window", Decision::kStepUp,
       [](RolloutRows& rows) { rows.plan().windows = {{.days = 0x40}}; }, "wait"},  // A Monday.
      {"today's window", Decision::kStepUp,
       [](RolloutRows& rows) { rows.plan().windows = {{.days = 1}}; }, "to 25"},
      {"a share that a person set", Decision::kStepUp,
       [](RolloutRows& rows) { rows.epoch().share = Share(3'000); }, "to 50"},
      {"it has ended", Decision::kStepUp,
       [](RolloutRows& rows) { rows.rollout().phase = RolloutPhase::kRolledBack; }, "wait"},
  };
  for (const TickCase& c : cases) Expect(c);
}

// INV-12: above the last share only by a positive verdict, where the plan says so, or by a person.
TEST(RolloutTick, Inv12NothingIsPromotedWithoutAVerdict) {
  const auto to_the_end = [](RolloutRows& rows) {
    AtTheLastShare(rows);
    rows.plan().promote_at_end = true;
  };
  const TickCase cases[] = {
      {"proof, and the plan says so", Decision::kStepUp, to_the_end, "promote"},
      {"proof, and the plan does not", Decision::kStepUp, AtTheLastShare, "wait"},
      {"hold", Decision::kHold, to_the_end, "wait"},
      {"no power", Decision::kNoPowerLeft, to_the_end, "wait"},
      {"frozen", Decision::kFreeze, to_the_end, "wait"},
      {"paused", Decision::kStepUp,
       [&](RolloutRows& rows) {
         to_the_end(rows);
         Paused(rows);
       },
       "wait"},
      {"the plain rule proves nothing", Decision::kStepUp,
       [&](RolloutRows& rows) {
         to_the_end(rows);
         rows.plan().rule = RolloutRule::kThreshold;
       },
       "wait"},
  };
  for (const TickCase& c : cases) Expect(c);
}

TEST(RolloutTick, Inv12APromotionCarriesItsProof) {
  RolloutRows rows;
  AtTheLastShare(rows);
  rows.plan().promote_at_end = true;
  rows.Count(true, 50'000, 500).Count(false, 50'000, 500);
  const std::optional<store::MoveRollout> move = MoveOf(rows.Look());
  ASSERT_EQ(WordFor(move), "promote");
  EXPECT_EQ(move->proof->decision, "step-up");
  const auto evidence = rollout::ParseEvidence(move->proof->evidence);
  ASSERT_TRUE(evidence);
  EXPECT_EQ(rollout::Judge(*evidence)->decision, Decision::kStepUp);
  EXPECT_EQ(move->said, rollout::Judge(*evidence)->sentence);
}

// INV-13: time alone never takes a candidate up.
TEST(RolloutTick, Inv13ADeadlineNeverPromotes) {
  const auto roll_back = [](RolloutRows& rows) {
    kOverdue(rows);
    rows.plan().on_overdue = OnOverdue::kRollBack;
  };
  const TickCase cases[] = {
      {"undecided", Decision::kHold, kOverdue, "page"},
      {"no power", Decision::kNoPowerLeft, kOverdue, "page"},
      {"frozen", Decision::kFreeze, kOverdue, "page"},
      {"told already", Decision::kHold,
       [](RolloutRows& rows) {
         kOverdue(rows);
         rows.rollout().paged = true;
       },
       "wait"},
      {"a moment before", Decision::kHold,
       [](RolloutRows& rows) { rows.After(std::chrono::seconds(7'199)); }, "wait"},
      {"the step's own deadline", Decision::kHold,
       [](RolloutRows& rows) { rows.plan().steps[0].deadline = std::chrono::minutes(30); }, "page"},
      {"to be rolled back", Decision::kHold, roll_back, "roll back"},
      {"to be rolled back, without power", Decision::kNoPowerLeft, roll_back, "roll back"},
      {"frozen evidence rolls nothing back", Decision::kFreeze, roll_back, "page"},
      {"paused deadlines go on", Decision::kHold,
       [&](RolloutRows& rows) {
         roll_back(rows);
         Paused(rows);
       },
       "roll back"},
      {"paused, with nothing against it", Decision::kStepUp,
       [&](RolloutRows& rows) {
         roll_back(rows);
         Paused(rows);
       },
       "page"},
      {"at the end, without the plan's word", Decision::kStepUp,
       [&](RolloutRows& rows) {
         roll_back(rows);
         AtTheLastShare(rows);
       },
       "page"},
  };
  for (const TickCase& c : cases) Expect(c);
}

// Requirement E1: min(share + step, max) where the success rate reaches the threshold.
TEST(RolloutTick, ThePlainRule) {
  const auto plain = [](RolloutRows& rows) { rows.plan().rule = RolloutRule::kThreshold; };
  const auto counted = [&](std::uint64_t units, std::uint64_t errors) {
    return [=](RolloutRows& rows) {
      plain(rows);
      rows.rows().counts.clear();
      if (units > 0) rows.Count(true, units, errors);
    };
  };
  const TickCase cases[] = {
      {"enough succeed", Decision::kHold, counted(100, 5), "to 25"},
      {"one too few", Decision::kHold, counted(100, 6), "wait"},
      {"no data never steps", Decision::kHold, counted(0, 0), "wait"},
      {"unless the threshold is 0", Decision::kHold,
       [&](RolloutRows& rows) {
         counted(0, 0)(rows);
         rows.plan().success_threshold = 0;
       },
       "to 25"},
      {"between steps", Decision::kHold,
       [&](RolloutRows& rows) {
         counted(100, 0)(rows);
         rows.plan().steps[0].bake = std::chrono::hours(1);
       },
       "wait"},
      {"paused", Decision::kHold,
       [&](RolloutRows& rows) {
         plain(rows);
         Paused(rows);
       },
       "wait"},
      {"the split is wrong", Decision::kFreeze, counted(100, 0), "wait"},
      {"at its maximum", Decision::kHold,
       [&](RolloutRows& rows) {
         plain(rows);
         AtTheLastShare(rows);
       },
       "wait"},
      {"at its maximum for too long", Decision::kHold,
       [&](RolloutRows& rows) {
         plain(rows);
         AtTheLastShare(rows);
         kOverdue(rows);
         rows.plan().on_overdue = OnOverdue::kRollBack;
       },
       "page"},
      {"failing for too long", Decision::kHold,
       [&](RolloutRows& rows) {
         counted(100, 50)(rows);
         kOverdue(rows);
         rows.plan().on_overdue = OnOverdue::kRollBack;
       },
       "roll back"},
  };
  for (const TickCase& c : cases) Expect(c);
}

// Candidate and primary in the present epoch, by the thompson rule: exploration 2 %, at most 50 %.
std::function<void(RolloutRows&)> Outcomes(std::uint64_t canary, std::uint64_t canary_bad,
                                           std::uint64_t primary, std::uint64_t primary_bad) {
  return [=](RolloutRows& rows) {
    rows.plan().rule = RolloutRule::kThompson;
    rows.rows().counts.clear();
    rows.Count(true, canary, canary_bad).Count(false, primary, primary_bad);
  };
}

// Both ways by the probability; the alarm, a person's pause and closed gates stand before it.
TEST(RolloutTick, TheThompsonRuleFollowsTheProbabilityWithinItsBounds) {
  const auto and_then = [](std::function<void(RolloutRows&)> first, auto second) {
    return [=](RolloutRows& rows) {
      first(rows);
      second(rows);
    };
  };
  const auto better = Outcomes(500, 0, 9'500, 300);
  const auto worse = Outcomes(500, 60, 9'500, 100);
  const auto even = Outcomes(500, 5, 9'500, 95);
  const TickCase cases[] = {
      {"clearly better", Decision::kHold, better, "to 50"},
      {"clearly worse", Decision::kHold, worse, "to 1"},
      {"worse, proven", Decision::kRollBack, worse, "roll back"},
      {"better, but the alarm says otherwise", Decision::kRollBack, better, "roll back"},
      {"alike", Decision::kHold, even, "to 37.21"},
      {"the split is wrong", Decision::kFreeze, better, "wait"},
      {"paused", Decision::kHold, and_then(better, Paused), "wait"},
      {"paused, worse", Decision::kHold, and_then(worse, Paused), "wait"},
      {"outside its window", Decision::kHold,
       and_then(better, [](RolloutRows& rows) { rows.plan().windows = {{.days = 0x40}}; }), "wait"},
      {"outside its window, worse", Decision::kHold,
       and_then(worse, [](RolloutRows& rows) { rows.plan().windows = {{.days = 0x40}}; }), "to 1"},
      {"before its gate", Decision::kHold,
       and_then(better, [](RolloutRows& rows) { rows.plan().steps[0].gate = true; }), "to 24.99"},
      {"a gate further on", Decision::kHold,
       and_then(better, [](RolloutRows& rows) { rows.plan().steps[1].gate = true; }), "to 49.99"},
      {"too soon", Decision::kHold,
       and_then(better, [](RolloutRows& rows) { rows.After(std::chrono::seconds(9)); }), "wait"},
      {"just in time", Decision::kHold,
       and_then(better, [](RolloutRows& rows) { rows.After(std::chrono::seconds(10)); }), "to 50"},
      {"never a promotion", Decision::kStepUp, and_then(better, AtTheLastShare), "wait"},
      {"no epochs to spare", Decision::kHold,
       and_then(better,
                [](RolloutRows& rows) { rows.rollout().epochs.resize(1'000, rows.epoch()); }),
       "wait"},
  };
  for (const TickCase& c : cases) Expect(c);
}

// Keys are the coins of a test; a success is a success.
TEST(RolloutTick, ThePlainRuleCountsOutcomesWhereKeysAreTheUnit) {
  RolloutRows rows(SplitUnit::kSession);
  rows.plan().rule = RolloutRule::kThreshold;
  rows.Count(true, 100, 6).Count(false, 1'900, 0);
  EXPECT_EQ(WordFor(MoveOf(rows.Look())), "wait");
  rows.rows().counts[0].bad[0] = 5;
  EXPECT_EQ(WordFor(MoveOf(rows.Look())), "to 25");
}

TEST(RolloutTick, WhatHarmsIsStoppedAtOnce) {
  RolloutRows rows;
  Paused(rows);
  const auto move = MoveOf(rows.Look(), "The breaker of m-2 has been open for 30 s.");
  EXPECT_EQ(WordFor(move), "abort");
  EXPECT_EQ(move->said, "The breaker of m-2 has been open for 30 s.");
}

// What hangs has not failed yet: it looks better than the primary until its timeouts come.
TEST(RolloutTick, NothingGoesUpWhileTheCandidateDoesNotAnswer) {
  const auto answered = [](std::uint64_t units, std::uint64_t requests) {
    return [=](RolloutRows& rows) {
      rows.rows().counts[0].units = units;
      rows.rows().counts[0].requests = requests;
    };
  };
  const TickCase cases[] = {
      {"none does", Decision::kStepUp, answered(500, 0), "wait"},
      {"one in ten does not", Decision::kStepUp, answered(500, 450), "to 25"},
      {"one more does not", Decision::kStepUp, answered(500, 449), "wait"},
      {"a few are always on their way", Decision::kStepUp, answered(20, 0), "to 25"},
      {"callers leave both", Decision::kStepUp,
       [&](RolloutRows& rows) {
         answered(500, 400)(rows);
         rows.rows().counts[1].requests = 8'500;
       },
       "to 25"},
  };
  for (const TickCase& c : cases) Expect(c);
}

// Keys have a request at least: fewer outcomes than keys, and it refuses them or hangs.
TEST(RolloutTick, NothingGoesUpWhileKeysAreLeftWithoutAnswers) {
  RolloutRows rows(SplitUnit::kSession);
  rows.plan().rule = RolloutRule::kThreshold;
  rows.Count(true, 500, 5).Count(false, 9'500, 0);
  rows.rows().counts[0].requests = 450;
  EXPECT_EQ(WordFor(MoveOf(rows.Look())), "to 25");
  rows.rows().counts[0].requests = 449;
  EXPECT_EQ(WordFor(MoveOf(rows.Look())), "wait");
  rows.rows().counts[1].requests = 8'500;  // Callers leave both.
  EXPECT_EQ(WordFor(MoveOf(rows.Look())), "to 25");
}

// A candidate that some replica cannot load must not hide that its step is overdue.
TEST(RolloutTick, AStepUpThatFailsLeavesTheDeadline) {
  RolloutRows rows;
  RolloutLook look = rows.Look();
  look.verdict.decision = Decision::kStepUp;
  EXPECT_EQ(WordFor(*NextMove(look, {.harm = "", .held_up = true})), "wait");
  kOverdue(rows);
  look = rows.Look();
  look.verdict.decision = Decision::kStepUp;
  EXPECT_EQ(WordFor(*NextMove(look, {.harm = "", .held_up = true})), "page");
  EXPECT_EQ(WordFor(MoveOf(look)), "to 25");
}

TEST(RolloutTick, AHoldGoesOnInItsNextPart) {
  RolloutRows rows(SplitUnit::kSession);
  rows.plan().steps[0].bake = std::chrono::minutes(40);
  rows.epoch().in_step = 8;
  const auto move = MoveOf(rows.Look());
  ASSERT_EQ(WordFor(move), "to 5");
  EXPECT_EQ(move->epoch->of_step, 2u);
  EXPECT_FALSE(move->proof);
  rows.After(std::chrono::seconds(299));
  EXPECT_EQ(WordFor(MoveOf(rows.Look())), "wait");
  Paused(rows);
  rows.After(std::chrono::minutes(5));
  EXPECT_EQ(WordFor(MoveOf(rows.Look())), "to 5");
}

// A deadline that was told must not keep a hold from being cut: its alarm would go deaf.
TEST(RolloutTick, PartsGoOnBehindADeadline) {
  RolloutRows rows(SplitUnit::kSession);
  rows.plan().steps[0].bake = std::chrono::minutes(90);
  rows.epoch().in_step = 8;
  kOverdue(rows);
  EXPECT_EQ(WordFor(MoveOf(rows.Look())), "page");
  rows.rollout().paged = true;
  EXPECT_EQ(WordFor(MoveOf(rows.Look())), "to 5");
}

TEST(RolloutTick, MeasuresWhatHasBecomeKnown) {
  RolloutRows rows;
  RolloutGuard latency;
  latency.metric = GuardMetric::kLatency;
  rows.plan().guards.push_back(latency);
  rows.epoch().thresholds = FrozenThresholds();
  rows.epoch().in_step = 2;
  EXPECT_EQ(WordFor(MoveOf(rows.Look(rollout::EpochBaseline()))), "wait");
  const auto move = MoveOf(rows.Look());
  ASSERT_EQ(WordFor(move), "to 5");
  EXPECT_EQ(move->epoch->thresholds.latency_ms[0], 10);
  rows.Begin(*move->epoch, std::chrono::minutes(30));
  EXPECT_EQ(WordFor(MoveOf(rows.Look())), "wait");
}

TEST(RolloutTick, PinsWhatItHasSeen) {
  RolloutRows rows;
  rows.Count(true, 500, 0);
  RolloutLook look = rows.Look();
  look.verdict.decision = Decision::kStepUp;
  const auto move = MoveOf(look);
  EXPECT_EQ(move->seen, Revision(7));
  EXPECT_EQ(move->id, RolloutId("r-1"));
  EXPECT_EQ(move->route, RouteName("fraud"));
  EXPECT_EQ(move->epoch->step, 1u);
  EXPECT_TRUE(move->log_e_peak);
}

// The database's clock may be set back, or forward.
TEST(RolloutTick, SurvivesClocksThatJump) {
  RolloutRows rows;
  rows.rows().now = kRolloutStart - std::chrono::hours(5);
  EXPECT_EQ(WordFor(MoveOf(rows.Look())), "wait");
  rows.After(std::chrono::hours(20'000));
  EXPECT_EQ(WordFor(MoveOf(rows.Look())), "page");  // INV-13
}

TEST(RolloutTick, EvidenceAtFaultStillHasADeadline) {
  RolloutRows rows;
  rows.plan().guards[0].weight = 0;
  EXPECT_EQ(WordFor(MoveOf(rows.Look())), "wait");
  kOverdue(rows);
  const auto move = MoveOf(rows.Look());
  EXPECT_EQ(WordFor(move), "page");
  EXPECT_FALSE(move->proof);
}

TEST(RolloutTick, ARowThatCannotBeIsAnError) {
  RolloutRows rows;
  RolloutLook look = rows.Look();
  look.stored.rollout.step = 3;
  EXPECT_FALSE(NextMove(look, {}));
}

}  // namespace
}  // namespace podium::control
