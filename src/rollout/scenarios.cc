#include "rollout/scenarios.h"

namespace podium::rollout {
namespace {

constexpr double kMostFalse = 0.05;          // Guaranteed.
constexpr double kMostFalseRequest = 0.02;   // Observed, equal candidate.
constexpr double kMostFalseSticky = 0.035;   // Observed.
constexpr std::uint64_t kRampStep = 50'000;  // Requests.
constexpr double kQuietAlarm = 8;            // A null ratio that lets a promotion be seen.

/// A share held for `requests` of them, cut into `epochs`.
struct Hold {
  double share = 0.05;
  std::uint64_t requests = 100'000;
  int epochs = 1;
};

// The candidate's ratio is `before` up to the onset and `ratio` from there on.
World HeldWorld(const Hold& hold, double base, double before, double ratio, std::uint64_t onset) {
  World world{.steps = {}, .onset = onset};
  const std::uint64_t each = hold.requests / static_cast<std::uint64_t>(hold.epochs);
  for (int i = 0; i < hold.epochs; ++i) {
    const std::uint64_t begin = static_cast<std::uint64_t>(i) * each;
    WorldStep step{.requests = each,
                   .share = hold.share,
                   .base_begin = base,
                   .base_end = base,
                   .ratio = begin >= onset ? ratio : before};
    if (begin < onset && onset < begin + each) {
      step.requests = onset - begin;
      world.steps.push_back(step);
      step.requests = each - step.requests;
      step.ratio = ratio;
      step.new_step = false;
    }
    world.steps.push_back(step);
  }
  return world;
}

World RatioWorld(double base, double ratio, std::uint64_t per_step = kRampStep) {
  return RampWorld(base, base, ratio, per_step);
}

// Both arms fail alike for a while, in the middle of a step.
World WithIncident(World world, std::size_t in_step, std::uint64_t requests, double rate) {
  const auto at = world.steps.begin() + static_cast<std::ptrdiff_t>(in_step);
  WorldStep during = *at;
  WorldStep after = *at;
  const std::uint64_t rest = at->requests - requests;
  at->requests = rest / 2;
  during.requests = requests;
  during.base_begin = during.base_end = rate;
  after.requests = rest - rest / 2;
  during.new_step = after.new_step = false;
  world.steps.insert(world.steps.insert(at + 1, during) + 1, after);
  return world;
}

// Two epochs: the earlier one shows how many requests of a key may be judged in the later one.
World PromotionWorld(double before, double share, double ratio) {
  World world;
  for (const double each : {before, share}) {
    world.steps.push_back({.requests = kRampStep, .share = each, .ratio = ratio});
  }
  return world;
}

Scenario Kept(std::string name, std::string what, World world, double bar) {
  return {std::move(name), std::move(what), Claim::kKept, std::move(world), {}, bar};
}
Scenario Found(std::string name, std::string what, World world,
               std::optional<double> share = std::nullopt,
               std::optional<double> median = std::nullopt) {
  return {std::move(name), std::move(what), Claim::kFound, std::move(world), {}, share, median};
}
Scenario AtMargin(std::string name, std::string what, World world, double margin) {
  return {std::move(name),
          std::move(what),
          Claim::kNotPromoted,
          std::move(world),
          {.null_ratio = kQuietAlarm, .margin = margin},
          kMostFalse};
}
Scenario Equal(std::string name, std::string what, World world, double margin,
               std::optional<double> bar) {
  return {std::move(name),
          std::move(what),
          Claim::kPromoted,
          std::move(world),
          {.null_ratio = kQuietAlarm, .margin = margin},
          bar};
}

// A soak is cut into epochs, so that a late regression is found by a restart. The onset below falls
// into the middle of one.
World Soak(double before, double ratio, std::uint64_t onset = 0) {
  return HeldWorld({.epochs = 20}, 0.01, before, ratio, onset);
}

// Two whole epochs of the soak.
World LongIncident() {
  World world = Soak(1, 1);
  for (const std::size_t i : {9U, 10U}) world.steps[i].base_begin = world.steps[i].base_end = 0.1;
  return world;
}

void AddRequestErrors(std::vector<Scenario>& all) {
  all.push_back(Kept("equal", "1 % in both", Soak(1, 1), kMostFalseRequest));
  all.push_back(Kept("better", "1 -> 0.5 %", Soak(0.5, 0.5), kMostFalseRequest));
  all.push_back(Found("slightly-worse", "1 -> 1.2 %", Soak(1.2, 1.2)));
  all.push_back(Found("doubled", "1 -> 2 %", Soak(2, 2), 0.99, 23'000));
  all.push_back(Found("fivefold", "1 -> 5 %", Soak(5, 5), 1, 2'500));
  all.push_back(Kept("incident", "10 % in both for 10,000 requests", LongIncident(), kMostFalse));
  all.push_back(Kept("base-rises", "ramp, 0.5 -> 2 % in both", RampWorld(0.005, 0.02, 1, 25'000),
                     kMostFalse));
  all.push_back(Kept("base-falls", "ramp, 2 -> 0.5 % in both", RampWorld(0.02, 0.005, 1, 25'000),
                     kMostFalse));
  all.push_back(Found("base-falls-worse", "ramp, the same, candidate 1.5x",
                      RampWorld(0.02, 0.005, 1.5, 25'000)));
  all.push_back(
      Found("late", "1 -> 3 % after 52,500 requests", Soak(1, 3, 52'500), std::nullopt, 11'000));
}

// Lognormal times of sigma 0.8; thresholds are the primary's own p50, p90 and p99.
void AddRequestLatencies(std::vector<Scenario>& all) {
  const auto with = [](const WorldLatency& latency) {
    World world = Soak(1, 1);
    world.latency = latency;
    return world;
  };
  all.push_back(Kept("latency-equal", "latency, the same in both", with({}), kMostFalse));
  all.push_back(
      Kept("latency-faster", "all take 0.8x as long", with({.factor = 0.8}), kMostFalseRequest));
  all.push_back(Found("latency-1.1x", "all take 1.1x as long", with({.factor = 1.1})));
  all.push_back(Found("latency-1.25x", "all take 1.25x as long", with({.factor = 1.25}), 0.99));
  all.push_back(Found("latency-1.5x", "all take 1.5x as long", with({.factor = 1.5}), 1));
  all.push_back(
      Found("latency-stalls", "1 % of requests take 10x as long", with({.stalled = 0.01})));
}

void AddRequestPromotions(std::vector<Scenario>& all) {
  const auto held = [](double share, double ratio) {
    return HeldWorld({.share = share}, 0.01, ratio, ratio, 0);
  };
  all.push_back(AtMargin("at-margin-2-5", "2x, margin 2, at 5 %", held(0.05, 2), 2));
  all.push_back(AtMargin("at-margin-2-25", "2x, margin 2, at 25 %", held(0.25, 2), 2));
  all.push_back(AtMargin("at-margin-2-50", "2x, margin 2, at 50 %", held(0.5, 2), 2));
  all.push_back(AtMargin("at-margin-2-ramp", "2x, margin 2, ramp, in its last step",
                         RatioWorld(0.01, 2, 25'000), 2));
  all.push_back(Equal("equal-margin-3-5", "equal, margin 3, at 5 %", held(0.05, 1), 3, {}));
  all.push_back(Equal("equal-margin-2-25", "equal, margin 2, at 25 %", held(0.25, 1), 2, {}));
  all.push_back(Equal("equal-margin-1.5-50", "equal, margin 1.5, at 50 %", held(0.5, 1), 1.5, {}));
  all.push_back(
      Equal("equal-margin-1.25-50", "equal, margin 1.25, at 50 %", held(0.5, 1), 1.25, {}));
}

/// The bars of statistics with sticky keys that depend on how many there are.
struct StickyBars {
  std::optional<double> doubled, doubled_by;
  std::optional<double> fivefold, fivefold_by;
  std::optional<double> late_ramp;
  std::optional<double> late_held, late_held_by;
  std::optional<double> p90, p90_by;
  std::optional<double> promoted_2, promoted_1_5;
};

StickyBars BarsOf(std::uint32_t keys, bool everywhere) {
  StickyBars bars;
  if (keys >= 200'000) {
    bars.promoted_2 = 0.95;
  } else if (keys >= 20'000) {
    bars = {.doubled = 0.98,
            .doubled_by = everywhere ? 95'000 : 112'000,
            .fivefold = 1,
            .fivefold_by = everywhere ? 25'000 : 55'000,
            .late_ramp = std::nullopt,
            .late_held = 0.97,
            .late_held_by = 7'500,
            .p90 = 1,
            .p90_by = 52'000,
            .promoted_2 = everywhere ? 0.95 : 0.75,
            .promoted_1_5 = everywhere ? 0.80 : 0.35};
  } else if (keys >= 2'000) {
    bars.fivefold = 1;
    bars.fivefold_by = everywhere ? 55'000 : 105'000;
    if (everywhere) {
      bars.doubled = 0.95;
      bars.doubled_by = 115'000;
    } else {
      bars.late_ramp = 0.8;
    }
  } else if (keys >= 500) {
    if (everywhere) bars.fivefold = 0.97;
    bars.p90 = 0.97;
  }
  return bars;
}

// Better in the first two steps and then equal: keys of the worse arm have left by then, which is
// what breaks tests that multiply over steps.
World BetterEarly(double base, double ratio) {
  World world = RatioWorld(base, 1);
  world.steps[0].ratio = world.steps[1].ratio = ratio;
  return world;
}

World LateInRamp() {
  World world = RatioWorld(0.01, 1);
  WorldStep worse = world.steps.back();
  world.onset = 3 * kRampStep + 10'000;
  world.steps.back().requests = 10'000;
  worse.requests = kRampStep - 10'000;
  worse.ratio = 5;
  worse.new_step = false;
  world.steps.push_back(worse);
  return world;
}

void AddStickyNulls(std::vector<Scenario>& all) {
  const auto add = [&](std::string name, std::string what, World world) {
    all.push_back(Kept(std::move(name), std::move(what), std::move(world), kMostFalseSticky));
  };
  add("equal", "1 % in both", RatioWorld(0.01, 1));
  add("better", "always half the errors", RatioWorld(0.01, 0.5));
  add("better-early", "0.3x in two steps, then equal", BetterEarly(0.01, 0.3));
  add("base-rises", "0.5 -> 2 % in both", RampWorld(0.005, 0.02, 1, kRampStep));
  add("base-falls", "2 -> 0.5 % in both", RampWorld(0.02, 0.005, 1, kRampStep));
  add("incident", "10 % in both for 10,000 requests",
      WithIncident(RatioWorld(0.01, 1), 2, 10'000, 0.1));
}

void AddStickyLatencies(std::vector<Scenario>& all, const StickyBars& bars) {
  const auto add = [&](std::string name, std::string what, World world) {
    all.push_back(Kept(std::move(name), std::move(what), std::move(world), kMostFalseSticky));
  };
  add("p50-equal", "p50 exceeded by half in both", RatioWorld(0.5, 1));
  add("p50-faster", "p50 exceeded by 40 against 50 %", RatioWorld(0.5, 0.8));
  add("p50-faster-early", "p50: 10 against 50 % in two steps, then equal", BetterEarly(0.5, 0.2));
  add("p90-faster", "p90 exceeded by 5 against 10 %", RatioWorld(0.1, 0.5));
  all.push_back(Found("p90-slower", "p90 exceeded by 20 against 10 %", RatioWorld(0.1, 2), bars.p90,
                      bars.p90_by));
  all.push_back(Found("p50-slower", "p50 exceeded by 60 against 50 %", RatioWorld(0.5, 1.2)));
}

void AddStickyRegressions(std::vector<Scenario>& all, const StickyBars& bars) {
  all.push_back(Found("doubled", "1 -> 2 %", RatioWorld(0.01, 2), bars.doubled, bars.doubled_by));
  all.push_back(
      Found("fivefold", "1 -> 5 %", RatioWorld(0.01, 5), bars.fivefold, bars.fivefold_by));
  all.push_back(Found("late-in-ramp", "1 -> 5 % 10,000 requests into the 50 % step", LateInRamp(),
                      bars.late_ramp));
  all.push_back(Found("late-held", "5 % held in 8 epochs, 1 -> 5 % half way",
                      HeldWorld({.requests = 200'000, .epochs = 8}, 0.01, 1, 5, 100'000),
                      bars.late_held, bars.late_held_by));
}

void AddStickyPromotions(std::vector<Scenario>& all, const StickyBars& bars) {
  all.push_back(AtMargin("at-margin-2", "2x, margin 2, at 25 %", PromotionWorld(0.05, 0.25, 2), 2));
  all.push_back(
      AtMargin("at-margin-1.5", "1.5x, margin 1.5, at 50 %", PromotionWorld(0.25, 0.5, 1.5), 1.5));
  all.push_back(Equal("equal-margin-2", "equal, margin 2, at 25 %", PromotionWorld(0.05, 0.25, 1),
                      2, bars.promoted_2));
  all.push_back(Equal("equal-margin-1.5", "equal, margin 1.5, at 50 %",
                      PromotionWorld(0.25, 0.5, 1), 1.5, bars.promoted_1_5));
}

}  // namespace

SimulationPlan PlanFor(const Scenario& scenario, Rule rule) {
  SimulationPlan plan = scenario.plan;
  plan.rule = rule;
  if (rule != Rule::kPodium) plan.look_every = SimulationPlan{}.look_every;
  plan.rollouts = RolloutsOf(scenario);
  return plan;
}

int RolloutsOf(const Scenario& scenario) {
  if (scenario.world.keys == 0) return 2000;
  return scenario.claim == Claim::kKept ? 1000 : 300;
}

double ShareOf(Claim claim, const SimulationResult& result) {
  return claim == Claim::kKept || claim == Claim::kFound ? result.rolled_back : result.promoted;
}

double MedianOf(Claim claim, const SimulationResult& result) {
  return claim == Claim::kKept || claim == Claim::kFound ? result.median_requests
                                                         : result.median_promotion;
}

std::optional<bool> Clears(const Scenario& scenario, const SimulationResult& result) {
  if (!scenario.share_bar && !scenario.median_bar) return std::nullopt;
  const double share = ShareOf(scenario.claim, result);
  const bool at_most = scenario.claim == Claim::kKept || scenario.claim == Claim::kNotPromoted;
  if (scenario.share_bar && (at_most ? share > *scenario.share_bar : share < *scenario.share_bar)) {
    return false;
  }
  return !scenario.median_bar ||
         (share > 0 && MedianOf(scenario.claim, result) <= *scenario.median_bar);
}

std::vector<Scenario> RequestScenarios() {
  std::vector<Scenario> all;
  AddRequestErrors(all);
  AddRequestLatencies(all);
  AddRequestPromotions(all);
  return all;
}

std::vector<Scenario> StickyScenarios(std::uint32_t keys, Errors errors) {
  const bool everywhere = errors == Errors::kEverywhere;
  const StickyBars bars = BarsOf(keys, everywhere);
  std::vector<Scenario> all;
  AddStickyNulls(all);
  if (everywhere)
    AddStickyLatencies(all, bars);  // Half of all requests are in no tenth of the keys.
  AddStickyRegressions(all, bars);
  AddStickyPromotions(all, bars);
  for (Scenario& scenario : all) {
    scenario.world.keys = keys;
    scenario.world.frail = everywhere ? 1 : 0.1;
    scenario.plan.look_every = 20;
  }
  return all;
}

}  // namespace podium::rollout
