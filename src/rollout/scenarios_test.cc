// The published worlds: each can be run, and a bar is cleared in the direction that it means.
#include "rollout/scenarios.h"

#include <gtest/gtest.h>

#include <set>

namespace podium::rollout {
namespace {

std::vector<std::vector<Scenario>> AllScenarios() {
  std::vector<std::vector<Scenario>> all = {RequestScenarios()};
  for (const std::uint32_t keys : {500U, 2'000U, 20'000U, 200'000U}) {
    all.push_back(StickyScenarios(keys, Errors::kEverywhere));
    all.push_back(StickyScenarios(keys, Errors::kConcentrated));
  }
  return all;
}

TEST(Scenarios, HaveNamesOfTheirOwnAndWorldsThatCanBe) {
  for (const std::vector<Scenario>& group : AllScenarios()) {
    std::set<std::string> names;
    for (Scenario scenario : group) {
      SCOPED_TRACE(scenario.name);
      EXPECT_TRUE(names.insert(scenario.name).second);
      for (WorldStep& step : scenario.world.steps) step.requests /= 100;
      scenario.world.keys /= 100;
      SimulationPlan plan = PlanFor(scenario, Rule::kPodium);
      plan.rollouts = 1;
      EXPECT_TRUE(Simulate(scenario.world, plan));
    }
  }
}

std::uint64_t RequestsOf(const World& world) {
  std::uint64_t requests = 0;
  for (const WorldStep& step : world.steps) requests += step.requests;
  return requests;
}

// A world that is shorter than the published one clears no bar of it.
TEST(Scenarios, AreAsLongAsPublished) {
  for (const Scenario& scenario : RequestScenarios()) {
    EXPECT_EQ(RequestsOf(scenario.world), 100'000U) << scenario.name;
  }
  for (const Scenario& scenario : StickyScenarios(2'000, Errors::kEverywhere)) {
    const bool promotes =
        scenario.claim == Claim::kPromoted || scenario.claim == Claim::kNotPromoted;
    EXPECT_EQ(RequestsOf(scenario.world), promotes ? 100'000U : 200'000U) << scenario.name;
  }
}

// The ratio turns at the onset, and not before it.
TEST(Scenarios, LateOnesAreFineUntilTheirOnset) {
  int late = 0;
  for (const std::vector<Scenario>& group : AllScenarios()) {
    for (const Scenario& scenario : group) {
      if (scenario.world.onset == 0) continue;
      ++late;
      std::uint64_t begin = 0;
      for (const WorldStep& step : scenario.world.steps) {
        EXPECT_EQ(step.ratio > 1, begin >= scenario.world.onset) << scenario.name << begin;
        begin += step.requests;
      }
    }
  }
  EXPECT_EQ(late, 17);
}

TEST(Scenarios, BarsAreClearedInTheirDirection) {
  const Scenario kept{
      .name = "", .what = "", .claim = Claim::kKept, .world = {}, .plan = {}, .share_bar = 0.05};
  EXPECT_EQ(Clears(kept, {.rolled_back = 0.05}), true);
  EXPECT_EQ(Clears(kept, {.rolled_back = 0.051}), false);
  const Scenario found{.name = "",
                       .what = "",
                       .claim = Claim::kFound,
                       .world = {},
                       .plan = {},
                       .share_bar = 0.9,
                       .median_bar = 1000};
  EXPECT_EQ(Clears(found, {.rolled_back = 0.9, .median_requests = 1000}), true);
  EXPECT_EQ(Clears(found, {.rolled_back = 0.89, .median_requests = 1000}), false);
  EXPECT_EQ(Clears(found, {.rolled_back = 0.9, .median_requests = 1001}), false);
  const Scenario promoted{
      .name = "", .what = "", .claim = Claim::kPromoted, .world = {}, .plan = {}, .share_bar = 0.5};
  EXPECT_EQ(Clears(promoted, {.rolled_back = 1, .promoted = 0.4}), false);
  EXPECT_EQ(Clears(promoted, {.promoted = 0.6}), true);
  const Scenario unclaimed{.name = "", .what = "", .claim = Claim::kFound, .world = {}, .plan = {}};
  EXPECT_EQ(Clears(unclaimed, {.rolled_back = 0}), std::nullopt);
}

}  // namespace
}  // namespace podium::rollout
