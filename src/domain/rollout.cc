#include "domain/rollout.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>
#include <string_view>
#include <utility>

#include "base/limits.h"

namespace podium {
namespace {

constexpr double kUnbounded = std::numeric_limits<double>::infinity();
// The bounds of what the tests can be asked: a guard that tolerates more guards nothing.
constexpr double kMostWeight = 1e6;
constexpr double kMostPercent = 1000;
constexpr double kMostMargin = 8;
constexpr std::size_t kLongestMetricName = 64;
constexpr double kLeastAlpha = 1e-6;
constexpr double kMostAlpha = 0.5;
// What a hold of a sticky unit is cut into at least; beyond that, one for each hour.
constexpr std::size_t kLeastEpochsOfHold = 8;

template <typename Enum, std::size_t N>
struct Words {
  std::array<std::string_view, N> words;

  std::string_view Of(Enum value) const { return words[static_cast<std::size_t>(value)]; }
  std::optional<Enum> Parse(std::string_view word) const {
    const auto found = std::find(words.begin(), words.end(), word);
    if (found == words.end()) return std::nullopt;
    return static_cast<Enum>(found - words.begin());
  }
};

constexpr Words<SplitUnit, 4> kUnits = {{"route", "request", "session", "user"}};
constexpr Words<GuardMetric, kGuardMetrics> kMetrics = {
    {"error_rate", "latency", "first_token", "cost", "custom"}};
// Below it a version might never be seen again; at 1 nothing is learned from.
constexpr double kLeastExploration = 0.0002;
constexpr double kMostExploration = 1;
constexpr double kLeastDiscount = 0.9;
constexpr Words<RolloutRule, 3> kRules = {{"sequential", "threshold", "thompson"}};
constexpr Words<OnOverdue, 2> kOverdue = {{"hold", "rollback"}};
constexpr Words<RolloutPhase, 5> kPhases = {
    {"running", "paused", "promoted", "rolled_back", "aborted"}};
constexpr std::array<std::string_view, kRolloutSeries> kSeries = {
    "errors",          "latency_p50",     "latency_p90", "latency_p99", "first_token_p50",
    "first_token_p90", "first_token_p99", "cost_p50",    "cost_p90",    "cost_p99"};

Failure Wrong(std::string place, std::string what) {
  return Failure(Error{ErrorCode::kInvalidArgument, std::move(what), std::move(place), nullptr});
}

// Written so that NaN is outside.
bool Within(double value, double least, double most) { return value >= least && value <= most; }

Status CheckDeadline(const RolloutStep& step, std::chrono::seconds of_plan,
                     const std::string& place) {
  const std::chrono::seconds deadline = step.deadline.count() == 0 ? of_plan : step.deadline;
  if (step.deadline.count() < 0 || deadline > limits::kMaxStepTime) {
    return Wrong(place + "/deadline",
                 fmt::format("a deadline is at most {} hours", limits::kMaxStepTime.count()));
  }
  if (deadline <= step.bake) {
    return Wrong(place + "/deadline",
                 "a step must have time after its bake time: raise the deadline");
  }
  return {};
}

Status CheckSteps(const RolloutPlan& plan) {
  if (plan.steps.empty() || plan.steps.size() > limits::kMaxPlanSteps) {
    return Wrong("/steps", fmt::format("a plan has 1 to {} steps", limits::kMaxPlanSteps));
  }
  BasisPoints before;
  std::size_t hours = 0;
  for (std::size_t i = 0; i < plan.steps.size(); ++i) {
    const RolloutStep& step = plan.steps[i];
    const std::string place = fmt::format("/steps/{}", i);
    if (step.share <= before) {
      return Wrong(place + "/share_pct",
                   fmt::format("{} % is not above {} %: shares ascend from step to step",
                               FormatPercent(step.share), FormatPercent(before)));
    }
    if (step.bake.count() < 0 || step.bake > limits::kMaxStepTime) {
      return Wrong(place + "/bake",
                   fmt::format("a bake time is 0 to {} hours", limits::kMaxStepTime.count()));
    }
    PODIUM_TRY(CheckDeadline(step, plan.deadline, place));
    before = step.share;
    hours += static_cast<std::size_t>(std::chrono::ceil<std::chrono::hours>(step.bake).count());
  }
  const std::size_t epochs = plan.steps.size() * kLeastEpochsOfHold + hours;
  if (IsSticky(plan.unit) && epochs > limits::kMaxRolloutEpochs) {
    return Wrong("/steps",
                 fmt::format("{} steps with bake times of {} hours in all are more than one "
                             "rollout can judge: shorten the bake times",
                             plan.steps.size(), hours));
  }
  return {};
}

bool IsMetricName(std::string_view name) {
  constexpr std::string_view kOthers = "_-.";
  const auto known = [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || kOthers.find(c) != kOthers.npos;
  };
  return !name.empty() && name.size() <= kLongestMetricName &&
         std::all_of(name.begin(), name.end(), known);
}

// What the primary's rate is, is not known before the rollout: so no limit in points, and with no
// count of the good ones no rate that is good enough by itself.
Status CheckCustom(const RolloutGuard& guard, const std::string& place) {
  if (!IsMetricName(guard.name)) {
    return Wrong(place + "/name",
                 fmt::format("a custom metric has a name of 1 to {} of a-z, 0-9, '_', '-' and '.'",
                             kLongestMetricName));
  }
  if (kMetrics.Parse(guard.name)) {
    return Wrong(place + "/name",
                 fmt::format("{} is measured by Podium itself: say \"metric\": \"{}\"", guard.name,
                             guard.name));
  }
  const std::optional<double>& bound = guard.bad_above ? guard.bad_above : guard.bad_below;
  if (guard.bad_above.has_value() == guard.bad_below.has_value() || !std::isfinite(*bound)) {
    return Wrong(place + "/bad_above",
                 "a custom metric says which values are bad: either bad_above or bad_below");
  }
  if (guard.points) {
    return Wrong(place + "/max_increase_points",
                 "how often the primary is bad by a custom metric is not known before the rollout: "
                 "say max_increase_pct");
  }
  return {};
}

Status CheckNotCustom(const RolloutGuard& guard, const std::string& place) {
  if (!guard.name.empty()) return Wrong(place + "/name", "only a custom metric has a name");
  if (guard.bad_above || guard.bad_below) {
    return Wrong(place + (guard.bad_above ? "/bad_above" : "/bad_below"),
                 "only a custom metric is bad beyond a value that the plan names");
  }
  return {};
}

Status CheckGuard(const RolloutGuard& guard, const std::string& place) {
  if (!(guard.weight > 0) || guard.weight > kMostWeight) {
    return Wrong(place + "/weight", fmt::format("a weight is above 0 and at most {}", kMostWeight));
  }
  if (guard.percent && !Within(*guard.percent, 0, kMostPercent)) {
    return Wrong(place + "/max_increase_pct",
                 fmt::format("an increase is 0 to {} percent", kMostPercent));
  }
  if (guard.points && !Within(*guard.points, 0, 100)) {
    return Wrong(place + "/max_increase_points", "an increase is 0 to 100 percentage points");
  }
  const bool custom = guard.metric == GuardMetric::kCustom;
  PODIUM_TRY(custom ? CheckCustom(guard, place) : CheckNotCustom(guard, place));
  if (!guard.at_most) return {};
  if (guard.metric != GuardMetric::kErrorRate) {
    return Wrong(place + "/at_most_pct", "only an error rate can be good enough by itself");
  }
  if (!(*guard.at_most > 0 && *guard.at_most < 100)) {
    return Wrong(place + "/at_most_pct", "a rate that is good enough is above 0 and below 100 %");
  }
  return {};
}

Status CheckGuards(const RolloutPlan& plan) {
  std::set<std::pair<GuardMetric, std::string_view>> seen;
  std::size_t custom = 0;
  bool guards_promotion = false;
  for (std::size_t i = 0; i < plan.guards.size(); ++i) {
    const std::string place = fmt::format("/guards/{}", i);
    const RolloutGuard& guard = plan.guards[i];
    PODIUM_TRY(CheckGuard(guard, place));
    if (!seen.emplace(guard.metric, guard.name).second) {
      const std::string_view name = guard.name.empty() ? NameOf(guard.metric) : guard.name;
      return Wrong(place + "/metric", fmt::format("{} has a guard already", name));
    }
    custom += guard.metric == GuardMetric::kCustom ? 1 : 0;
    if (custom > kCustomMetrics) {
      return Wrong(place, fmt::format("a plan guards at most {} custom metrics", kCustomMetrics));
    }
    guards_promotion = guards_promotion || guard.guards_promotion;
  }
  // Without one, a verdict would find nothing against any step.
  if (plan.rule == RolloutRule::kSequential && !guards_promotion) {
    return Wrong("/guards", "at least one guard must guard the promotion");
  }
  return {};
}

Status CheckWindows(const std::vector<RolloutWindow>& windows) {
  if (windows.size() > limits::kMaxPlanWindows) {
    return Wrong("/windows", fmt::format("a plan has at most {} windows", limits::kMaxPlanWindows));
  }
  for (std::size_t i = 0; i < windows.size(); ++i) {
    const RolloutWindow& window = windows[i];
    const std::string place = fmt::format("/windows/{}", i);
    if (window.days == 0 || window.days > RolloutWindow().days) {
      return Wrong(place + "/days", "a window is open on at least one day of the week");
    }
    if (window.from.count() < 0 || window.to > std::chrono::hours(24)) {
      return Wrong(place, "a window lies within one day, 00:00 to 24:00");
    }
    if (window.to <= window.from) {
      return Wrong(place + "/to", "a window ends after it begins: write one past midnight as two");
    }
  }
  return {};
}

}  // namespace

std::string_view NameOf(SplitUnit unit) { return kUnits.Of(unit); }
std::optional<SplitUnit> ParseSplitUnit(std::string_view name) { return kUnits.Parse(name); }
std::string_view NameOf(GuardMetric metric) { return kMetrics.Of(metric); }
std::optional<GuardMetric> ParseGuardMetric(std::string_view name) { return kMetrics.Parse(name); }
std::string_view NameOf(RolloutRule rule) { return kRules.Of(rule); }
std::optional<RolloutRule> ParseRolloutRule(std::string_view name) { return kRules.Parse(name); }
std::string_view NameOf(OnOverdue action) { return kOverdue.Of(action); }
std::optional<OnOverdue> ParseOnOverdue(std::string_view name) { return kOverdue.Parse(name); }
std::string_view NameOf(RolloutPhase phase) { return kPhases.Of(phase); }
std::optional<RolloutPhase> ParseRolloutPhase(std::string_view name) { return kPhases.Parse(name); }
std::string_view NameOfSeries(std::size_t series) { return kSeries.at(series); }

std::size_t SeriesOfGuard(const RolloutPlan& plan, std::size_t guard) {
  const auto is_custom = [](const RolloutGuard& one) { return one.metric == GuardMetric::kCustom; };
  const std::size_t first = FirstSeriesOf(plan.guards.at(guard).metric);
  if (!is_custom(plan.guards[guard])) return first;
  const auto begin = plan.guards.begin();
  const auto before = std::count_if(begin, begin + static_cast<std::ptrdiff_t>(guard), is_custom);
  return first + static_cast<std::size_t>(before);
}

const RolloutGuard* CustomGuard(const RolloutPlan& plan, std::string_view name) {
  for (const RolloutGuard& guard : plan.guards) {
    if (guard.metric == GuardMetric::kCustom && guard.name == name) return &guard;
  }
  return nullptr;
}

FrozenThresholds::FrozenThresholds() {
  latency_ms.fill(kUnbounded);
  first_token_ms.fill(kUnbounded);
  cost_nano_usd.fill(kUnbounded);
}

RolloutEpoch::RolloutEpoch() { judged_requests.fill(1); }

Rollout::Rollout() : log_e_peak(-kUnbounded) {}

bool IsOpen(const std::vector<RolloutWindow>& windows, WallTime now) {
  if (windows.empty()) return true;
  const auto day = std::chrono::floor<std::chrono::days>(now);
  const std::uint32_t weekday = std::chrono::weekday(day).iso_encoding() - 1;
  const auto time = now - day;
  return std::any_of(windows.begin(), windows.end(), [&](const RolloutWindow& window) {
    return (window.days >> weekday & 1u) != 0 && time >= window.from && time < window.to;
  });
}

RolloutPlan DefaultPlan() {
  RolloutPlan plan;
  for (const int share : {100, 500, 2500, 5000}) {
    RolloutStep step;
    step.share = *BasisPoints::From(share);
    plan.steps.push_back(step);
  }
  for (const GuardMetric metric : {GuardMetric::kErrorRate, GuardMetric::kLatency}) {
    RolloutGuard guard;
    guard.metric = metric;
    plan.guards.push_back(guard);
  }
  plan.deadline = std::chrono::hours(24);
  return plan;
}

namespace {

// Its shares are those of outcomes that are coins of their own: of a key's many they are not.
Status CheckThompson(const RolloutPlan& plan) {
  if (!Within(plan.exploration, kLeastExploration, kMostExploration)) {
    return Wrong("/exploration",
                 fmt::format("exploration is {} to {}", kLeastExploration, kMostExploration));
  }
  if (!Within(plan.discount, kLeastDiscount, 1)) {
    return Wrong("/discount", fmt::format("a discount is {} to 1", kLeastDiscount));
  }
  if (plan.rule == RolloutRule::kThompson && IsSticky(plan.unit)) {
    return Wrong("/unit", "the thompson rule learns from each request by itself: unit is request");
  }
  return {};
}

}  // namespace

Status Check(const RolloutPlan& plan) {
  if (plan.deadline.count() <= 0 || plan.deadline > limits::kMaxStepTime) {
    return Wrong("/deadline", fmt::format("a deadline is above 0 and at most {} hours",
                                          limits::kMaxStepTime.count()));
  }
  PODIUM_TRY(CheckSteps(plan));
  PODIUM_TRY(CheckGuards(plan));
  PODIUM_TRY(CheckWindows(plan.windows));
  if (!Within(plan.alpha, kLeastAlpha, kMostAlpha)) {
    return Wrong("/alpha", fmt::format("alpha is {} to {}", kLeastAlpha, kMostAlpha));
  }
  if (plan.margin && !(*plan.margin > 1 && *plan.margin <= kMostMargin)) {
    return Wrong("/margin", fmt::format("a margin is a ratio above 1 and at most {}", kMostMargin));
  }
  if (!Within(plan.success_threshold, 0, 1)) {
    return Wrong("/success_threshold", "a success threshold is a rate from 0 to 1");
  }
  if (plan.promote_at_end && plan.rule != RolloutRule::kSequential) {
    return Wrong("/promote_at_end",
                 fmt::format("the {} rule proves nothing, so it never promotes: use sequential",
                             NameOf(plan.rule)));
  }
  return CheckThompson(plan);
}

RolloutMark MarkOf(const Rollout& rollout) {
  RolloutMark mark;
  mark.id = rollout.id;
  mark.unit = rollout.plan.unit;
  mark.tickets =
      std::any_of(rollout.plan.guards.begin(), rollout.plan.guards.end(),
                  [](const RolloutGuard& guard) { return guard.metric == GuardMetric::kCustom; });
  if (rollout.epochs.empty()) return mark;
  mark.epoch = static_cast<std::uint32_t>(rollout.epochs.size() - 1);
  mark.thresholds = rollout.epochs.back().thresholds;
  return mark;
}

}  // namespace podium
