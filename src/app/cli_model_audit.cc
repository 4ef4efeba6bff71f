#include "app/cli_model_audit.h"

#include <fmt/format.h>

#include <string_view>

#include "app/cli_console.h"
#include "app/cli_table.h"
#include "app/cli_target.h"
#include "base/utf8.h"

namespace podium::app {
namespace {

constexpr std::size_t kMostShown = 72;  // Of what changed, in bytes: --json has it all.

std::string ChangeOf(const Json& row) {
  const Json& before = MemberOf(row, "before");
  const Json& after = MemberOf(row, "after");
  if (before.empty()) return Shortened(Printable(DumpJson(after)), kMostShown);
  return Shortened(Printable(fmt::format("{} -> {}", DumpJson(before), DumpJson(after))),
                   kMostShown);
}

// "podium.model_version.created" is the event's type; here its family is clear.
std::string KindOf(const Json& row) {
  std::string kind = TextOf(row, "kind");
  constexpr std::string_view kFamily = "podium.";
  return Printable(kind.starts_with(kFamily) ? kind.substr(kFamily.size()) : kind);
}

}  // namespace

CliStatus RunModelAudit(CommandContext& context, const std::string& model, std::size_t most) {
  CLI_TRY_ASSIGN(const Json rows,
                 context.api.List(WithQuery("/api/v1/audit/models", "model", model), most));
  if (context.format == OutputFormat::kJson) {
    PrintJson(context.console, rows);
    return {};
  }
  Table table({{"AT (UTC)"},
               {"ROW", Table::Align::kRight},
               {"MODEL"},
               {"VERSION"},
               {"CHANGE"},
               {"BY"},
               {"WHAT"}});
  for (const Json& row : rows) {
    table.Add({ShowTime(TextOf(row, "at")), fmt::to_string(CountOf(row, "number")),
               Printable(TextOf(row, "model")), TextOf(row, "version"), KindOf(row),
               Printable(fmt::format("{} ({})", TextOf(row, "actor"), TextOf(row, "origin"))),
               ChangeOf(row)});
  }
  if (table.empty()) {
    context.console.err << (model.empty() ? std::string("no registered model was changed yet\n")
                                          : fmt::format("nothing was changed in a registered model "
                                                        "{} yet\n",
                                                        Printable(model)));
    return {};
  }
  context.console.out << table.Render();
  if (rows.size() == most) {
    context.console.err << fmt::format("the newest {}; --limit shows more\n", most);
  }
  return {};
}

}  // namespace podium::app
