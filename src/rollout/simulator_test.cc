// The claims of this module, by Monte-Carlo with fixed seeds: few rollouts here, the published
// tables come from simulator_bench. Tolerances are four standard errors wide.
#include "rollout/simulator.h"

#include <gtest/gtest.h>

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
  const SimulationResult equal = Outcome(FlatWorld(0.01, 1), {.rollouts = 100});
  EXPECT_LE(equal.rolled_back, 0.05);
  const SimulationResult doubled = Outcome(FlatWorld(0.01, 2), {.rollouts = 60});
  EXPECT_GE(doubled.rolled_back, 0.98);
  EXPECT_GT(doubled.median_requests, 10'000);
  EXPECT_LT(doubled.median_requests, 30'000);
}

// Why threshold rules fail: they measure the weather.
TEST(Simulator, OtherRulesRollAnEqualCandidateBack) {
  EXPECT_EQ(Outcome(FlatWorld(0.01, 1), {.rule = Rule::kSuccessRate, .rollouts = 20}).rolled_back,
            1);
  EXPECT_GT(Outcome(FlatWorld(0.01, 1), {.rule = Rule::kPeekingZ, .rollouts = 60}).rolled_back,
            0.2);
  const World rising = RampWorld(0.005, 0.02, 1, 25'000);
  EXPECT_GT(Outcome(rising, {.rule = Rule::kPeekingZ, .rollouts = 30}).rolled_back, 0.95);
  EXPECT_LE(Outcome(rising, {.rollouts = 100}).rolled_back, 0.06);
  // Mann-Whitney errs on the other side: it is slow.
  const World doubled = FlatWorld(0.01, 2);
  EXPECT_LT(Outcome(doubled, {.rule = Rule::kMannWhitney, .rollouts = 20}).rolled_back, 1);
  EXPECT_LE(Outcome(FlatWorld(0.01, 1), {.rule = Rule::kMannWhitney, .rollouts = 20}).rolled_back,
            0.2);
  EXPECT_LE(Outcome(FlatWorld(0.01, 1), {.rule = Rule::kFailureLimit, .rollouts = 60}).rolled_back,
            0.2);
}

// "One event per randomisation unit": counting every error of a sticky key is what to avoid.
TEST(Simulator, StickyKeysAreJudgedAsKeys) {
  const World equal = Sticky(RampWorld(0.01, 0.01, 1, 10'000), 500, 0.1);
  EXPECT_GT(Outcome(equal, {.rule = Rule::kEveryEvent, .rollouts = 60}).rolled_back, 0.15);
  EXPECT_LE(Outcome(equal, {.rollouts = 60}).rolled_back, 0.05);
  const World worse = Sticky(RampWorld(0.01, 0.01, 5, 10'000), 2'000, 1);
  EXPECT_GE(Outcome(worse, {.rollouts = 20}).rolled_back, 0.9);
}

TEST(Simulator, ACandidateAtTheMarginIsNotPromoted) {
  World at_margin = FlatWorld(0.01, 2, 50'000);
  EXPECT_LE(Outcome(at_margin, {.rollouts = 100, .null_ratio = 8, .margin = 2}).promoted, 0.08);
  World equal = FlatWorld(0.01, 1, 50'000);
  EXPECT_GE(Outcome(equal, {.rollouts = 40, .margin = 3}).promoted, 0.95);
}

TEST(Simulator, TheSameSeedGivesTheSameFigures) {
  const World world = Sticky(RampWorld(0.01, 0.02, 2, 2'000), 300, 0.5);
  const SimulationResult one = Outcome(world, {.rollouts = 10, .seed = 5});
  const SimulationResult two = Outcome(world, {.rollouts = 10, .seed = 5});
  EXPECT_EQ(one.rolled_back, two.rolled_back);
  EXPECT_EQ(one.median_requests, two.median_requests);
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
}

}  // namespace
}  // namespace podium::rollout
