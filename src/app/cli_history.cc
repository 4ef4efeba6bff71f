#include "app/cli_history.h"

#include <fmt/format.h>

#include <utility>

#include "app/cli_console.h"
#include "app/cli_table.h"
#include "app/cli_target.h"

namespace podium::app {
namespace {

// Numbers as short as they are, everything else as it stands.
std::string ShowValue(const Json& value) {
  if (value.is_null()) return "-";
  if (value.is_string()) return Printable(value.get<std::string>());
  if (value.is_number_float()) return fmt::format("{:g}", value.get<double>());
  return Printable(DumpJson(value));
}

std::string SentencesOf(const Json& list) {
  std::string text;
  for (const Json& sentence : list) {
    if (sentence.is_string()) {
      text += fmt::format("  {}\n", Printable(sentence.get<std::string>()));
    }
  }
  return text;
}

std::string SignatureText(const Json& signature) {
  const std::string fit = TextOf(signature, "fit");
  if (fit == "compatible") return "signature: compatible, callers notice nothing\n";
  const bool unknown = fit == "unknown";
  return fmt::format("signature: {}\n{}",
                     unknown ? "nothing contradicts, but not all is known"
                             : "NOT compatible, callers of the first break",
                     SentencesOf(MemberOf(signature, unknown ? "unknown" : "differences")));
}

std::string ArtifactText(const Json& artifact) {
  const Json& same = MemberOf(artifact, "same");
  if (!same.is_boolean()) return "artifact: one of the checksums is not known\n";
  return same.get<bool>() ? "artifact: the same bytes\n" : "artifact: other bytes\n";
}

void AddRows(Table& table, const char* what, const Json& list) {
  for (const Json& row : list) {
    const Json& difference = MemberOf(row, "difference");
    table.Add({fmt::format("{} {}", what, Printable(TextOf(row, "name"))),
               ShowValue(MemberOf(row, "from")), ShowValue(MemberOf(row, "to")),
               difference.is_number() ? fmt::format("{:+g}", difference.get<double>()) : ""});
  }
}

std::string By(const Json& change) {
  if (change.is_null()) return "";
  const std::string reason = TextOf(change, "reason");
  return fmt::format("{} by {} ({}) at {}, revision {}{}", TextOf(change, "kind"),
                     TextOf(change, "actor"), TextOf(change, "origin"), TextOf(change, "at"),
                     CountOf(change, "revision"), reason.empty() ? "" : ": " + reason);
}

std::string HolderName(const Json& holder) {
  if (holder.is_null()) return "-";
  const Json& deleted = MemberOf(holder, "deleted_since");
  return fmt::format("{} ({}){}", TextOf(holder, "version"), TextOf(holder, "model_id"),
                     deleted.is_boolean() && deleted.get<bool>() ? ", deleted since" : "");
}

}  // namespace

std::string DescribeDiff(const Json& diff) {
  const Json& from = MemberOf(diff, "from");
  const Json& to = MemberOf(diff, "to");
  std::string text = fmt::format("{} → {}\n", NameRow(from), NameRow(to));
  text += SignatureText(MemberOf(diff, "signature"));
  text += ArtifactText(MemberOf(diff, "artifact"));
  if (const std::string relation = TextOf(MemberOf(diff, "lineage"), "relation");
      !relation.empty()) {
    text += fmt::format("lineage: the second is {}\n", Printable(relation));
  }
  Table table({{"WHAT"}, {"FROM"}, {"TO"}, {"DIFFERENCE", Table::Align::kRight}});
  AddRows(table, "field", MemberOf(diff, "fields"));
  AddRows(table, "metric", MemberOf(diff, "metrics"));
  AddRows(table, "tag", MemberOf(diff, "tags"));
  const Json& lineage = MemberOf(diff, "lineage");
  for (const char* key : {"parent_id", "source_run"}) {
    const Json& before = MemberOf(MemberOf(lineage, "from"), key);
    const Json& after = MemberOf(MemberOf(lineage, "to"), key);
    if (before != after) table.Add({key, ShowValue(before), ShowValue(after), ""});
  }
  if (!table.empty()) text += "\n" + table.Render();
  return text;
}

std::string DescribeStanding(const Json& standing, const std::string& at) {
  std::string text =
      fmt::format("Route {} at {}: generation {}\n\n", Printable(TextOf(standing, "route")),
                  Printable(at), CountOf(standing, "generation"));
  Table table({{"ROLE"}, {"VERSION"}, {"SHARE", Table::Align::kRight}, {"SINCE"}});
  const auto add = [&](const char* role, const Json& holder, std::string share, const Json& by) {
    table.Add({role, Printable(HolderName(holder)), std::move(share), Printable(By(by))});
  };
  const Json& primary = MemberOf(standing, "primary");
  const Json& canary = MemberOf(standing, "canary");
  add("primary", primary, "", MemberOf(primary, "by"));
  if (!canary.is_null()) {
    add("canary", canary, ShowPercent(NumberOf(standing, "traffic_pct")), MemberOf(canary, "by"));
  }
  for (const Json& arm : MemberOf(standing, "arms")) {
    add("arm", arm, ShowPercent(NumberOf(arm, "traffic_pct")), MemberOf(standing, "arms_by"));
  }
  text += table.Render();
  text += fmt::format("\nsalt {}", Printable(TextOf(standing, "salt")));
  if (!canary.is_null()) {
    text += fmt::format(", canary salt {}", Printable(TextOf(standing, "canary_salt")));
  }
  text += fmt::format("\nnewest change: {}\n", Printable(By(MemberOf(standing, "newest_change"))));
  const std::string unknown = SentencesOf(MemberOf(standing, "unknown"));
  return unknown.empty() ? text : text + "not known:\n" + unknown;
}

CliStatus RunDiff(CommandContext& context, const DiffArgs& args) {
  CLI_TRY_ASSIGN(const Json from, FindVersion(context.api, args.from));
  CLI_TRY_ASSIGN(const Json to, FindVersion(context.api, args.to));
  CLI_TRY_ASSIGN(
      const ApiAnswer answer,
      context.api.Get(WithQuery(ApiPath("/api/v1/versions", TextOf(from, "model_id"), "diff"), "to",
                                TextOf(to, "model_id"))));
  context.console.out << (context.format == OutputFormat::kJson ? DumpJsonPretty(answer.body) + "\n"
                                                                : DescribeDiff(answer.body));
  return {};
}

CliStatus RunAsOf(CommandContext& context, const std::string& route, const std::string& at) {
  // One that was not there yet is not mistyped.
  CLI_TRY_ASSIGN(
      const ApiAnswer answer,
      OfRoute(context.api, route,
              context.api.Get(WithQuery(ApiPath("/api/v1/routes", route, "as-of"), "at", at))));
  context.console.out << (context.format == OutputFormat::kJson
                              ? DumpJsonPretty(answer.body) + "\n"
                              : DescribeStanding(answer.body, at));
  return {};
}

}  // namespace podium::app
