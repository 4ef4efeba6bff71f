#include "app/cli_compare.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "app/cli_table.h"
#include "app/cli_target.h"

namespace podium::app {
namespace {

struct Figure {
  const char* key;
  const char* title;
  double scale;  // Of what is shown: 100 for percent.
  const char* unit;
};
constexpr Figure kFigures[] = {{"error_rate", "errors", 100, " %"},
                               {"accuracy", "accuracy", 100, " %"},
                               {"precision", "precision", 100, " %"},
                               {"recall", "recall", 100, " %"},
                               {"auc", "AUC", 1, ""},
                               {"log_loss", "log-loss", 1, ""},
                               {"absolute_error", "mean absolute error", 1, ""},
                               {"squared_error", "mean squared error", 1, ""},
                               {"feedback_score", "feedback score", 1, ""},
                               {"latency_p50_ms", "latency p50", 1, " ms"},
                               {"latency_p90_ms", "latency p90", 1, " ms"},
                               {"latency_p99_ms", "latency p99", 1, " ms"},
                               {"cost_usd", "cost", 1, " USD"}};

std::string BoundText(const Json& bound, double scale) {
  return bound.is_number() ? fmt::format("{:.4g}", scale * bound.get<double>()) : "?";
}

std::string FigureText(const Json& estimate, const Figure& figure) {
  if (!estimate.is_object()) return "";
  return fmt::format("{}{} [{}, {}]", BoundText(MemberOf(estimate, "value"), figure.scale),
                     figure.unit, BoundText(MemberOf(estimate, "low"), figure.scale),
                     BoundText(MemberOf(estimate, "high"), figure.scale));
}

std::string TitleOf(const Json& version) {
  const std::string name = TextOf(version, "version");
  const std::string status = TextOf(version, "status");
  if (name.empty()) return Printable(TextOf(version, "model_id"));
  return Printable(fmt::format("{} ({})", name, status));
}

std::string ComparisonWarnings(const Json& report) {
  std::string text;
  for (const Json& version : MemberOf(report, "versions")) {
    if (TextOf(version, "latency_of") == "model") {
      text += fmt::format("{}: latency of the model alone, as it was asked beside another\n",
                          TitleOf(version));
    }
    if (const double keep = NumberOf(version, "least_keep"); keep < 1) {
      text +=
          fmt::format("{}: at times only {} of the units were logged, the same of all versions\n",
                      TitleOf(version), AsPercent(keep));
    }
    if (const std::uint64_t unscored = CountOf(version, "unscored"); unscored > 0) {
      text += fmt::format("{}: {} labels have no number to be compared with\n", TitleOf(version),
                          WithThousands(unscored));
    }
    if (const std::uint64_t others = CountOf(version, "not_served"); others > 0) {
      text += fmt::format("{}: {} calls were answered by another version\n", TitleOf(version),
                          WithThousands(others));
    }
  }
  const Json& complete = MemberOf(report, "complete");
  if (complete.is_boolean() && !complete.get<bool>()) {
    text += "there were more predictions than are compared at once: the newest are left out\n";
  }
  return text;
}

}  // namespace

std::string DescribeComparison(const Json& report) {
  const Json& versions = MemberOf(report, "versions");
  std::vector<std::string> titles;
  for (const Json& version : versions) titles.push_back(TitleOf(version));
  std::vector<Table::Column> columns = {{""}};
  for (const std::string& title : titles) columns.push_back({title, Table::Align::kRight});
  Table table(std::move(columns));
  const auto add = [&](const std::string& name, auto cell) {
    std::vector<std::string> cells = {name};
    bool any = false;
    for (const Json& version : versions) {
      cells.push_back(cell(version));
      any = any || !cells.back().empty();
    }
    if (any) table.Add(std::move(cells));
  };
  add("predictions", [](const Json& version) { return WithThousands(CountOf(version, "n")); });
  add("labelled", [](const Json& version) { return WithThousands(CountOf(version, "labelled")); });
  for (const Figure& figure : kFigures) {
    add(figure.title,
        [&](const Json& version) { return FigureText(MemberOf(version, figure.key), figure); });
  }
  return fmt::format("Route {}, {} to {}\n\n{}\nIn brackets: 95 %, of each figure by itself.\n",
                     Printable(TextOf(report, "route")), ShowTime(TextOf(report, "since")),
                     ShowTime(TextOf(report, "until")), table.Render()) +
         ComparisonWarnings(report);
}

CliStatus RunCompare(CommandContext& context, const CompareArgs& args) {
  std::string target = ApiPath("/api/v1/routes", args.route, "compare");
  target = WithQuery(std::move(target), "since", args.since);
  target = WithQuery(std::move(target), "until", args.until);
  if (args.threshold) {
    target = WithQuery(std::move(target), "threshold", fmt::format("{}", *args.threshold));
  }
  CLI_TRY_ASSIGN(const ApiAnswer answer, OfRoute(context.api, args.route, context.api.Get(target)));
  if (context.format == OutputFormat::kJson) {
    PrintJson(context.console, answer.body);
    return {};
  }
  if (MemberOf(answer.body, "versions").empty()) {
    context.console.err << "no predictions to compare: is the route logged (predictions.log: true "
                           "in the server's settings)?\n";
    return {};
  }
  context.console.out << DescribeComparison(answer.body);
  return {};
}

}  // namespace podium::app
