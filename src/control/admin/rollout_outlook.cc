#include "control/admin/rollout_outlook.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>

#include "rollout/alpha.h"
#include "rollout/epoch_plan.h"
#include "rollout/power.h"
#include "rollout/rate_limit.h"
#include "rollout/verdict.h"

namespace podium::control {
namespace {

constexpr double kNever = std::numeric_limits<double>::infinity();
constexpr double kDoubled = 2;
// By definition: the primary exceeds its own p50, p90 and p99 so often. The rarest one decides.
constexpr double kRarestExceedance = 0.01;

rollout::Profile ProfileOf(const RolloutPlan& plan) {
  const bool strict = plan.alpha <= rollout::AlphaOf(rollout::Profile::kStrict);
  return strict ? rollout::Profile::kStrict : rollout::Profile::kStandard;
}

// What the promotion out of step `i` leads to.
BasisPoints NextShare(const RolloutPlan& plan, std::size_t i) {
  return i + 1 < plan.steps.size() ? plan.steps[i + 1].share
                                   : *BasisPoints::From(BasisPoints::kWhole);
}

double MarginOf(const RolloutPlan& plan, std::size_t i) {
  return plan.margin.value_or(rollout::MarginFor(NextShare(plan, i), ProfileOf(plan)));
}

double ErrorRateOf(const PrimaryTraffic& primary) {
  return (static_cast<double>(primary.bad) + 0.5) / (static_cast<double>(primary.requests) + 1);
}

double EventRateOf(GuardMetric metric, const PrimaryTraffic& primary) {
  return metric == GuardMetric::kErrorRate ? ErrorRateOf(primary) : kRarestExceedance;
}

double NullRatioOf(const RolloutGuard& guard, const PrimaryTraffic& primary) {
  const auto compiled = rollout::Compile({guard.percent, guard.points},
                                         std::min(primary.bad, primary.requests), primary.requests);
  return compiled ? compiled->null_ratio : rollout::kDefaultNullRatio;
}

/// The plan, the traffic, and the thresholds that follow from them.
class Outlooker {
 public:
  Outlooker(const RolloutPlan& plan, const PrimaryTraffic& primary, int attempt)
      : plan_(plan),
        primary_(primary),
        alpha_(rollout::AttemptAlpha(plan.alpha, std::max(attempt, 1))) {
    for (const RolloutGuard& guard : plan.guards) weights_ += guard.weight;
  }

  StepOutlook Step(std::size_t i) const {
    StepOutlook step;
    step.share = plan_.steps[i].share;
    for (const RolloutGuard& guard : plan_.guards) {
      // How often a custom metric is bad, nobody knows before the rollout.
      if (!guard.guards_promotion || guard.metric == GuardMetric::kCustom) continue;
      const double requests = ToPass(guard, i);
      if (requests < step.to_pass) continue;
      step.to_pass = requests;
      step.waits_for = NameOf(guard.metric);
    }
    step.to_catch = ToCatch(i);
    return step;
  }

  void WarnOf(std::size_t i, const StepOutlook& step, std::vector<std::string>& warnings) const {
    const double seconds = SecondsOf(DeadlineOf(i));
    const double expected = primary_.per_second * seconds;
    if (step.to_pass > expected) {
      warnings.push_back(fmt::format(
          "step {} ({} %) needs about {} requests until {} is shown to be no worse, and about {} "
          "come before its deadline: it will be held there",
          i + 1, FormatPercent(step.share), Rounded(step.to_pass), step.waits_for,
          Rounded(expected)));
    }
    AddPower(i, expected, warnings);
  }

  std::vector<std::string> StickyWarnings() const {
    rollout::StickyPlan sticky;
    sticky.keys_per_epoch = kNever;
    sticky.least_margin = kNever;
    for (std::size_t i = 0; i < plan_.steps.size(); ++i) {
      sticky.least_margin = std::min(sticky.least_margin, MarginOf(plan_, i));
      sticky.keys_per_epoch = std::min(sticky.keys_per_epoch, MostKeysIn(i));
    }
    sticky.guards_median =
        std::any_of(plan_.guards.begin(), plan_.guards.end(),
                    [](const RolloutGuard& guard) { return SeriesCountOf(guard.metric) > 1; });
    std::vector<std::string> warnings;
    for (const std::string& why : rollout::StickyObjections(sticky)) {
      warnings.push_back(
          fmt::format("with unit \"{}\": {} (counted as if each request were a key of its own); "
                      "unit \"request\" would need fewer",
                      NameOf(plan_.unit), why));
    }
    for (std::size_t i = 0; i < plan_.steps.size(); ++i) AddPower(i, MostKeysIn(i), warnings);
    return warnings;
  }

 private:
  // Whether a doubled error rate could be proven by step `i` alone, of `units` requests or keys.
  void AddPower(std::size_t i, double units, std::vector<std::string>& warnings) const {
    for (const RolloutGuard& guard : plan_.guards) {
      if (guard.metric != GuardMetric::kErrorRate) continue;
      rollout::PowerPlan power;
      power.series = "error rate";
      power.sticky = IsSticky(plan_.unit);
      power.shares = {plan_.steps[i].share};
      power.epochs = static_cast<int>(plan_.steps.size() *
                                      rollout::PartsOfStep(plan_, static_cast<std::uint32_t>(i)));
      power.units = units;
      power.rate_before = ErrorRateOf(primary_);
      power.alpha = alpha_;
      power.weight = guard.weight / weights_;
      power.null_ratio = NullRatioOf(guard, primary_);
      for (const rollout::StepPower& step : rollout::PowerBeforeStart(power)) {
        if (step.no_power) warnings.push_back(fmt::format("step {}: {}", i + 1, step.sentence));
      }
    }
  }

