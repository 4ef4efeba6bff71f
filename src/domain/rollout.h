// A rollout: one attempt to move a route from its primary to a candidate, with the plan that it was
// started with and what it has come to.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "domain/ids.h"
#include "domain/traffic.h"

namespace podium {

/// What one coin is thrown for while the rollout runs: the input of the canary layer's bucket.
enum class SplitUnit : std::uint8_t {
  kRoute,    ///< As the route's `sticky_on` says: session, else request (or user, else those).
  kRequest,  ///< Each request by itself, even one of a session.
  kSession,  ///< Requests without a session go to the primary and count for nobody.
  kUser,     ///< The same for users.
};
std::string_view NameOf(SplitUnit unit);  ///< "route", "request", "session", "user".
std::optional<SplitUnit> ParseSplitUnit(std::string_view name);

/// What a guard looks at. Latency, first token and cost are compared by how often a threshold is
/// exceeded that was frozen before the step: the primary's p50, p90 and p99.
enum class GuardMetric : std::uint8_t {
  kErrorRate,
  kLatency,
  kFirstToken,
  kCost,
  kCustom,  ///< Reported by others after the answer; what is bad of it, the plan says.
};
inline constexpr std::size_t kGuardMetrics = 5;
/// "error_rate", "latency", "first_token", "cost", "custom".
std::string_view NameOf(GuardMetric metric);
std::optional<GuardMetric> ParseGuardMetric(std::string_view name);

/// The series that the data plane counts bad outcomes in, in this order everywhere: errors, then
/// p50, p90 and p99 of latency, time to first token and cost.
inline constexpr std::size_t kRolloutSeries = 10;
inline constexpr std::size_t kSeriesOfMetric = 3;  ///< Of all but the error rate, which is one.
/// Custom metrics that one rollout may guard. Their series follow those of the data plane, in the
/// order of the plan's guards.
inline constexpr std::size_t kCustomMetrics = 8;
inline constexpr std::size_t kAllSeries = kRolloutSeries + kCustomMetrics;
/// Index of the first series of a metric: 0, 1, 4, 7, and 10 for the first custom one.
constexpr std::size_t FirstSeriesOf(GuardMetric metric) {
  return metric == GuardMetric::kErrorRate
             ? 0
             : 1 + kSeriesOfMetric * (static_cast<std::size_t>(metric) - 1);
}
constexpr std::size_t SeriesCountOf(GuardMetric metric) {
  const bool is_one = metric == GuardMetric::kErrorRate || metric == GuardMetric::kCustom;
  return is_one ? 1 : kSeriesOfMetric;
}
/// "errors", "latency_p50", …, "cost_p99".
std::string_view NameOfSeries(std::size_t series);

/// What exceeds it is bad. Milliseconds, milliseconds, nano-USD. Infinity: nothing is known of the
/// primary, so nothing is bad.
struct FrozenThresholds {
  std::array<double, kSeriesOfMetric> latency_ms;
  std::array<double, kSeriesOfMetric> first_token_ms;
  std::array<double, kSeriesOfMetric> cost_nano_usd;
  FrozenThresholds();  ///< All infinite.
  bool operator==(const FrozenThresholds&) const = default;
};

struct RolloutGuard {
  GuardMetric metric = GuardMetric::kErrorRate;
  double weight = 1;              ///< Relative to the other guards'. Above 0.
  bool guards_promotion = true;   ///< Must be shown to be no worse before a step up.
  std::optional<double> percent;  ///< So many percent more are tolerated.
  std::optional<double> points;   ///< So many percentage points more are. Both: the smaller.
  /// Candidate's rate in percent that is good enough whatever the primary's is. Error rate only.
  std::optional<double> at_most;
  // Custom metrics only: a name, and beyond which value one is bad; exactly one of the two.
  std::string name{};
  std::optional<double> bad_above{};
  std::optional<double> bad_below{};
  bool operator==(const RolloutGuard&) const = default;

