// Prints the tables of docs/rollout-statistics.md: each scenario under Podium's rule beside its
// bar, beside the rules of others, and what "no power left" said.
//
//     simulator_bench                    everything; about 40 minutes
//     simulator_bench request rules      the unit is the request
//     simulator_bench 500 2000 20000     sticky keys
//     simulator_bench power              the "no power left" rule
//     simulator_bench tick               what one look costs
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <vector>

#include "rollout/label_likelihood.h"
#include "rollout/scenarios.h"
#include "rollout/sticky.h"

namespace podium::rollout {
namespace {

void Print(const std::string& line) {
  std::fputs((line + "\n").c_str(), stdout);
  std::fflush(stdout);
}

SimulationResult Measured(const Scenario& scenario, const SimulationPlan& plan) {
  const Result<SimulationResult> result = Simulate(scenario.world, plan);
  if (result) return *result;
  Print("error: " + Describe(result.error()));
  return {};
}

// "98.3 % (112,000)"
std::string Cell(Claim claim, const SimulationResult& result) {
  const double share = ShareOf(claim, result);
  if (share <= 0) return "0 %";
  return fmt::format("{:.1f} % ({:.1f}k)", 100 * share, MedianOf(claim, result) / 1000);
}

std::string BarText(const Scenario& scenario) {
  const bool at_most = scenario.claim == Claim::kKept || scenario.claim == Claim::kNotPromoted;
  std::string text;
  if (scenario.share_bar) {
    text = fmt::format("{} {:.3g} %", at_most ? "<=" : ">=", 100 * *scenario.share_bar);
  }
  if (scenario.median_bar) text += fmt::format(" <= {:.1f}k", *scenario.median_bar / 1000);
  return text.empty() ? "-" : text;
}

void PrintTable(const std::string& title, const std::vector<Scenario>& scenarios) {
  Print("\n## " + title +
        "\n\n| scenario | | measured | too early | bar | |\n|---|---|---|---|---|---|");
  for (const Scenario& scenario : scenarios) {
    const SimulationResult result = Measured(scenario, PlanFor(scenario, Rule::kPodium));
    const std::optional<bool> clears = Clears(scenario, result);
    Print(fmt::format("| {} | {} | {} | {} | {} | {} |", scenario.name, scenario.what,
                      Cell(scenario.claim, result),
                      result.too_early > 0 ? fmt::format("{:.1f} %", 100 * result.too_early) : "-",
                      BarText(scenario),
                      !clears   ? ""
                      : *clears ? "cleared"
                                : "**missed**"));
  }
}

void PrintRules() {
  constexpr Rule kRules[] = {Rule::kPodium, Rule::kFailureLimit, Rule::kSuccessRate,
                             Rule::kPeekingZ, Rule::kMannWhitney};
  Print(
      "\n## Podium beside the rules of others, unit = request\n\n"
      "| scenario | | Podium | success >= 95 %, limit 3 | success >= 99 %, 5 windows | peeking z | "
      "Mann-Whitney |\n|---|---|---|---|---|---|---|");
  for (const Scenario& scenario : RequestScenarios()) {
    if (scenario.claim != Claim::kKept && scenario.claim != Claim::kFound) continue;
    std::string row = fmt::format("| {} | {} |", scenario.name, scenario.what);
    for (const Rule rule : kRules) {
      const SimulationResult result = Measured(scenario, PlanFor(scenario, rule));
      row += fmt::format(" {}", Cell(scenario.claim, result));
      if (result.too_early > 0) row += fmt::format(", {:.1f} % early", 100 * result.too_early);
      row += " |";
    }
    Print(row);
  }
}

void PrintPowerOf(const std::string& world, const Scenario& scenario) {
  SimulationPlan plan = PlanFor(scenario, Rule::kPodium);
  plan.power_looks = 20;
  const SimulationResult result = Measured(scenario, plan);
  for (std::size_t i = 0; i < result.power.size(); ++i) {
    const PowerOfStep& step = result.power[i];
    const auto of = [](double part, double whole) {
      return whole > 0 ? fmt::format("{:.0f} %", 100 * part / whole) : std::string("-");
    };
    Print(fmt::format("| {} | {} | {} | {} | {} | {} | {} | {} |", world, i + 1, step.reached,
                      of(step.found, 1), of(step.missed_said_at_start, step.missed),
                      of(step.missed_said_by_half, step.missed), of(step.missed_said, step.missed),
                      of(step.said_wrong, step.said)));
  }
}

void PrintPower() {
  Print(
      "\n## \"No power left\" (for a doubling), on the ramp 1-5-25-50 %\n\n"
      "| scenario, keys, errors | step | reached by | found in it | where not found, said at its "
      "start | by "
      "half of it | by 90 % of it | wrongly: said, then found in it |\n"
      "|---|---|---|---|---|---|---|---|");
  for (const std::uint32_t keys : {500U, 2'000U, 20'000U}) {
    for (const Errors errors : {Errors::kEverywhere, Errors::kConcentrated}) {
      for (const Scenario& scenario : StickyScenarios(keys, errors)) {
        if (scenario.name != "doubled" && scenario.name != "fivefold") continue;
        const char* where = errors == Errors::kEverywhere ? "everywhere" : "in 10 %";
        PrintPowerOf(fmt::format("{}, {}, {}", scenario.name, keys, where), scenario);
      }
    }
  }
}

void PrintSticky(std::uint32_t keys) {
  PrintTable(fmt::format("{} sticky keys, errors everywhere", keys),
             StickyScenarios(keys, Errors::kEverywhere));
  PrintTable(fmt::format("{} sticky keys, errors in 10 % of them", keys),
             StickyScenarios(keys, Errors::kConcentrated));
}

// What a tick of a controller costs per series.
void RegressionOfEightSteps(benchmark::State& state) {
  const std::vector<LabelCounts> steps(
      8, {.label_probability = 0.05, .null_ratio = 1.1, .canary = 60, .all = 1000});
  for (auto _ : state) benchmark::DoNotOptimize(LogRegressionE(steps, {8}));
}
BENCHMARK(RegressionOfEightSteps);

void AlarmOfAnEpoch(benchmark::State& state) {
  ScoreHistogram closed;
  for (std::size_t i = 0; i < 4; ++i) {
    closed.canary[i] = 20 - i;
    closed.active[i] = 300 - i;
  }
  for (auto _ : state) {
    benchmark::DoNotOptimize(
        LogFirstEventE({.label_probability = 0.05, .null_ratio = 1.1, .canary = 90, .all = 1300}));
    benchmark::DoNotOptimize(LogScoreE(closed, 0.05, 1.1));
  }
}
BENCHMARK(AlarmOfAnEpoch);

// `podium rollout simulate` is the same for people, one scenario after the other.
int PrintTables(std::vector<std::string> asked) {
  if (asked.empty())
    asked = {"request", "rules", "500", "2000", "20000", "200000", "power", "tick"};
  for (const std::string& table : asked) {
    if (table == "request") {
      PrintTable("Unit = request", RequestScenarios());
    } else if (table == "rules") {
      PrintRules();
    } else if (table == "power") {
      PrintPower();
    } else if (table == "tick") {
      benchmark::RunSpecifiedBenchmarks();
    } else if (const int keys = std::atoi(table.c_str()); keys > 0) {
      PrintSticky(static_cast<std::uint32_t>(keys));
    } else {
      Print("there is no table \"" + table + "\"");
      return 2;
    }
  }
  return 0;
}

}  // namespace
}  // namespace podium::rollout

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  return podium::rollout::PrintTables({argv + 1, argv + argc});
}
