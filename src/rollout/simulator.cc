#include "rollout/simulator.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <numbers>
#include <numeric>
#include <optional>
#include <span>

#include "base/assert.h"
#include "rollout/simulated_rules.h"
#include "rollout/verdict.h"

namespace podium::rollout {
namespace {

constexpr std::uint64_t kMostRequests = 100'000'000;
constexpr std::uint32_t kMostKeys = 1'000'000;

double Uniform(SeededRng& rng) { return static_cast<double>(rng.Next64() >> 11U) * 0x1p-53; }

double Normal(SeededRng& rng) {
  const double radius = std::sqrt(-2 * std::log(1 - Uniform(rng)));
  return radius * std::cos(2 * std::numbers::pi * Uniform(rng));
}

/// Draws keys in proportion to their activity (Walker's alias method).
class Activity {
 public:
  Activity(std::uint32_t keys, double sigma, SeededRng& rng) : limit_(keys), other_(keys) {
    std::vector<double> weight(keys);
    for (double& each : weight) each = std::exp(sigma * Normal(rng));
    const double mean = std::accumulate(weight.begin(), weight.end(), 0.0) / keys;
    for (const double each : weight) chances_.push_back(each / (mean * keys));
    std::vector<std::uint32_t> small;
    std::vector<std::uint32_t> large;
    for (std::uint32_t key = 0; key < keys; ++key) {
      weight[key] /= mean;
      (weight[key] < 1 ? small : large).push_back(key);
    }
    while (!small.empty() && !large.empty()) {
      const std::uint32_t low = small.back();
      const std::uint32_t high = large.back();
      small.pop_back();
      limit_[low] = weight[low];
      other_[low] = high;
      weight[high] -= 1 - weight[low];
      if (weight[high] >= 1) continue;
      large.pop_back();
      small.push_back(high);
    }
    for (const std::uint32_t key : small) limit_[key] = 1;
    for (const std::uint32_t key : large) limit_[key] = 1;
  }

  std::uint32_t Draw(SeededRng& rng) const {
    const double at = Uniform(rng) * static_cast<double>(limit_.size());
    const auto key = static_cast<std::uint32_t>(at);
    return at - key < limit_[key] ? key : other_[key];
  }
  /// Of a request to come from each key.
  const std::vector<double>& chances() const { return chances_; }

 private:
  std::vector<double> limit_;
  std::vector<std::uint32_t> other_;
  std::vector<double> chances_;
};

// Sum over the keys of 1 - e^(-their requests): keys that n requests of all come from.
double ActiveKeys(std::span<const double> chances, double n) {
  double active = 0;
  for (const double chance : chances) active += -std::expm1(-chance * n);
  return active;
}

/// How one rollout of a world went.
struct Ended {
  std::optional<std::uint64_t> rolled_back;  ///< After so many requests.
  std::optional<std::uint64_t> promoted;     ///< After so many of the last step.
  /// Of each step that was reached, when it was first said that no power is left: 0 to 1, or never.
  std::vector<std::optional<double>> said;
};

/// One rollout: requests in their order, until the rule rolls back.
class Life {
 public:
  Life(const World& world, const SimulationPlan& plan, SeededRng& rng)
      : world_(world), plan_(plan), rng_(rng), buckets_(world.keys) {
    if (world.keys > 0) activity_.emplace(world.keys, world.activity_sigma, rng);
    for (double& bucket : buckets_) bucket = Uniform(rng_);  // A salt of its own.
  }

  Ended Run(SimulatedRule& rule) {
    Ended ended;
    std::uint64_t done = 0;
    for (const WorldStep& step : world_.steps) {
      if (step.new_step) {
        rule.BeginStep(step.share);
        if (done > 0 && Look(rule, done, ended)) return ended;  // What ended with the step before.
        step_begun_ = done;
        ended.said.emplace_back();
        AskForPower(rule, step, 0, ended);
      }
      const std::uint64_t ask_every = PowerInterval(step);
      for (std::uint64_t i = 0; i < step.requests; ++i) {
        rule.Add(Request(step, i));
        ++done;
        if (done % plan_.look_every == 0 && Look(rule, done, ended)) return ended;
        if (ask_every > 0 && (i + 1) % ask_every == 0) AskForPower(rule, step, i + 1, ended);
      }
    }
    rule.End();
    Look(rule, done, ended);
    return ended;
  }