  /// REQUIRES: a guard on a custom metric, `value` is finite.
  bool IsBad(double value) const { return bad_above ? value > *bad_above : value < *bad_below; }
};

/// One step of a ramp.
struct RolloutStep {
  BasisPoints share;
  std::chrono::seconds bake{0};      ///< The least time before the next step.
  std::chrono::seconds deadline{0};  ///< After which OnOverdue acts. 0: the plan's.
  bool gate = false;                 ///< A person lets it go on (verb `step`).
  bool operator==(const RolloutStep&) const = default;
};

/// When steps up may be taken, in UTC. Guards run at all times.
struct RolloutWindow {
  std::uint8_t days = 0x7F;  ///< Bit 0 is Monday.
  std::chrono::minutes from{0};
  std::chrono::minutes to{24 * 60};  ///< Exclusive; above `from`.
  bool operator==(const RolloutWindow&) const = default;
};
/// No windows: always.
bool IsOpen(const std::vector<RolloutWindow>& windows, WallTime now);

enum class RolloutRule : std::uint8_t {
  kSequential,  ///< By verdict: anytime-valid tests.
  kThreshold,   ///< The plain rule of requirement E1: by success rate. Bounds no chance of error.
  kThompson,    ///< The share is the probability that the candidate succeeds more often.
};
std::string_view NameOf(RolloutRule rule);  ///< "sequential", "threshold", "thompson".
std::optional<RolloutRule> ParseRolloutRule(std::string_view name);

/// What happens when a step's deadline passes. Never a promotion (invariant 13).
enum class OnOverdue : std::uint8_t { kHoldAndPage, kRollBack };
std::string_view NameOf(OnOverdue action);  ///< "hold", "rollback".
std::optional<OnOverdue> ParseOnOverdue(std::string_view name);

struct RolloutPlan {
  RolloutRule rule = RolloutRule::kSequential;
  SplitUnit unit = SplitUnit::kRoute;
  std::vector<RolloutStep> steps;  ///< Shares ascend; the last one is the most without a promotion.
  std::vector<RolloutGuard> guards;
  std::vector<RolloutWindow> windows;
  double alpha = 0.05;           ///< Of a false rollback, and of a false promotion. Strict: 0.01.
  std::optional<double> margin;  ///< r1; none: by the share about to be granted.
  std::chrono::seconds deadline{0};  ///< Of a step; above 0 in every checked plan.
  OnOverdue on_overdue = OnOverdue::kHoldAndPage;
  bool promote_at_end = false;      ///< By a positive verdict at the last share.
  double success_threshold = 0.95;  ///< Of kThreshold.
  double exploration = 0.02;        ///< Of kThompson: so much of the traffic goes to both alike.
  double discount = 0.9999;  ///< Of kThompson: what an outcome weighs less with each later one.
  bool operator==(const RolloutPlan&) const = default;
};
/// With what was left out filled in: steps 1, 5, 25, 50 %, deadlines of 24 hours, guards on error
/// rate and latency.
RolloutPlan DefaultPlan();
/// kInvalidArgument with the place at fault (such as "/steps/1/share_pct").
Status Check(const RolloutPlan& plan);

/// The first series of the guard at `guard`: of a custom one its own. REQUIRES: a checked plan.
std::size_t SeriesOfGuard(const RolloutPlan& plan, std::size_t guard);
/// The custom guard of that name; nullptr: there is none.
const RolloutGuard* CustomGuard(const RolloutPlan& plan, std::string_view name);

enum class RolloutPhase : std::uint8_t {
  kRunning,
  kPaused,      ///< No step up. Guards and deadlines go on.
  kPromoted,    ///< Ended: the candidate is primary.
  kRolledBack,  ///< Ended: by a guard, a deadline or the verb rollback.
  kAborted,     ///< Ended by a person, or by Podium since the candidate did harm.
};
std::string_view NameOf(RolloutPhase phase);
std::optional<RolloutPhase> ParseRolloutPhase(std::string_view name);
constexpr bool HasEnded(RolloutPhase phase) { return phase >= RolloutPhase::kPromoted; }

/// What was frozen when it began, so that whatever is counted in it can be judged again.
struct RolloutEpoch {
  std::uint32_t step = 0;     ///< Index into the plan's steps.
  std::uint32_t of_step = 1;  ///< Sticky units: its number within the step, from 1 ...
  std::uint32_t in_step = 1;  ///< ... of so many. 0: not known.
  BasisPoints share;
  WallTime began_at;
  FrozenThresholds thresholds;
  /// The primary's, before it: bad outcomes of each series, and how many outcomes there were.
  std::array<std::uint64_t, kRolloutSeries> bad_before{};
  std::uint64_t units_before = 0;
  /// Sticky units: J and q of each series' promotion test.
  std::array<std::uint32_t, kRolloutSeries> judged_requests;
  std::array<double, kRolloutSeries> repeat_share{};
  RolloutEpoch();
  bool operator==(const RolloutEpoch&) const = default;
};

/// A row of `rollouts`.
struct Rollout {
  RolloutId id;
  RouteName route;
  ModelId candidate;
  ModelId primary;  ///< At the start.
  int attempt = 1;  ///< Of this artifact (or upstream model) on this route.
  RolloutPlan plan;
  RolloutPhase phase = RolloutPhase::kRunning;
  std::uint32_t step = 0;
  bool gate_open = false;  ///< Of the present step.
  bool paged = false;      ///< That the present step is overdue has been told.
  /// ln E: what the alarm has once reached stays so (unit = request).
  double log_e_peak;
  std::vector<RolloutEpoch> epochs;  ///< The last one is the present one.
  WallTime started_at;
  WallTime step_entered_at;
  WallTime ended_at;  ///< Zero while it runs.
  std::string started_by;
  std::string said;  ///< The last sentence about it, for people.
  /// "person", "driver", "follower", "guard". Empty while it runs, and if SQL has ended it.
  std::string ended_by;
  Revision revision;
  Rollout();
  bool operator==(const Rollout&) const = default;

  BasisPoints share() const { return epochs.empty() ? BasisPoints() : epochs.back().share; }
};

/// What the data plane has to know of a route's rollout: part of the route's row, so that it
/// changes with the share in one transaction.
struct RolloutMark {
  RolloutId id;
  std::uint32_t epoch = 0;  ///< Index into Rollout::epochs. Only grows.
  SplitUnit unit = SplitUnit::kRoute;
  FrozenThresholds thresholds;
  bool tickets = false;  ///< Answers carry a ticket: a custom metric is reported by it.
  bool operator==(const RolloutMark&) const = default;
};
RolloutMark MarkOf(const Rollout& rollout);

/// Whether an outcome is one coin by itself (unit = request), else keys are (statistics_sticky).
constexpr bool IsSticky(SplitUnit unit) { return unit != SplitUnit::kRequest; }

}  // namespace podium
