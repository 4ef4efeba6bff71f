// The claims of this module, by Monte-Carlo with fixed seeds: few rollouts here, the published
// tables come from simulator_bench. Tolerances are four standard errors wide, or the outcome is
// the same in every rollout.
#include "rollout/simulator.h"

#include <gtest/gtest.h>

#include "base/rng.h"
#include "rollout/simulated_rules.h"
#include "rollout/verdict.h"

namespace podium::rollout {
namespace {

SimulationResult Outcome(const World& world, SimulationPlan plan) {
  Result<SimulationResult> result = Simulate(world, plan);
  EXPECT_TRUE(result) << Describe(result.error());
  return result ? *result : SimulationResult{};
}

World Sticky(World world, std::uint32_t keys, double frail) {
  world.keys = keys;
  world.frail = frail;
  return world;
}

// The bars for unit = request: equal canary at most 5 %, 2 % against 1 % found by 23,000 requests.
TEST(Simulator, AnEqualCandidateStaysAndADoublingIsFound) {
  const SimulationResult equal = Outcome(FlatWorld(0.01, 1, 50'000), {.rollouts = 60});
  EXPECT_LE(equal.rolled_back, 0.08);
  const SimulationResult doubled = Outcome(FlatWorld(0.01, 2), {.rollouts = 40});
  EXPECT_GE(doubled.rolled_back, 0.95);
  EXPECT_GT(doubled.median_requests, 10'000);
  EXPECT_LT(doubled.median_requests, 30'000);
}

// Why threshold rules fail: they measure the weather.
TEST(Simulator, OtherRulesRollAnEqualCandidateBack) {
  const auto equal = [](Rule rule, int rollouts) {
    return Outcome(FlatWorld(0.01, 1), {.rule = rule, .rollouts = rollouts}).rolled_back;
  };
  EXPECT_EQ(equal(Rule::kSuccessRate, 10), 1);
  EXPECT_GT(equal(Rule::kPeekingZ, 40), 0.1);
  EXPECT_LE(equal(Rule::kFailureLimit, 20), 0.3);
  // Mann-Whitney errs on the other side: it is slow.
  EXPECT_LE(equal(Rule::kMannWhitney, 10), 0.2);
  EXPECT_LT(Outcome(FlatWorld(0.01, 2), {.rule = Rule::kMannWhitney, .rollouts = 20}).rolled_back,
            1);
  const World rising = RampWorld(0.005, 0.02, 1, 25'000);
  EXPECT_GT(Outcome(rising, {.rule = Rule::kPeekingZ, .rollouts = 10}).rolled_back, 0.9);
  EXPECT_LE(Outcome(rising, {.rollouts = 30}).rolled_back, 0.12);
}

// "One event per randomisation unit": counting every error of a sticky key is what to avoid.
TEST(Simulator, StickyKeysAreJudgedAsKeys) {
  const World equal = Sticky(RampWorld(0.01, 0.01, 1, 10'000), 500, 0.1);
  EXPECT_GT(Outcome(equal, {.rule = Rule::kEveryEvent, .rollouts = 40}).rolled_back, 0.1);
  EXPECT_LE(Outcome(equal, {.rollouts = 40}).rolled_back, 0.08);
  const World worse = Sticky(RampWorld(0.01, 0.01, 5, 10'000), 2'000, 1);
  EXPECT_GE(Outcome(worse, {.rollouts = 10}).rolled_back, 0.9);
}

// Keys of the worse arm leave a test over first events earlier. A candidate that was better and is
// equal now must not look worse for it.
TEST(Simulator, ACandidateThatWasBetterEarlyStays) {
  World world = Sticky(RampWorld(0.5, 0.5, 1, 5'000), 500, 1);
  world.steps[0].ratio = world.steps[1].ratio = 0.2;
  EXPECT_LE(Outcome(world, {.rollouts = 20}).rolled_back, 0.1);
}

TEST(Simulator, ErrorsOfFewKeysAreFound) {
  World world = Sticky(FlatWorld(0.02, 5, 60'000), 1'500, 0.1);
  world.steps[0].share = 0.5;
  EXPECT_EQ(Outcome(world, {.rollouts = 6}).rolled_back, 1);
}

TEST(Simulator, ALateRegressionCountsFromItsOnset) {
  World world = FlatWorld(0.05, 1, 20'000);
  world.steps.push_back(world.steps[0]);
  world.steps[1].ratio = 6;
  world.onset = 20'000;
  const SimulationResult late = Outcome(world, {.rollouts = 20, .look_every = 100});
  EXPECT_GE(late.rolled_back + late.too_early, 0.999);
  EXPECT_LE(late.too_early, 0.2);
  EXPECT_LT(late.median_requests, 4'000);
  World early = FlatWorld(0.05, 6, 20'000);
  early.onset = 20'000;  // All alarms are before it: none is a find.
  EXPECT_EQ(Outcome(early, {.rollouts = 5, .look_every = 100}).too_early, 1);
  EXPECT_EQ(Outcome(early, {.rollouts = 5, .look_every = 100}).rolled_back, 0);
}

World TimedWorld(const WorldLatency& latency, std::uint64_t requests) {
  World world = FlatWorld(0.01, 1, requests);
  world.latency = latency;
  return world;
}

TEST(Simulator, ASlowerCandidateIsFoundByItsLatency) {
  EXPECT_LE(Outcome(TimedWorld({}, 30'000), {.rollouts = 60}).rolled_back, 0.12);
  EXPECT_EQ(Outcome(TimedWorld({.factor = 0.8}, 30'000), {.rollouts = 20}).rolled_back, 0);
  const SimulationResult slower = Outcome(TimedWorld({.factor = 1.5}, 30'000), {.rollouts = 20});
  EXPECT_EQ(slower.rolled_back, 1);
  EXPECT_LT(slower.median_requests, 8'000);
  // Stalls move no median: the p99 finds them.
  const SimulationResult stalls =
      Outcome(TimedWorld({.stalled = 0.05, .stall = 20}, 60'000), {.rollouts = 20});
  EXPECT_EQ(stalls.rolled_back, 1);
}

// The rule of the simulation is the one that verdicts are made with.
TEST(Simulator, LatencyIsJudgedAsJudgeDoes) {
  const SimulationPlan plan;
  const std::unique_ptr<SimulatedRule> rule = MakeLatencyRule(plan, 1);
  rule->BeginStep(0.25);
  SeededRng rng(7);
  bool alarm = false;
  int looks = 0;
  for (int i = 0; i < 20'000 && !alarm; ++i) {
    const bool canary = rng.Next64() % 4 == 0;
    const std::uint64_t draw = rng.Next64() % 1000;
    const std::uint64_t shift = canary ? 60 : 0;  // The candidate is above each more often.
    const int above = draw < 10 + shift / 4 ? 3
                      : draw < 100 + shift  ? 2
                      : draw < 500 + shift  ? 1
                                            : 0;
    rule->Add({.canary = canary, .above = above});
    if (i % 500 != 499) continue;
    ++looks;
    alarm = rule->RollsBack();
    const Result<Verdict> verdict = Judge(*rule->Counters({}));
    ASSERT_TRUE(verdict) << Describe(verdict.error());
    EXPECT_EQ(verdict->decision == Decision::kRollBack, alarm) << i;
  }
  EXPECT_TRUE(alarm);
  EXPECT_GT(looks, 1);
}

TEST(Simulator, ACandidateAtTheMarginIsNotPromoted) {
  World at_margin = FlatWorld(0.01, 2, 30'000);
  EXPECT_LE(Outcome(at_margin, {.rollouts = 60, .null_ratio = 8, .margin = 2}).promoted, 0.12);
  World equal = FlatWorld(0.01, 1, 50'000);
  const SimulationResult promoted = Outcome(equal, {.rollouts = 20, .margin = 3});
  EXPECT_GE(promoted.promoted, 0.9);
  EXPECT_GT(promoted.median_promotion, 2'000);
  EXPECT_LT(promoted.median_promotion, 20'000);
}

// 300 keys of which 30 can fail: a doubling is out of reach at every step, and said so at once.
TEST(Simulator, NoPowerLeftIsSaidWhereADoublingCannotBeFound) {
  const World world = Sticky(RampWorld(0.01, 0.01, 2, 5'000), 300, 0.1);
  const SimulationResult result = Outcome(world, {.rollouts = 10, .power_looks = 4});
  ASSERT_EQ(result.power.size(), 4U);
  for (const PowerOfStep& step : result.power) {
    EXPECT_EQ(step.reached, 10);
    EXPECT_EQ(step.missed_said_at_start, 1);
    EXPECT_EQ(step.said, 1);
    EXPECT_EQ(step.said_wrong, 0);
  }
}

// Where it is found in every rollout, nothing was said before.
TEST(Simulator, NoPowerLeftIsNotSaidWhereThereIsPower) {
  World world = Sticky(FlatWorld(0.05, 4, 40'000), 5'000, 1);
  world.steps[0].share = 0.25;
  const SimulationResult sticky = Outcome(world, {.rollouts = 5, .power_looks = 10});
  ASSERT_EQ(sticky.power.size(), 1U);
  EXPECT_EQ(sticky.power[0].found, 1);
  EXPECT_EQ(sticky.power[0].said, 0);
  const SimulationResult request = Outcome(FlatWorld(0.05, 4), {.rollouts = 5, .power_looks = 10});
  EXPECT_EQ(request.power.at(0).found, 1);
  EXPECT_EQ(request.power.at(0).said, 0);
}

// The simulated rule is the one that ships: Judge decides the same from its counters.
TEST(Simulator, PodiumsRuleIsTheVerdictOfItsCounters) {
  int alarms = 0;
  int promotions = 0;
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    SeededRng rng(seed);
    const std::uint32_t keys = seed % 2 == 0 ? 0 : 200;
    const std::unique_ptr<SimulatedRule> rule =
        MakeRule({.margin = 3}, World{.steps = {}, .keys = keys}, 2);
    for (const double share : {0.25, 0.5}) {
      rule->BeginStep(share);
      for (int i = 0; i < 3'000; ++i) {
        const auto key = static_cast<std::uint32_t>(rng.Next64() % 200);
        const bool canary = keys == 0 ? rng.Next64() % 100 < 100 * share : key < 200 * share;
        const std::uint64_t bad_in_1000 = canary && seed % 3 == 0 ? 40 : 15;
        rule->Add({key, canary, rng.Next64() % 1000 < bad_in_1000});
      }
    }
    rule->End();
    const bool alarm = rule->RollsBack();
    const Result<Verdict> verdict = Judge(*rule->Counters({.units = 200, .left = 0.5}));
    ASSERT_TRUE(verdict) << Describe(verdict.error());
    EXPECT_EQ(verdict->decision == Decision::kRollBack, alarm) << seed;
    if (!alarm) EXPECT_EQ(verdict->decision == Decision::kStepUp, rule->Promoted()) << seed;
    alarms += alarm ? 1 : 0;
    promotions += !alarm && rule->Promoted() ? 1 : 0;
  }
  EXPECT_GT(alarms, 3);
  EXPECT_LT(alarms, 20);
  EXPECT_GT(promotions, 0);
}

TEST(Simulator, TheSameSeedGivesTheSameFigures) {
  const World world = Sticky(RampWorld(0.01, 0.02, 2, 2'000), 300, 0.5);
  std::vector<int> progress;
  const SimulationPlan plan{.rollouts = 10, .seed = 5};
  const SimulationResult one = Outcome(world, plan);
  const SimulationResult two = *Simulate(world, plan, [&](int done) { progress.push_back(done); });
  EXPECT_EQ(one.rolled_back, two.rolled_back);
  EXPECT_EQ(one.median_requests, two.median_requests);
  ASSERT_EQ(progress.size(), 10U);
  EXPECT_EQ(progress.back(), 10);
}

TEST(Simulator, RefusesWorldsThatCannotBe) {
  EXPECT_FALSE(Simulate({}, {}));
  EXPECT_FALSE(Simulate(FlatWorld(1.5, 1), {}));
  EXPECT_FALSE(Simulate(FlatWorld(0.01, -1), {}));
  EXPECT_FALSE(Simulate(FlatWorld(0.01, 1, 0), {}));
  EXPECT_FALSE(Simulate(FlatWorld(0.01, 1, 100'000'001), {}));
  EXPECT_FALSE(Simulate(Sticky(FlatWorld(0.01, 1), 1'000'001, 1), {}));
  EXPECT_FALSE(Simulate(Sticky(FlatWorld(0.01, 1), 10, 0), {}));
  EXPECT_FALSE(Simulate(FlatWorld(0.01, 1), {.rollouts = 0}));
  EXPECT_FALSE(Simulate(FlatWorld(0.01, 1), {.look_every = 0}));
  EXPECT_FALSE(Simulate(FlatWorld(0.01, 1), {.power_looks = -1}));
}

}  // namespace
}  // namespace podium::rollout
