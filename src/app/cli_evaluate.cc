#include "app/cli_evaluate.h"

#include <fmt/format.h>

#include <utility>
#include <vector>

#include "app/cli_table.h"
#include "app/cli_target.h"

namespace podium::app {
namespace {

// Wide intervals and heavy weights are said, since the figures alone look as sure as any others.
constexpr double kHeavyWeight = 20;

std::string PlainNumber(const Json& number) {
  return number.is_number() ? fmt::format("{:.4g}", number.get<double>()) : "?";
}

std::vector<std::string> EstimateRow(const std::string& title, const Json& estimate) {
  return {title, PlainNumber(MemberOf(estimate, "value")),
          fmt::format("[{}, {}]", PlainNumber(MemberOf(estimate, "low")),
                      PlainNumber(MemberOf(estimate, "high")))};
}

std::string EstimateTable(const Json& report) {
  using enum Table::Align;
  const double clip = NumberOf(report, "clip");
  Table table({{"ESTIMATE"}, {"REWARD", kRight}, {"95 %", kRight}});
  table.Add(EstimateRow("as it was", MemberOf(report, "logged")));
  table.Add(EstimateRow("IPS", MemberOf(report, "ips")));
  table.Add(EstimateRow(clip > 0 ? fmt::format("SNIPS, weights cut at {:g}", clip) : "SNIPS",
                        MemberOf(report, "snips")));
  table.Add(EstimateRow("doubly robust", MemberOf(report, "doubly_robust")));
  return table.Render();
}

std::string LoggedTable(const Json& report) {
  using enum Table::Align;
  Table table({{"VERSION"}, {"POLICY", kRight}, {"DECISIONS", kRight}, {"MEAN REWARD", kRight}});
  for (const Json& version : MemberOf(report, "versions")) {
    const std::string name = TextOf(version, "version");
    const std::string id = TextOf(version, "model_id");
    const Json& mean = MemberOf(version, "mean_reward");
    table.Add({Printable(name.empty() ? id : fmt::format("{} ({})", name, id)),
               ShowPercent(NumberOf(version, "policy_pct")), WithThousands(CountOf(version, "n")),
               mean.is_number() ? PlainNumber(mean) : ""});
  }
  return table.Render();
}

std::string LeftOutText(const Json& report) {
  struct Cause {
    const char* key;
    const char* text;
  };
  constexpr Cause kCauses[] = {
      {"overrides", "named their version"},
      {"not_randomised", "could only have got the version that they got"},
      {"refused", "were their callers' own mistakes"},
      {"without_propensity", "have no propensity"},
      {"without_reward", "have no such reward"},
      {"unsupported", "were made while not all versions of the policy could have come"}};
  std::string text;
  for (const Cause& cause : kCauses) {
    const std::uint64_t count = CountOf(MemberOf(report, "left_out"), cause.key);
    if (count > 0) text += fmt::format("left out: {} that {}\n", WithThousands(count), cause.text);
  }
  const Json& complete = MemberOf(report, "complete");
  if (complete.is_boolean() && !complete.get<bool>()) {
    text += "there were more predictions than are read at once: the newest are left out\n";
  }
  return text;
}

}  // namespace

std::string DescribeEvaluation(const Json& report) {
  std::string text = fmt::format(
      "Route {}, {} to {}, reward: {}\n\n{}\n{}\n{} decisions of {} units; effective sample "
      "{:.0f}, "
      "largest weight {:.3g}\n",
      Printable(TextOf(report, "route")), ShowTime(TextOf(report, "since")),
      ShowTime(TextOf(report, "until")), Printable(TextOf(report, "reward")), LoggedTable(report),
      EstimateTable(report), WithThousands(CountOf(report, "n")),
      WithThousands(CountOf(report, "units")), NumberOf(report, "ess"),
      NumberOf(report, "max_weight"));
  if (const std::uint64_t clipped = CountOf(report, "clipped"); clipped > 0) {
    text += fmt::format("{} weights of SNIPS were cut: it leans towards the log's own split\n",
                        WithThousands(clipped));
  }
  if (NumberOf(report, "max_weight") > kHeavyWeight && NumberOf(report, "clip") <= 0) {
    text += "single calls weigh heavily: --clip 20 shows what SNIPS says without that\n";
  }
  return text + LeftOutText(report);
}

CliStatus RunEvaluate(CommandContext& context, const EvaluateArgs& args) {
  std::string target = ApiPath("/api/v1/routes", args.route, "evaluate");
  target = WithQuery(std::move(target), "policy", args.policy);
  target = WithQuery(std::move(target), "reward", args.reward);
  target = WithQuery(std::move(target), "since", args.since);
  target = WithQuery(std::move(target), "until", args.until);
  if (args.clip) target = WithQuery(std::move(target), "clip", fmt::format("{}", *args.clip));
  CLI_TRY_ASSIGN(const ApiAnswer answer, OfRoute(context.api, args.route, context.api.Get(target)));
  if (context.format == OutputFormat::kJson) {
    PrintJson(context.console, answer.body);
    return {};
  }
  context.console.out << DescribeEvaluation(answer.body);
  return {};
}

}  // namespace podium::app