  static std::string Rounded(double number) {
    return std::isinf(number) ? "more than any number of" : fmt::format("{:.0f}", number);
  }
  static double SecondsOf(std::chrono::seconds duration) {
    return static_cast<double>(duration.count());
  }

  std::chrono::seconds DeadlineOf(std::size_t i) const {
    const std::chrono::seconds own = plan_.steps[i].deadline;
    return own > std::chrono::seconds(0) ? own : plan_.deadline;
  }
  double RhoOf(std::size_t i) const {
    return plan_.steps[i].share.value() / static_cast<double>(BasisPoints::kWhole);
  }

  // Under H0 the ratio is the margin or more; the candidate's is 1.
  double ToPass(const RolloutGuard& guard, std::size_t i) const {
    const double events =
        rollout::EventsNeeded(rollout::LogThreshold(alpha_), RhoOf(i), 1, MarginOf(plan_, i));
    return events / EventRateOf(guard.metric, primary_);
  }

  double ToCatch(std::size_t i) const {
    double least = kNever;
    for (const RolloutGuard& guard : plan_.guards) {
      if (guard.metric != GuardMetric::kErrorRate) continue;
      const double null_ratio = NullRatioOf(guard, primary_);
      const double ratio = std::max(kDoubled, rollout::RatioOfInterest(null_ratio));
      const double threshold = rollout::LogThreshold(alpha_, guard.weight / weights_);
      // With twice as many in the candidate's arm there are more events than the primary's rate.
      const double rate = ErrorRateOf(primary_) * (1 + RhoOf(i) * (ratio - 1));
      least = std::min(least, rollout::EventsNeeded(threshold, RhoOf(i), ratio, null_ratio) / rate);
    }
    return least;
  }

  // No key is active that sends nothing: so there are at most as many keys as requests.
  double MostKeysIn(std::size_t i) const {
    const std::chrono::seconds bake = plan_.steps[i].bake;
    const double hold = SecondsOf(bake > std::chrono::seconds(0) ? bake : DeadlineOf(i));
    return primary_.per_second * hold / rollout::PartsOfStep(plan_, static_cast<std::uint32_t>(i));
  }

  const RolloutPlan& plan_;
  const PrimaryTraffic& primary_;
  const double alpha_;
  double weights_ = 0;
};

bool GuardsErrors(const RolloutPlan& plan) {
  return std::any_of(plan.guards.begin(), plan.guards.end(), [](const RolloutGuard& guard) {
    return guard.metric == GuardMetric::kErrorRate;
  });
}

Json NumberOrNull(double number) {
  return std::isfinite(number) ? Json(std::ceil(number)) : Json();
}

}  // namespace

RolloutOutlook OutlookOf(const RolloutPlan& plan, const PrimaryTraffic& primary, int attempt) {
  RolloutOutlook outlook;
  if (attempt > 1) {
    outlook.warnings.push_back(fmt::format(
        "attempt {} of this artifact on this route: only {:.2g} of the chance of error {:g} is "
        "left to it, so it needs more evidence",
        attempt, rollout::AttemptAlpha(plan.alpha, attempt), plan.alpha));
  }
  if (plan.rule == RolloutRule::kThreshold) {
    outlook.warnings.emplace_back(
        "the threshold rule bounds no chance of error: a bad candidate may pass, and a good one "
        "may wait for ever");
    return outlook;
  }
  if (plan.rule == RolloutRule::kThompson) {
    outlook.warnings.emplace_back(
        "the thompson rule moves the share by the probability that the candidate succeeds more "
        "often: steps up bound no chance of error, the alarm does, and a person promotes");
    return outlook;
  }
  if (!GuardsErrors(plan)) {
    outlook.warnings.emplace_back("no guard looks at the error rate");
  }
  for (const RolloutGuard& guard : plan.guards) {
    if (guard.metric != GuardMetric::kCustom || !guard.guards_promotion) continue;
    outlook.warnings.push_back(fmt::format(
        "nothing goes up before {} is reported for both versions (x-podium-ticket): how often is "
        "not known, so these figures are without it",
        guard.name));
  }
  if (primary.per_second <= 0) {
    outlook.warnings.emplace_back(
        "the primary has answered nothing on this server yet, so nothing can be said of how long "
        "this takes: without requests nothing is proven, and the rollout holds");
    return outlook;
  }
  const Outlooker outlooker(plan, primary, attempt);
  if (IsSticky(plan.unit)) {
    std::vector<std::string> sticky = outlooker.StickyWarnings();
    std::move(sticky.begin(), sticky.end(), std::back_inserter(outlook.warnings));
    return outlook;  // What counts is keys hit, and how many requests a key sends is not known.
  }
  for (std::size_t i = 0; i < plan.steps.size(); ++i) {
    outlook.steps.push_back(outlooker.Step(i));
    outlooker.WarnOf(i, outlook.steps.back(), outlook.warnings);
  }
  return outlook;
}

Json ToJson(const RolloutOutlook& outlook, const PrimaryTraffic& primary) {
  Json json;
  json["primary"] = {{"requests", primary.requests},
                     {"errors", primary.bad},
                     {"requests_per_s", primary.per_second}};
  json["steps"] = Json::array();
  for (const StepOutlook& step : outlook.steps) {
    json["steps"].push_back({{"traffic_pct", step.share.percent()},
                             {"requests_to_pass", NumberOrNull(step.to_pass)},
                             {"waits_for", step.waits_for.empty() ? Json() : Json(step.waits_for)},
                             {"requests_to_catch_double_errors", NumberOrNull(step.to_catch)}});
  }
  json["warnings"] = outlook.warnings.empty() ? Json::array() : Json(outlook.warnings);
  return json;
}

}  // namespace podium::control