 private:
  bool Look(SimulatedRule& rule, std::uint64_t done, Ended& ended) const {
    const bool rolls_back = rule.RollsBack();
    if (rule.Promoted() && !ended.promoted) ended.promoted = done - step_begun_;
    if (rolls_back) ended.rolled_back = done;
    return rolls_back;
  }

  std::uint64_t PowerInterval(const WorldStep& step) const {
    if (plan_.power_looks == 0) return 0;
    return std::max<std::uint64_t>(step.requests / static_cast<std::uint64_t>(plan_.power_looks),
                                   1);
  }

  // As a controller asks: with the counters so far, and what the primary showed before.
  void AskForPower(const SimulatedRule& rule, const WorldStep& step, std::uint64_t done,
                   Ended& ended) {
    if (plan_.power_looks == 0 || ended.said.back()) return;
    if (done == 0) before_ = Before(step);
    StepOutlook outlook = before_;
    outlook.left = 1 - static_cast<double>(done) / static_cast<double>(step.requests);
    const std::optional<Evidence> counters = rule.Counters(outlook);
    if (!counters) return;
    const Result<Verdict> verdict = Judge(*counters);
    PODIUM_ASSERT(verdict.has_value());
    if (verdict->decision == Decision::kNoPowerLeft) ended.said.back() = 1 - outlook.left;
  }

  // The primary's rate as an hour before the step would show it.
  StepOutlook Before(const WorldStep& step) const {
    const auto n = static_cast<double>(step.requests);
    if (!activity_) return {.units = n, .rate_before = step.base_begin};
    std::vector<double> hits;
    for (std::uint32_t key = 0; key < world_.keys; ++key) {
      hits.push_back(activity_->chances()[key] * RateOf(key, step.base_begin));
    }
    const double active = ActiveKeys(activity_->chances(), n);
    return {.units = active, .rate_before = ActiveKeys(hits, n) / active};
  }

  // Frailty by number: it says nothing about the bucket.
  double RateOf(std::uint32_t key, double rate) const {
    return key < world_.frail * world_.keys ? rate / world_.frail : 0;
  }

  SimulatedRequest Request(const WorldStep& step, std::uint64_t i) {
    const double progress = static_cast<double>(i) / static_cast<double>(step.requests);
    double rate = step.base_begin + (step.base_end - step.base_begin) * progress;
    SimulatedRequest request;
    if (!activity_) {
      request.canary = Uniform(rng_) < step.share;
    } else {
      request.key = activity_->Draw(rng_);
      request.canary = buckets_[request.key] < step.share;
      rate = RateOf(request.key, rate);
    }
    if (world_.latency) {
      request.above = Above(*world_.latency, request.canary);
      request.bad = request.above == static_cast<int>(kNormalQuantiles.size());
      return request;
    }
    if (request.canary) rate *= step.ratio;
    request.bad = Uniform(rng_) < rate;
    return request;
  }

  int Above(const WorldLatency& latency, bool canary) const {
    double log_time = latency.sigma * Normal(rng_);
    if (canary) log_time += std::log(latency.factor);
    if (canary && Uniform(rng_) < latency.stalled) log_time += std::log(latency.stall);
    return static_cast<int>(std::ranges::count_if(
        kNormalQuantiles, [&](double quantile) { return log_time > latency.sigma * quantile; }));
  }

  const World& world_;
  const SimulationPlan& plan_;
  SeededRng& rng_;
  std::optional<Activity> activity_;
  std::vector<double> buckets_;
  std::uint64_t step_begun_ = 0;
  StepOutlook before_;
};

bool CanBe(const WorldLatency& latency) {
  const auto is_positive = [](double number) { return number > 0 && std::isfinite(number); };
  return is_positive(latency.sigma) && is_positive(latency.factor) && is_positive(latency.stall) &&
         latency.stalled >= 0 && latency.stalled <= 1;
}

Status CheckWorld(const World& world, const SimulationPlan& plan) {
  std::uint64_t requests = 0;
  bool sound = !world.steps.empty() && world.steps.front().new_step && world.frail > 0 &&
               world.frail <= 1 && world.keys <= kMostKeys && plan.rollouts >= 1 &&
               plan.look_every >= 1 && plan.power_looks >= 0 && plan.alpha > 0 && plan.alpha < 1 &&
               plan.null_ratio > 0 && plan.margin > 1;
  for (const WorldStep& step : world.steps) {
    if (step.requests > kMostRequests) sound = false;
    requests += std::min(step.requests, kMostRequests);
    const bool rates = step.base_begin >= 0 && step.base_begin <= 1 && step.base_end >= 0 &&
                       step.base_end <= 1 && step.ratio >= 0 && std::isfinite(step.ratio);
    sound = sound && rates && step.share > 0 && step.share < 1;
  }
  if (world.latency) sound = sound && CanBe(*world.latency) && world.keys == 0;
  if (sound && requests > 0 && requests <= kMostRequests) return {};
  return Fail(ErrorCode::kInvalidArgument,
              "a simulation needs 1 to {} requests, at most {} keys, rates from 0 to 1 and shares "
              "between them",
              kMostRequests, kMostKeys);
}

double Median(std::vector<std::uint64_t> values) {
  if (values.empty()) return 0;
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return static_cast<double>(*middle);
}

/// Adds up rollouts.
class Summary {
 public:
  Summary(const World& world, const SimulationPlan& plan) : world_(world), plan_(plan) {}

