// The tables of this module's claims: one row is one world under one rule. The counters are shares
// of the rollouts and the median of the requests to a rollback; time is what the row cost.
#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "rollout/label_likelihood.h"
#include "rollout/simulator.h"

namespace podium::rollout {
namespace {

void Row(benchmark::State& state, const World& world, const SimulationPlan& plan) {
  for (auto _ : state) {
    const Result<SimulationResult> result = Simulate(world, plan);
    if (!result) return state.SkipWithError(result.error().message.c_str());
    state.counters["rolled_back"] = result->rolled_back;
    state.counters["median_requests"] = result->median_requests;
    state.counters["promoted"] = result->promoted;
  }
}

void Add(const std::string& name, const World& world, const SimulationPlan& plan) {
  benchmark::RegisterBenchmark(name.c_str(), Row, world, plan)
      ->Iterations(1)
      ->Unit(benchmark::kMillisecond);
}

World Incident() {
  World world = FlatWorld(0.01, 1, 45'000);
  for (const double rate : {0.1, 0.01}) {
    WorldStep next = world.steps[0];
    next.requests = rate > 0.01 ? 10'000 : 45'000;
    next.base_begin = next.base_end = rate;
    next.new_step = false;
    world.steps.push_back(next);
  }
  return world;
}

// In four steps of equal length at a held share, as a long soak is cut; worse from the middle on.
World LateRegression() {
  World world;
  for (int i = 0; i < 4; ++i) {
    world.steps.push_back({.requests = 25'000, .ratio = i < 2 ? 1.0 : 3.0});
  }
  return world;
}

void AddRequestTable() {
  struct Named {
    const char* name;
    Rule rule;
  };
  constexpr Named kRules[] = {{"podium", Rule::kPodium},
                              {"failure_limit", Rule::kFailureLimit},
                              {"success_rate", Rule::kSuccessRate},
                              {"peeking_z", Rule::kPeekingZ},
                              {"mann_whitney", Rule::kMannWhitney}};
  for (const Named& each : kRules) {
    const SimulationPlan plan{.rule = each.rule, .rollouts = 2000};
    const std::string name = std::string("request/") + each.name;
    for (const double ratio : {1.0, 0.5, 1.2, 2.0, 5.0}) {
      Add(name + "/flat_x" + std::to_string(ratio).substr(0, 3), FlatWorld(0.01, ratio), plan);
    }
    Add(name + "/incident", Incident(), plan);
    Add(name + "/base_rises", RampWorld(0.005, 0.02, 1, 25'000), plan);
    Add(name + "/base_falls", RampWorld(0.02, 0.005, 1, 25'000), plan);
    Add(name + "/base_falls_x1.5", RampWorld(0.02, 0.005, 1.5, 25'000), plan);
    Add(name + "/late_x3", LateRegression(), plan);
  }
}

void AddStickyTable() {
  for (const std::uint32_t keys : {500U, 2'000U, 20'000U}) {
    for (const double frail : {1.0, 0.1}) {
      const std::string name = "sticky/" + std::to_string(keys) + (frail < 1 ? "/frail" : "/even");
      const auto add = [&](const char* what, World world, SimulationPlan plan) {
        world.keys = keys;
        world.frail = frail;
        plan.rollouts = 300;
        plan.look_every = 100;
        Add(name + what, world, plan);
      };
      add("/x1", RampWorld(0.01, 0.01, 1, 50'000), {});
      add("/x0.5", RampWorld(0.01, 0.01, 0.5, 50'000), {});
      add("/base_rises", RampWorld(0.005, 0.02, 1, 50'000), {});
      add("/x2", RampWorld(0.01, 0.01, 2, 50'000), {});
      add("/x5", RampWorld(0.01, 0.01, 5, 50'000), {});
      add("/every_event_x1", RampWorld(0.01, 0.01, 1, 50'000), {.rule = Rule::kEveryEvent});
      // Three steps, so that the promotion is out of 25 %. r0 = 8 keeps the alarm out of the way.
      World at_margin = RampWorld(0.01, 0.01, 2, 50'000);
      at_margin.steps.pop_back();
      add("/promoted_at_margin_2", at_margin, {.null_ratio = 8});
      World equal = RampWorld(0.01, 0.01, 1, 50'000);
      equal.steps.pop_back();
      add("/promoted_equal", equal, {.null_ratio = 8});
    }
  }
}

// What a tick of a controller costs per series.
void RegressionOfEightSteps(benchmark::State& state) {
  const std::vector<LabelCounts> steps(
      8, {.label_probability = 0.05, .null_ratio = 1.1, .canary = 60, .all = 1000});
  for (auto _ : state) benchmark::DoNotOptimize(LogRegressionE(steps, {8}));
}
BENCHMARK(RegressionOfEightSteps);

}  // namespace
}  // namespace podium::rollout

int main(int argc, char** argv) {
  podium::rollout::AddRequestTable();
  podium::rollout::AddStickyTable();
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
