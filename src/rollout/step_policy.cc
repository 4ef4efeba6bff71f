#include "rollout/step_policy.h"

#include <algorithm>

#include "base/assert.h"
#include "rollout/evidence_limits.h"
#include "rollout/plain_rule.h"

namespace podium::rollout {
namespace {

constexpr BasisPoints kNobody;

double Points(BasisPoints share) { return share.value(); }

BasisPoints Everybody() { return *BasisPoints::From(BasisPoints::kWhole); }

}  // namespace

Result<ThresholdPolicy> ThresholdPolicy::For(const Plan& plan) {
  if (!(plan.success_threshold >= 0 && plan.success_threshold <= 1)) {
    return Fail(ErrorCode::kInvalidArgument,
                "a success threshold of {} is no rate: give one from 0 to 1",
                plan.success_threshold);
  }
  if (plan.interval.count() < 0 || plan.step_size.value() == 0) {
    return Fail(ErrorCode::kInvalidArgument,
                "the step size must be above 0 and the interval not negative");
  }
  return ThresholdPolicy(plan);
}

std::optional<Step> ThresholdPolicy::NextStep(const RolloutView& view) const {
  PODIUM_ASSERT(view.now >= view.step_entered);
  if (view.ended || view.paused || !view.window_open || !view.gate_passed) return std::nullopt;
  if (view.now - view.step_entered < plan_.interval) return std::nullopt;
  const double rate = SuccessRate(view.successes, view.total);
  const std::optional<double> raised =
      NextShare({Points(view.share), Points(plan_.step_size), Points(plan_.max_share), rate,
                 plan_.success_threshold});
  if (!raised) return std::nullopt;
  const BasisPoints next = *BasisPoints::From(static_cast<int>(*raised));
  return Step{
      StepKind::kAdvance, next,
      fmt::format("{} of {} succeeded ({:.2f} %), at least {:.2f} % are asked for: from {} % "
                  "to {} %",
                  view.successes, view.total, 100 * rate, 100 * plan_.success_threshold,
                  FormatPercent(view.share), FormatPercent(next))};
}

Result<SequentialPolicy> SequentialPolicy::For(Plan plan) {
  const bool ascends = std::adjacent_find(plan.shares.begin(), plan.shares.end(),
                                          std::greater_equal<>()) == plan.shares.end();
  if (plan.shares.empty() || plan.shares.size() > limits::kMaxRolloutSteps || !ascends ||
      plan.shares.front() == kNobody) {
    return Fail(ErrorCode::kInvalidArgument,
                "a plan has 1 to {} shares above 0, each above the one before",
                limits::kMaxRolloutSteps);
  }
  if (plan.bake.count() < 0 || plan.deadline <= plan.bake) {
    return Fail(ErrorCode::kInvalidArgument,
                "a step must have time after its bake time: raise the deadline");
  }
  return SequentialPolicy(std::move(plan));
}

std::optional<Step> SequentialPolicy::NextStep(const RolloutView& view) const {
  PODIUM_ASSERT(view.now >= view.step_entered);
  if (view.ended) return std::nullopt;
  if (view.verdict.decision == Decision::kRollBack) {
    return Step{StepKind::kRollBack, kNobody, view.verdict.sentence};
  }
  if (std::optional<Step> step = Progress(view)) return step;
  return Overdue(view);
}

std::optional<Step> SequentialPolicy::Progress(const RolloutView& view) const {
  if (view.paused || !view.window_open || !view.gate_passed) return std::nullopt;
  if (view.share == kNobody) {
    return Step{StepKind::kAdvance, plan_.shares.front(),
                fmt::format("started at {} %", FormatPercent(plan_.shares.front()))};
  }
  if (view.verdict.decision != Decision::kStepUp) return std::nullopt;
  if (view.now - view.step_entered < plan_.bake) return std::nullopt;
  const auto next = std::upper_bound(plan_.shares.begin(), plan_.shares.end(), view.share);
  if (next != plan_.shares.end()) return Step{StepKind::kAdvance, *next, view.verdict.sentence};
  if (!plan_.promote_at_end) return std::nullopt;
  return Step{StepKind::kPromote, Everybody(), view.verdict.sentence};
}

std::optional<Step> SequentialPolicy::Overdue(const RolloutView& view) const {
  if (view.share == kNobody || view.now - view.step_entered < plan_.deadline) return std::nullopt;
  // Frozen evidence decides nothing, and a passed guard has nothing against the candidate: both are
  // for a person.
  const bool undecided =
      view.verdict.decision == Decision::kHold || view.verdict.decision == Decision::kNoPowerLeft;
  if (plan_.on_deadline == OnDeadline::kRollBack && undecided) {
    return Step{StepKind::kRollBack, kNobody,
                "The deadline of this step passed without proof that the candidate is fine. " +
                    view.verdict.sentence};
  }
  return Step{
      StepKind::kPage, view.share,
      "The deadline of this step passed; the share stays where it is. " + view.verdict.sentence};
}

}  // namespace podium::rollout
