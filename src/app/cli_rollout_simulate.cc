#include "app/cli_rollout_simulate.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <utility>
#include <vector>

#include "app/cli_table.h"
#include "base/suggest.h"
#include "rollout/scenarios.h"

namespace podium::app {
namespace {

using rollout::Claim;
using rollout::Rule;
using rollout::Scenario;
using rollout::SimulationResult;

struct NamedRule {
  Rule rule;
  const char* name;   // In JSON.
  const char* title;  // Of the column.
};
constexpr NamedRule kComparedRules[] = {
    {Rule::kPodium, "podium", "PODIUM"},
    {Rule::kFailureLimit, "success_95_limit_3", "95 %, LIMIT 3"},
    {Rule::kSuccessRate, "success_99_windows_5", "99 %, 5 WINDOWS"},
    {Rule::kPeekingZ, "peeking_z", "PEEKING Z"},
    {Rule::kMannWhitney, "mann_whitney", "MANN-WHITNEY"},
};

bool IsAboutRollback(Claim claim) { return claim == Claim::kKept || claim == Claim::kFound; }

const char* NameOfClaim(Claim claim) {
  switch (claim) {
    case Claim::kKept:
      return "false_rollback";
    case Claim::kFound:
      return "found";
    case Claim::kNotPromoted:
      return "unsafe_promotion";
    case Claim::kPromoted:
      return "promoted";
  }
  return "";
}

/// One scenario under each rule that has a word in it.
struct SimulatedRow {
  Scenario scenario;
  std::vector<SimulationResult> results;  // As kComparedRules; of promotions Podium's alone.
};

/// "\r 12 %: doubled, PEEKING Z", on a terminal; it is wiped at the end.
class CellProgress {
 public:
  CellProgress(Console& console, std::size_t cells) : console_(console), cells_(cells) {}

  void Show(const Scenario& scenario, const NamedRule& rule, double of_cell) {
    if (!console_.err_is_terminal) return;
    const double done = (static_cast<double>(cell_) + of_cell) / static_cast<double>(cells_);
    std::string text = fmt::format("{:>3.0f} %: {}, {}", 100 * done, scenario.name, rule.title);
    if (text == last_) return;
    console_.err << '\r' << fmt::format("{:<60}", text) << std::flush;
    last_ = std::move(text);
  }
  void NextCell() { ++cell_; }
  void End() {
    if (!last_.empty()) console_.err << '\r' << std::string(60, ' ') << '\r' << std::flush;
  }

