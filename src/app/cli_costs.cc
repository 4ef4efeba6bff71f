#include "app/cli_costs.h"

#include <fmt/format.h>

#include <string>

#include "app/cli_table.h"
#include "app/cli_target.h"

namespace podium::app {
namespace {

constexpr std::size_t kMostPricesListed = 10'000;

// As the API gives amounts: a column of them lines up.
std::string SixDecimals(const Json& amount) {
  return amount.is_number() ? fmt::format("{:.6f}", amount.get<double>()) : "";
}

void PrintSummary(CommandContext& context, const Json& report) {
  const Json& all = MemberOf(report, "efficiency_metrics");
  context.console.out << fmt::format(
      "{} USD in {} h, {} calls\n", SixDecimals(MemberOf(report, "total_cost_usd")),
      CountOf(report, "hours"), WithThousands(CountOf(all, "total_calls")));
  if (const std::uint64_t unpriced = CountOf(all, "unpriced_calls"); unpriced > 0) {
    context.console.err << fmt::format(
        "warning: {} calls have no known price and are not in the sum: podium price set\n",
        WithThousands(unpriced));
  }
}

}  // namespace

CliStatus RunCosts(CommandContext& context, const CostsArgs& args) {
  const std::string hours = args.hours ? fmt::to_string(*args.hours) : "";
  CLI_TRY_ASSIGN(const ApiAnswer answer,
                 context.api.Get(WithQuery("/api/models/costs", "hours", hours)));
  if (context.format == OutputFormat::kJson) {
    PrintJson(context.console, answer.body);
    return {};
  }
  Table table({{"MODEL"},
               {"USD", Table::Align::kRight},
               {"CALLS", Table::Align::kRight},
               {"TOKENS", Table::Align::kRight},
               {"UNPRICED", Table::Align::kRight}});
  for (const Json& model : MemberOf(answer.body, "top_models")) {
    table.Add({Printable(TextOf(model, "model_id")), SixDecimals(MemberOf(model, "total_cost_usd")),
               WithThousands(CountOf(model, "total_calls")),
               WithThousands(CountOf(model, "total_tokens")),
               WithThousands(CountOf(model, "unpriced_calls"))});
  }
  if (!table.empty()) context.console.out << table.Render();
  if (const std::size_t all = MemberOf(answer.body, "cost_by_model").size(); all > table.size()) {
    context.console.out << fmt::format(
        "the {} most expensive of {} models: podium costs -o json has all\n", table.size(), all);
  }
  PrintSummary(context, answer.body);
  return {};
}

CliStatus RunSetPrice(CommandContext& context, const SetPriceArgs& args) {
  Json body = {{"provider", args.provider}, {"model", args.model}};
  for (const auto& [field, amount] : args.amounts) body[field] = amount;
  if (!args.from.empty()) body["effective_from"] = args.from;
  if (!context.reason.empty()) body["reason"] = context.reason;
  CLI_TRY_ASSIGN(const ApiAnswer answer,
                 context.api.Change(net::HttpMethod::kPut, "/api/v1/prices", body));
  if (context.format == OutputFormat::kJson) {
    PrintJson(context.console, answer.body);
    return {};
  }
  context.console.out << fmt::format(
      "{} {} costs {} USD per million input tokens and {} per million output tokens from {} on\n",
      Printable(TextOf(answer.body, "provider")), Printable(TextOf(answer.body, "model")),
      Printable(TextOf(answer.body, "input")), Printable(TextOf(answer.body, "output")),
      ShowTime(TextOf(answer.body, "effective_from")));
  return {};
}

CliStatus RunListPrices(CommandContext& context, const ListPricesArgs& args) {
  std::string target = WithQuery("/api/v1/prices", "provider", args.provider);
  target = WithQuery(std::move(target), "model", args.model);
  CLI_TRY_ASSIGN(const Json rows, context.api.List(target, kMostPricesListed));
  if (context.format == OutputFormat::kJson) {
    PrintJson(context.console, rows);
    return {};
  }
  Table table({{"PROVIDER"},
               {"MODEL"},
               {"FROM (UTC)"},
               {"INPUT", Table::Align::kRight},
               {"OUTPUT", Table::Align::kRight},
               {"CACHE READ", Table::Align::kRight},
               {"CACHE WRITE", Table::Align::kRight},
               {"BY"},
               {"REASON"}});
  for (const Json& row : rows) {
    table.Add({Printable(TextOf(row, "provider")), Printable(TextOf(row, "model")),
               ShowTime(TextOf(row, "effective_from")), Printable(TextOf(row, "input")),
               Printable(TextOf(row, "output")), Printable(TextOf(row, "cache_read")),
               Printable(TextOf(row, "cache_write_5m")), Printable(TextOf(row, "actor")),
               Printable(TextOf(row, "reason"))});
  }
  if (table.empty()) {
    context.console.err
        << "no prices yet: podium price set PROVIDER MODEL --input 0.15 --output 0.60\n";
    return {};
  }
  context.console.out << table.Render();
  return {};
}

}  // namespace podium::app