  void Add(const Ended& ended) {
    if (ended.rolled_back && *ended.rolled_back < world_.onset) {
      ++too_early_;
    } else if (ended.rolled_back) {
      times_.push_back(*ended.rolled_back - world_.onset);
    }
    if (ended.promoted) promotions_.push_back(*ended.promoted);
    if (plan_.power_looks > 0) AddPower(ended);
  }
  SimulationResult Take() && {
    const double n = plan_.rollouts;
    SimulationResult result;
    result.rolled_back = static_cast<double>(times_.size()) / n;
    result.too_early = too_early_ / n;
    result.promoted = static_cast<double>(promotions_.size()) / n;
    result.median_requests = Median(std::move(times_));
    result.median_promotion = Median(std::move(promotions_));
    for (PowerOfStep& step : steps_) {
      for (double* share :
           {&step.found, &step.said, &step.said_wrong, &step.missed, &step.missed_said_at_start,
            &step.missed_said_by_half, &step.missed_said}) {
        *share /= step.reached;
      }
    }
    result.power = std::move(steps_);
    return result;
  }

 private:
  void AddPower(const Ended& ended) {
    if (steps_.size() < ended.said.size()) steps_.resize(ended.said.size());
    for (std::size_t i = 0; i < ended.said.size(); ++i) {
      PowerOfStep& step = steps_[i];
      const bool found = ended.rolled_back && i + 1 == ended.said.size();
      const std::optional<double> said = ended.said[i];
      const auto count = [](bool holds) { return holds ? 1.0 : 0.0; };
      ++step.reached;
      step.found += count(found);
      step.said += count(said.has_value());
      step.said_wrong += count(said && found);
      step.missed += count(!found);
      step.missed_said_at_start += count(!found && said && *said <= 0);
      step.missed_said_by_half += count(!found && said && *said <= kHalf);
      step.missed_said += count(!found && said && *said <= kForecast);
    }
  }

  static constexpr double kHalf = 0.501;
  static constexpr double kForecast = 0.901;

  const World& world_;
  const SimulationPlan& plan_;
  std::vector<std::uint64_t> times_;
  std::vector<std::uint64_t> promotions_;
  std::vector<PowerOfStep> steps_;
  int too_early_ = 0;
};

}  // namespace

Result<SimulationResult> Simulate(const World& world, const SimulationPlan& plan,
                                  const SimulationProgress& progress) {
  PODIUM_TRY(CheckWorld(world, plan));
  SeededRng rng(plan.seed);
  const auto declared = static_cast<std::size_t>(std::count_if(
      world.steps.begin(), world.steps.end(), [](const WorldStep& step) { return step.new_step; }));
  Summary summary(world, plan);
  for (int i = 0; i < plan.rollouts; ++i) {
    const std::unique_ptr<SimulatedRule> rule = MakeRule(plan, world, declared);
    summary.Add(Life(world, plan, rng).Run(*rule));
    if (progress) progress(i + 1);
  }
  return std::move(summary).Take();
}

World FlatWorld(double base, double ratio, std::uint64_t requests) {
  return {.steps = {{.requests = requests, .base_begin = base, .base_end = base, .ratio = ratio}}};
}

World RampWorld(double base_begin, double base_end, double ratio, std::uint64_t per_step) {
  constexpr double kShares[] = {0.01, 0.05, 0.25, 0.5};
  World world;
  const double by = (base_end - base_begin) / static_cast<double>(std::size(kShares));
  double base = base_begin;
  for (const double share : kShares) {
    world.steps.push_back({.requests = per_step,
                           .share = share,
                           .base_begin = base,
                           .base_end = base + by,
                           .ratio = ratio});
    base += by;
  }
  return world;
}

}  // namespace podium::rollout