 private:
  Console& console_;
  std::size_t cells_;
  std::size_t cell_ = 0;
  std::string last_;
};

CliResult<std::vector<Scenario>> ChosenScenarios(const RolloutSimulateArgs& args) {
  const auto errors =
      args.concentrated ? rollout::Errors::kConcentrated : rollout::Errors::kEverywhere;
  std::vector<Scenario> all =
      args.sticky ? rollout::StickyScenarios(args.keys, errors) : rollout::RequestScenarios();
  if (args.scenario.empty()) return all;
  std::vector<std::string_view> names;
  for (const Scenario& scenario : all) {
    if (scenario.name == args.scenario) return std::vector<Scenario>{scenario};
    names.emplace_back(scenario.name);
  }
  return UsageError(fmt::format("there is no scenario \"{}\" here{}", args.scenario,
                                DidYouMean(args.scenario, names)),
                    fmt::format("one of: {}", fmt::join(names, ", ")));
}

std::size_t RulesIn(const Scenario& scenario) {
  return IsAboutRollback(scenario.claim) ? std::size(kComparedRules) : 1;
}

CliResult<SimulatedRow> SimulateRow(const Scenario& scenario, const RolloutSimulateArgs& args,
                                    CellProgress& progress) {
  SimulatedRow row{scenario, {}};
  for (std::size_t i = 0; i < RulesIn(scenario); ++i) {
    rollout::SimulationPlan plan = rollout::PlanFor(scenario, kComparedRules[i].rule);
    plan.rollouts = args.rollouts.value_or(kUsualRollouts);
    plan.seed = args.seed;
    Result<SimulationResult> result = rollout::Simulate(scenario.world, plan, [&](int done) {
      progress.Show(scenario, kComparedRules[i], static_cast<double>(done) / plan.rollouts);
    });
    if (!result) return LocalError(result.error());
    row.results.push_back(*std::move(result));
    progress.NextCell();
  }
  return row;
}

std::string SimulatedCell(Claim claim, const SimulationResult& result) {
  const double share = rollout::ShareOf(claim, result);
  std::string text = AsPercent(share);
  if (share > 0) {
    text +=
        fmt::format(" ({})", WithThousands(static_cast<std::uint64_t>(MedianOf(claim, result))));
  }
  if (result.too_early > 0) text += fmt::format(" +{} early", AsPercent(result.too_early));
  return text;
}

std::string SimulationBar(const Scenario& scenario) {
  const bool at_most = scenario.claim == Claim::kKept || scenario.claim == Claim::kNotPromoted;
  std::string text;
  if (scenario.share_bar) {
    text = fmt::format("{} {}", at_most ? "<=" : ">=", AsPercent(*scenario.share_bar));
  }
  if (scenario.median_bar) {
    text += fmt::format("{}<= {}", text.empty() ? "" : ", ",
                        WithThousands(static_cast<std::uint64_t>(*scenario.median_bar)));
  }
  return text;
}

std::string SimulationTable(const std::vector<SimulatedRow>& rows) {
  std::vector<Table::Column> columns = {{"SCENARIO"}, {"WORLD"}, {"SHARE OF"}, {"BAR"}};
  for (const NamedRule& rule : kComparedRules) columns.push_back({rule.title});
  Table table(columns);
  for (const SimulatedRow& row : rows) {
    std::vector<std::string> cells = {row.scenario.name, row.scenario.what,
                                      NameOfClaim(row.scenario.claim), SimulationBar(row.scenario)};
    for (const SimulationResult& result : row.results) {
      cells.push_back(SimulatedCell(row.scenario.claim, result));
    }
    cells.resize(columns.size());
    table.Add(std::move(cells));
  }
  return table.Render();
}

Json NumberOrNull(const std::optional<double>& number) {
  return number ? Json(*number) : Json(nullptr);
}

Json SimulationJson(const std::vector<SimulatedRow>& rows, const RolloutSimulateArgs& args) {
  Json json = {{"unit", args.sticky ? "sticky" : "request"},
               {"keys", args.sticky ? Json(args.keys) : Json(nullptr)},
               {"errors", args.concentrated ? "concentrated" : "everywhere"},
               {"rollouts", args.rollouts.value_or(kUsualRollouts)},
               {"seed", args.seed},
               {"scenarios", Json::array()}};
  for (const SimulatedRow& row : rows) {
    const std::optional<bool> clears = rollout::Clears(row.scenario, row.results.front());
    Json one = {{"name", row.scenario.name},
                {"world", row.scenario.what},
                {"share_of", NameOfClaim(row.scenario.claim)},
                {"share_bar", NumberOrNull(row.scenario.share_bar)},
                {"median_bar", NumberOrNull(row.scenario.median_bar)},
                {"cleared", clears ? Json(*clears) : Json(nullptr)},
                {"rules", Json::object()}};
    for (std::size_t i = 0; i < row.results.size(); ++i) {
      const SimulationResult& result = row.results[i];
      one["rules"][kComparedRules[i].name] = {
          {"share", rollout::ShareOf(row.scenario.claim, result)},
          {"median_requests", rollout::MedianOf(row.scenario.claim, result)},
          {"before_onset", result.too_early}};
    }
    json["scenarios"].push_back(std::move(one));
  }
  return json;
}

std::string SimulationTitle(const RolloutSimulateArgs& args) {
  const std::string unit =
      args.sticky ? fmt::format("{} sticky keys, errors {}", WithThousands(args.keys),
                                args.concentrated ? "in a tenth of them" : "everywhere")
                  : "unit = request";
  return fmt::format(
      "{}; {} rollouts in each cell, seed {}. In brackets: median requests to it, late ones from "
      "their onset.\n\n",
      unit, WithThousands(static_cast<std::uint64_t>(args.rollouts.value_or(kUsualRollouts))),
      args.seed);
}

}  // namespace

CliStatus RunRolloutSimulate(const RolloutSimulateArgs& args, Console& console,
                             OutputFormat format) {
  CLI_TRY_ASSIGN(const std::vector<Scenario> scenarios, ChosenScenarios(args));
  std::size_t cells = 0;
  for (const Scenario& scenario : scenarios) cells += RulesIn(scenario);
  CellProgress progress(console, cells);
  std::vector<SimulatedRow> rows;
  for (const Scenario& scenario : scenarios) {
    CLI_TRY_ASSIGN(SimulatedRow row, SimulateRow(scenario, args, progress));
    rows.push_back(std::move(row));
  }
  progress.End();
  if (format == OutputFormat::kJson) {
    PrintJson(console, SimulationJson(rows, args));
  } else {
    console.out << SimulationTitle(args) << SimulationTable(rows);
  }
  return {};
}

}  // namespace podium::app
