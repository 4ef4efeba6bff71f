// When a rollout moves, and when it must not.
#include "rollout/step_policy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

namespace podium::rollout {
namespace {

using std::chrono::minutes;

BasisPoints Percent(double percent) { return *BasisPoints::FromPercent(percent); }

RolloutView View(double percent, minutes in_step) {
  RolloutView view;
  view.share = Percent(percent);
  view.now = view.step_entered + in_step;
  return view;
}

ThresholdPolicy Plain(double threshold) {
  return *ThresholdPolicy::For({Percent(10), Percent(25), minutes(5), threshold});
}

// Requirement E1, edge by edge.
TEST(ThresholdPolicy, StepsByTheSuccessRateUpToTheMaximum) {
  struct Case {
    const char* name;
    double threshold;
    double share;
    int in_step;
    std::uint64_t successes;
    std::uint64_t total;
    double want;  // 0: no step.
  };
  const Case cases[] = {
      {"good", 0.95, 5, 5, 95, 100, 15},
      {"just below the threshold", 0.95, 5, 5, 949, 1000, 0},
      {"before the interval is over", 0.95, 5, 4, 100, 100, 0},
      {"cut at the maximum", 0.95, 20, 5, 100, 100, 25},
      {"at the maximum", 0.95, 25, 5, 100, 100, 0},
      {"above it, set by a person", 0.95, 60, 5, 100, 100, 0},
      {"no data never steps", 0.95, 5, 5, 0, 0, 0},
      {"unless the threshold is 0", 0, 5, 5, 0, 0, 15},
      {"all failed", 0, 5, 5, 0, 9, 15},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    RolloutView view = View(c.share, minutes(c.in_step));
    view.successes = c.successes;
    view.total = c.total;
    const std::optional<Step> step = Plain(c.threshold).NextStep(view);
    ASSERT_EQ(step.has_value(), c.want > 0);
    if (!step) continue;
    EXPECT_EQ(step->kind, StepKind::kAdvance);
    EXPECT_EQ(step->share, Percent(c.want));
  }
}

TEST(ThresholdPolicy, DoesNothingWhilePausedOrAfterTheEnd) {
  RolloutView view = View(5, minutes(5));
  view.successes = view.total = 100;
  ASSERT_TRUE(Plain(0.95).NextStep(view));
  for (bool RolloutView::* flag : {&RolloutView::paused, &RolloutView::ended}) {
    RolloutView stopped = view;
    stopped.*flag = true;
    EXPECT_FALSE(Plain(0.95).NextStep(stopped));
  }
}

TEST(ThresholdPolicy, RefusesPlansThatCannotStep) {
  EXPECT_FALSE(ThresholdPolicy::For({Percent(0), Percent(25), minutes(5), 0.9}));
  EXPECT_FALSE(ThresholdPolicy::For({Percent(1), Percent(25), minutes(-5), 0.9}));
  EXPECT_FALSE(ThresholdPolicy::For({Percent(1), Percent(25), minutes(5), 1.01}));
  EXPECT_FALSE(ThresholdPolicy::For({Percent(1), Percent(25), minutes(5), -0.01}));
  EXPECT_TRUE(ThresholdPolicy::For({Percent(1), Percent(25), minutes(0), 1}));
}

SequentialPolicy::Plan Ramp() {
  return {.shares = {Percent(1), Percent(5), Percent(25)},
          .bake = minutes(10),
          .deadline = minutes(60)};
}

RolloutView Judged(Decision decision, double percent = 5, minutes in_step = minutes(10)) {
  RolloutView view = View(percent, in_step);
  view.verdict.decision = decision;
  view.verdict.sentence = "because of the numbers";
  return view;
}

std::optional<Step> Next(const RolloutView& view, SequentialPolicy::Plan plan = Ramp()) {
  return SequentialPolicy::For(std::move(plan))->NextStep(view);
}

TEST(SequentialPolicy, WalksItsShares) {
  EXPECT_EQ(Next(Judged(Decision::kHold, 0))->share, Percent(1));
  EXPECT_EQ(Next(Judged(Decision::kStepUp, 1))->share, Percent(5));
  const std::optional<Step> step = Next(Judged(Decision::kStepUp, 5));
  EXPECT_EQ(step->kind, StepKind::kAdvance);
  EXPECT_EQ(step->share, Percent(25));
  EXPECT_EQ(step->reason, "because of the numbers");
  // A share that a person set in between goes on with the next of the plan.
  EXPECT_EQ(Next(Judged(Decision::kStepUp, 3))->share, Percent(5));
}

TEST(SequentialPolicy, Invariant12NoPromotionWithoutAVerdict) {
  for (const Decision decision : {Decision::kHold, Decision::kNoPowerLeft, Decision::kFreeze}) {
    EXPECT_FALSE(Next(Judged(decision)));
    EXPECT_FALSE(Next(Judged(decision, 25)));
  }
  // Never above the maximum without an explicit promote ...
  EXPECT_FALSE(Next(Judged(Decision::kStepUp, 25)));
  // ... which a plan may be.
  SequentialPolicy::Plan plan = Ramp();
  plan.promote_at_end = true;
  EXPECT_EQ(Next(Judged(Decision::kStepUp, 25), plan)->kind, StepKind::kPromote);
  EXPECT_FALSE(Next(Judged(Decision::kHold, 25), plan));
}

TEST(SequentialPolicy, WaitsForBakeTimeWindowGateAndPause) {
  EXPECT_FALSE(Next(Judged(Decision::kStepUp, 5, minutes(9))));
  const std::function<void(RolloutView&)> waits[] = {
      [](RolloutView& view) { view.paused = true; },
      [](RolloutView& view) { view.window_open = false; },
      [](RolloutView& view) { view.gate_passed = false; },
  };
  for (const auto& wait : waits) {
    RolloutView view = Judged(Decision::kStepUp);
    wait(view);
    EXPECT_FALSE(Next(view));
    // Guards run in every phase, and a breach wins over any progress.
    view.verdict.decision = Decision::kRollBack;
    EXPECT_EQ(Next(view)->kind, StepKind::kRollBack);
    EXPECT_EQ(Next(view)->share, Percent(0));
  }
  RolloutView over = Judged(Decision::kRollBack);
  over.ended = true;
  EXPECT_FALSE(Next(over));
}

TEST(SequentialPolicy, Invariant13TheDeadlineHoldsAndPagesOrRollsBackAndNeverPromotes) {
  SequentialPolicy::Plan back = Ramp();
  back.on_deadline = SequentialPolicy::OnDeadline::kRollBack;
  back.promote_at_end = true;
  for (const Decision decision : {Decision::kHold, Decision::kNoPowerLeft}) {
    RolloutView view = Judged(decision, 25, minutes(60));
    EXPECT_EQ(Next(view)->kind, StepKind::kPage);
    EXPECT_EQ(Next(view)->share, Percent(25));
    EXPECT_EQ(Next(view, back)->kind, StepKind::kRollBack);
    view.paused = true;
    EXPECT_EQ(Next(view)->kind, StepKind::kPage);
    EXPECT_FALSE(Next(Judged(decision, 25, minutes(59))));
  }
  // Data that cannot be trusted decide nothing, a deadline's default included.
  EXPECT_EQ(Next(Judged(Decision::kFreeze, 5, minutes(60)), back)->kind, StepKind::kPage);
}

TEST(SequentialPolicy, RefusesPlansThatCannotBeWalked) {
  const std::function<void(SequentialPolicy::Plan&)> spoils[] = {
      [](auto& plan) { plan.shares.clear(); },
      [](auto& plan) { plan.shares = {Percent(0), Percent(5)}; },
      [](auto& plan) { plan.shares = {Percent(5), Percent(5)}; },
      [](auto& plan) { plan.shares = {Percent(5), Percent(1)}; },
      [](auto& plan) { plan.deadline = plan.bake; },
      [](auto& plan) { plan.bake = minutes(-1); },
  };
  EXPECT_TRUE(SequentialPolicy::For(Ramp()));
  for (const auto& spoil : spoils) {
    SequentialPolicy::Plan plan = Ramp();
    spoil(plan);
    EXPECT_FALSE(SequentialPolicy::For(plan));
  }
}

}  // namespace
}  // namespace podium::rollout
