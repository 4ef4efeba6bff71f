#include "control/rollouts/rollout_tick.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/limits.h"
#include "base/utf8.h"
#include "rollout/plain_rule.h"
#include "rollout/step_policy.h"
#include "rollout/thompson.h"
#include "rollout/verdict_json.h"

namespace podium::control {
namespace {

using Move = std::optional<store::MoveRollout>;

// Of those that a rollout may have: left when its driver has stopped moving the share by itself.
constexpr std::size_t kEpochsForPersons = 24;

store::MoveRollout MoveTo(const RolloutLook& look, store::RolloutMove move, std::string said) {
  const Rollout& rollout = look.stored.rollout;
  store::MoveRollout made;
  made.route = rollout.route;
  made.id = rollout.id;
  made.move = move;
  made.said = Shortened(said, limits::kMaxReasonBytes - 8);  // And what says it was cut.
  made.seen = rollout.revision;
  if (!look.fault) return made;
  made.proof = ProofOf(look);
  if (!IsSticky(rollout.plan.unit)) made.log_e_peak = look.verdict.log_e_rollback;
  return made;
}

// A clock of the database that was set back must not make a step older than itself.
WallTime NowOf(const RolloutLook& look) {
  return std::max(look.stored.now, look.stored.rollout.step_entered_at);
}

const RolloutStep& PresentStep(const Rollout& rollout) { return rollout.plan.steps[rollout.step]; }

std::chrono::seconds DeadlineOf(const Rollout& rollout) {
  const RolloutStep& step = PresentStep(rollout);
  return step.deadline.count() > 0 ? step.deadline : rollout.plan.deadline;
}

// The candidate's outcomes in the present epoch. Of a step before nothing is said any more.
void AddOutcomes(const RolloutLook& look, rollout::RolloutView& view) {
  const ArmTotal& canary = look.epochs.back().canary;
  view.total = std::max(canary.requests, canary.bad[0]);
  view.successes = view.total - canary.bad[0];
}

double UnansweredOf(const ArmTotal& arm) {
  if (arm.units <= arm.requests) return 0;
  return static_cast<double>(arm.units - arm.requests) / static_cast<double>(arm.units);
}

// Sticky units are keys with at least one request each: there the figure is the least that it can
// be, and only a candidate that leaves most of its keys without any outcome is noticed.
bool TooManyUnanswered(const RolloutLook& look) {
  const EpochCounts& present = look.epochs.back();
  if (present.canary.units <= present.canary.requests + kAlwaysUnanswered) return false;
  return UnansweredOf(present.canary) > UnansweredOf(present.primary) + kMostUnanswered;
}

rollout::RolloutView ViewOf(const RolloutLook& look, bool held_up) {
  const Rollout& rollout = look.stored.rollout;
  rollout::RolloutView view;
  view.share = rollout.share();
  view.step_entered = rollout.step_entered_at;
  view.now = NowOf(look);
  view.paused = rollout.phase == RolloutPhase::kPaused || held_up || TooManyUnanswered(look);
  view.ended = HasEnded(rollout.phase);
  view.window_open = IsOpen(rollout.plan.windows, view.now);
  view.gate_passed = !PresentStep(rollout).gate || rollout.gate_open;
  view.verdict = look.verdict;
  view.verdict.sentence = look.sentence;
  AddOutcomes(look, view);
  return view;
}

Result<rollout::SequentialPolicy> SequentialOf(const Rollout& rollout) {
  rollout::SequentialPolicy::Plan plan;
  for (const RolloutStep& step : rollout.plan.steps) plan.shares.push_back(step.share);
  plan.bake = PresentStep(rollout).bake;
  plan.deadline = DeadlineOf(rollout);
  plan.on_deadline = rollout.plan.on_overdue == OnOverdue::kRollBack
                         ? rollout::SequentialPolicy::OnDeadline::kRollBack
                         : rollout::SequentialPolicy::OnDeadline::kHoldAndPage;
  plan.promote_at_end = rollout.plan.promote_at_end;
  return rollout::SequentialPolicy::For(std::move(plan));
}

using PolicyStep = std::optional<rollout::Step>;

PolicyStep Unless(bool refused, PolicyStep step) { return refused ? std::nullopt : step; }

// The plain rule goes up by success rate; alarms and deadlines are those of the other.
Result<PolicyStep> PlainStep(const Rollout& rollout, const rollout::SequentialPolicy& guards,
                             rollout::RolloutView view) {
  if (view.verdict.decision == rollout::Decision::kRollBack) return guards.NextStep(view);
  const std::optional<std::uint32_t> above = rollout::StepAbove(rollout);
  const bool frozen = view.verdict.decision == rollout::Decision::kFreeze;
  const bool enough =
      rollout::SuccessRate(view.successes, view.total) >= rollout.plan.success_threshold;
  if (above) {
    const BasisPoints next = rollout.plan.steps[*above].share;
    PODIUM_TRY_ASSIGN(const auto plain,
                      rollout::ThresholdPolicy::For(
                          {.step_size = *BasisPoints::From(next.value() - view.share.value()),
                           .max_share = rollout.plan.steps.back().share,
                           .interval = PresentStep(rollout).bake,
                           .success_threshold = rollout.plan.success_threshold}));
    if (PolicyStep step = Unless(frozen, plain.NextStep(view))) return step;
  }
  // No verdict is asked for: where the rate is high enough there is nothing against the candidate,
  // so that at its last share it is told rather than rolled back.
  if (!frozen) {
    view.verdict.decision = enough ? rollout::Decision::kStepUp : rollout::Decision::kHold;
  }
  view.paused = true;
  return guards.NextStep(view);
}

rollout::ArmOutcomes OutcomesOf(const ArmTotal& arm) {
  return {std::max(arm.requests, arm.bad[0]) - arm.bad[0], arm.bad[0]};
}

// Not above what the first closed gate holds back, wherever the probability wants to be.
BasisPoints MostWithoutGate(const Rollout& rollout) {
  const std::vector<RolloutStep>& steps = rollout.plan.steps;
  for (std::size_t i = rollout.step; i + 1 < steps.size(); ++i) {
    const bool is_open = i == rollout.step && rollout.gate_open;
    if (!steps[i].gate || is_open) continue;
    const BasisPoints below = *BasisPoints::From(steps[i + 1].share.value() - 1);
    return std::max(below, steps[i].share);
  }
  return steps.back().share;
}

std::optional<rollout::Step> ThompsonStep(const RolloutLook& look,
                                          const rollout::RolloutView& view) {
  const Rollout& rollout = look.stored.rollout;
  std::vector<rollout::EpochOutcomes> outcomes;
  for (const EpochCounts& epoch : look.epochs) {
    outcomes.push_back({OutcomesOf(epoch.canary), OutcomesOf(epoch.primary)});
  }
  const rollout::ThompsonPlan plan{.most = MostWithoutGate(rollout),
                                   .exploration = rollout.plan.exploration,
                                   .discount = rollout.plan.discount,
                                   .interval = PresentStep(rollout).bake};
  const auto in_share =
      std::max(view.now, rollout.epochs.back().began_at) - rollout.epochs.back().began_at;
  std::optional<rollout::ThompsonMove> move =
      rollout::NextThompsonMove(outcomes, view.share, in_share, plan);
  if (!move) return std::nullopt;
  if (move->share > view.share && (view.paused || !view.window_open)) return std::nullopt;
  return rollout::Step{rollout::StepKind::kAdvance, move->share, std::move(move->reason)};
}

// The share follows the probability, both ways; alarms and deadlines are those of the other rule.
std::optional<rollout::Step> StepByProbability(const RolloutLook& look,
                                               const rollout::SequentialPolicy& guards,
                                               rollout::RolloutView view) {
  const Rollout& rollout = look.stored.rollout;
  const bool is_held = rollout.phase == RolloutPhase::kPaused ||
                       view.verdict.decision == rollout::Decision::kFreeze ||
                       rollout.epochs.size() + kEpochsForPersons >= limits::kMaxRolloutEpochs;
  if (view.verdict.decision != rollout::Decision::kRollBack && !is_held) {
    if (std::optional<rollout::Step> step = ThompsonStep(look, view)) return step;
  }
  view.paused = true;
  return guards.NextStep(view);
}

Result<PolicyStep> StepOf(const RolloutLook& look, bool held_up) {
  const Rollout& rollout = look.stored.rollout;
  PODIUM_TRY_ASSIGN(const rollout::SequentialPolicy policy, SequentialOf(rollout));
  rollout::RolloutView view = ViewOf(look, held_up);
  if (rollout.plan.rule == RolloutRule::kThreshold) {
    return PlainStep(rollout, policy, std::move(view));
  }
  if (rollout.plan.rule == RolloutRule::kThompson) {
    return StepByProbability(look, policy, std::move(view));
  }
  return policy.NextStep(view);
}

// What follows from a policy's step, if anything is left to do.
Move MoveFor(const RolloutLook& look, const rollout::Step& step) {
  const Rollout& rollout = look.stored.rollout;
  switch (step.kind) {
    case rollout::StepKind::kRollBack:
      return MoveTo(look, store::RolloutMove::kRollBack, step.reason);
    case rollout::StepKind::kPromote:
      return MoveTo(look, store::RolloutMove::kPromote, step.reason);
    case rollout::StepKind::kPage:
      if (rollout.paged) return std::nullopt;
      return MoveTo(look, store::RolloutMove::kPage, step.reason);
    case rollout::StepKind::kAdvance:
      break;
  }
  store::MoveRollout up = MoveTo(look, store::RolloutMove::kEpoch, step.reason);
  up.epoch = rollout::NextEpoch(rollout, rollout::StepOfShare(rollout.plan, step.share), step.share,
                                look.epochs.back().Primary(), look.baseline);
  return up;
}

// A hold goes on, in its next part.
Move NextPartOf(const RolloutLook& look) {
  const Rollout& rollout = look.stored.rollout;
  const bool more = rollout::CanMeasureMore(rollout, look.baseline);
  if (!more && !rollout::PartIsOver(rollout, NowOf(look))) return std::nullopt;
  store::MoveRollout part =
      MoveTo(look, store::RolloutMove::kEpoch,
             more ? "The primary's figures are known by now: measured from here on."
                  : "The next part of the hold: keys are counted anew.");
  part.proof.reset();  // It decides nothing.
  part.epoch = rollout::NextPart(rollout, look.epochs.back().Primary(), look.baseline);
  return part;
}

}  // namespace

std::string WordOf(rollout::Decision decision) {
  std::string word(rollout::NameOf(decision));
  std::replace(word.begin(), word.end(), '_', '-');
  return word;
}

store::RolloutProof ProofOf(const RolloutLook& look) {
  return {WordOf(look.verdict.decision), rollout::ToJson(look.evidence),
          rollout::ToJson(look.verdict), NowOf(look)};
}

Result<std::optional<store::MoveRollout>> NextMove(const RolloutLook& look,
                                                   const CandidateState& candidate) {
  const Rollout& rollout = look.stored.rollout;
  if (HasEnded(rollout.phase)) return std::nullopt;
  if (!candidate.harm.empty()) {
    return MoveTo(look, store::RolloutMove::kAbort, candidate.harm);
  }
  if (rollout.epochs.empty() || rollout.step >= rollout.plan.steps.size()) {
    return Fail(ErrorCode::kInternal, "rollout {} is at a step that its plan does not have",
                rollout.id.get());
  }
  PODIUM_TRY_ASSIGN(const PolicyStep step, StepOf(look, candidate.held_up));
  if (step) {
    if (Move move = MoveFor(look, *step)) return move;
  }
  return NextPartOf(look);
}

}  // namespace podium::control
