// The next step of one rollout, decided from what is known about it now.
//
// Pure: no clock, store or randomness. The same view always gives the same answer, so a controller
// that died half-way may simply ask again.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "domain/traffic.h"
#include "rollout/verdict.h"

namespace podium::rollout {

/// What the controller knows about one rollout at one instant.
struct RolloutView {
  BasisPoints share;        ///< The candidate's, as stored.
  WallTime step_entered;    ///< The database's clock: comparable between replicas.
  WallTime now;             ///< Of the same clock; passed in, never read.
  bool paused = false;      ///< No progress; guards go on.
  bool ended = false;       ///< Promoted or rolled back: nothing follows until it is started again.
  bool window_open = true;  ///< Of the plan's time windows.
  bool gate_passed = true;  ///< Manual gate of this step, if it has one.
  std::uint64_t successes = 0;
  std::uint64_t total = 0;  ///< Outcomes recorded.
  Verdict verdict;          ///< The sequential policy's; the plain one looks at the counts alone.
};

enum class StepKind : std::uint8_t {
  kAdvance,
  kPromote,  ///< Past the plan's maximum: only where the plan says so, and by a positive verdict.
  kRollBack,
  kPage,  ///< The deadline passed: somebody must look. The share stays.
};
struct Step {
  StepKind kind = StepKind::kAdvance;
  BasisPoints share;   ///< After the step.
  std::string reason;  ///< One sentence for the audit trail.
};

class StepPolicy {
 public:
  virtual ~StepPolicy() = default;
  /// At most one step; nullopt means "wait". A guardrail breach wins over any progress.
  /// REQUIRES: view.now >= view.step_entered.
  virtual std::optional<Step> NextStep(const RolloutView& view) const = 0;
};

/// The plain rule (requirement E1, plain_rule.h): where the success rate reaches the threshold and
/// the share is below its maximum, one step size more. It bounds no chance of error, and never
/// rolls back.
class ThresholdPolicy final : public StepPolicy {
 public:
  struct Plan {
    BasisPoints step_size;
    BasisPoints max_share;
    std::chrono::microseconds interval{};  ///< Between steps; 0: each call may step.
    double success_threshold = 0.95;       ///< 0 to 1.
  };
  /// kInvalidArgument for a threshold outside 0 to 1, a negative interval or a step of nothing.
  static Result<ThresholdPolicy> For(const Plan& plan);
  std::optional<Step> NextStep(const RolloutView& view) const override;

 private:
  explicit ThresholdPolicy(const Plan& plan) : plan_(plan) {}
  Plan plan_;
};

/// Steps by verdict: up when every guard is passed, back on a proven regression, in every phase.
class SequentialPolicy final : public StepPolicy {
 public:
  enum class OnDeadline : std::uint8_t { kHoldAndPage, kRollBack };
  struct Plan {
    std::vector<BasisPoints> shares;       ///< Strictly ascending; the last one is the maximum.
    std::chrono::microseconds bake{};      ///< Least time in a step before it may be left upwards.
    std::chrono::microseconds deadline{};  ///< Of a step. Never promotes.
    OnDeadline on_deadline = OnDeadline::kHoldAndPage;
    bool promote_at_end = false;  ///< Else the maximum is held until a person promotes.
  };
  /// kInvalidArgument for shares that do not ascend, or a deadline before the end of the bake time.
  static Result<SequentialPolicy> For(Plan plan);
  std::optional<Step> NextStep(const RolloutView& view) const override;

 private:
  explicit SequentialPolicy(Plan plan) : plan_(std::move(plan)) {}
  std::optional<Step> Progress(const RolloutView& view) const;
  std::optional<Step> Overdue(const RolloutView& view) const;
  Plan plan_;
};

}  // namespace podium::rollout
