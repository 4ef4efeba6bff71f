#include "rollout/simulator.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <numbers>
#include <numeric>
#include <optional>

#include "rollout/alpha.h"
#include "rollout/label_likelihood.h"
#include "rollout/simulated_rules.h"
#include "rollout/sticky.h"

namespace podium::rollout {
namespace {

constexpr std::uint64_t kMostRequests = 100'000'000;
constexpr std::uint32_t kMostKeys = 1'000'000;

double Uniform(Rng& rng) { return static_cast<double>(rng.Next64() >> 11U) * 0x1p-53; }

/// Draws keys in proportion to their activity (Walker's alias method).
class Activity {
 public:
  Activity(std::uint32_t keys, double sigma, Rng& rng) : limit_(keys), other_(keys) {
    std::vector<double> weight(keys);
    for (double& each : weight) {
      const double radius = std::sqrt(-2 * std::log(1 - Uniform(rng)));
      each = std::exp(sigma * radius * std::cos(2 * std::numbers::pi * Uniform(rng)));
    }
    const double mean = std::accumulate(weight.begin(), weight.end(), 0.0) / keys;
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

  std::uint32_t Draw(Rng& rng) const {
    const double at = Uniform(rng) * static_cast<double>(limit_.size());
    const auto key = static_cast<std::uint32_t>(at);
    return at - key < limit_[key] ? key : other_[key];
  }

 private:
  std::vector<double> limit_;
  std::vector<std::uint32_t> other_;
};

/// One rollout: requests in their order, until the rule rolls back.
class Life {
 public:
  Life(const World& world, const Activity* activity, Rng& rng)
      : world_(world), activity_(activity), rng_(rng), buckets_(world.keys) {
    for (double& bucket : buckets_) bucket = Uniform(rng_);  // A salt of its own.
  }

  // The number of requests to the rollback, if there is one.
  std::optional<std::uint64_t> Run(SimulatedRule& rule, std::uint64_t look_every) {
    std::uint64_t done = 0;
    for (const WorldStep& step : world_.steps) {
      if (step.new_step) rule.BeginStep(step.share);
      for (std::uint64_t i = 0; i < step.requests; ++i) {
        rule.Add(Request(step, i));
        if (++done % look_every == 0 && rule.RollsBack()) return done;
      }
    }
    rule.End();
    return rule.RollsBack() ? std::optional(done) : std::nullopt;
  }

 private:
  SimulatedRequest Request(const WorldStep& step, std::uint64_t i) {
    const double progress = static_cast<double>(i) / static_cast<double>(step.requests);
    double rate = step.base_begin + (step.base_end - step.base_begin) * progress;
    SimulatedRequest request;
    if (activity_ == nullptr) {
      request.canary = Uniform(rng_) < step.share;
    } else {
      request.key = activity_->Draw(rng_);
      request.canary = buckets_[request.key] < step.share;
      // Frailty by number: it says nothing about the bucket.
      const bool frail = request.key < world_.frail * world_.keys;
      rate = frail ? rate / world_.frail : 0;
    }
    if (request.canary) rate *= step.ratio;
    request.bad = Uniform(rng_) < rate;
    return request;
  }

  const World& world_;
  const Activity* activity_;
  Rng& rng_;
  std::vector<double> buckets_;
};

Status CheckWorld(const World& world, const SimulationPlan& plan) {
  std::uint64_t requests = 0;
  bool sound = !world.steps.empty() && world.steps.front().new_step && world.frail > 0 &&
               world.frail <= 1 && world.keys <= kMostKeys && plan.rollouts >= 1 &&
               plan.look_every >= 1 && plan.alpha > 0 && plan.alpha < 1 && plan.null_ratio > 0 &&
               plan.margin > 1;
  for (const WorldStep& step : world.steps) {
    if (step.requests > kMostRequests) sound = false;
    requests += std::min(step.requests, kMostRequests);
    const bool rates = step.base_begin >= 0 && step.base_begin <= 1 && step.base_end >= 0 &&
                       step.base_end <= 1 && step.ratio >= 0 && std::isfinite(step.ratio);
    sound = sound && rates && step.share > 0 && step.share < 1;
  }
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

}  // namespace

Result<SimulationResult> Simulate(const World& world, const SimulationPlan& plan) {
  PODIUM_TRY(CheckWorld(world, plan));
  SeededRng rng(plan.seed);
  std::optional<Activity> activity;
  if (world.keys > 0) activity.emplace(world.keys, world.activity_sigma, rng);
  const auto declared = static_cast<std::size_t>(std::count_if(
      world.steps.begin(), world.steps.end(), [](const WorldStep& step) { return step.new_step; }));
  std::vector<std::uint64_t> times;
  int promoted = 0;
  for (int i = 0; i < plan.rollouts; ++i) {
    const std::unique_ptr<SimulatedRule> rule = MakeRule(plan, world.keys, declared);
    Life life(world, activity ? &*activity : nullptr, rng);
    if (const auto time = life.Run(*rule, plan.look_every)) times.push_back(*time);
    promoted += rule->Promoted() ? 1 : 0;
  }
  const double n = plan.rollouts;
  SimulationResult result;
  result.rolled_back = static_cast<double>(times.size()) / n;
  result.promoted = promoted / n;
  result.median_requests = Median(std::move(times));
  return result;
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
