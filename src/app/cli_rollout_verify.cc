#include "app/cli_rollout_verify.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "app/cli_rollout.h"
#include "app/cli_table.h"
#include "rollout/evidence.h"
#include "rollout/verdict.h"
#include "rollout/verdict_json.h"

namespace podium::app {
namespace {

constexpr double kNearness = 1e-9;

bool IsNear(double a, double b) {
  return a == b || std::abs(a - b) <= kNearness * std::max({1.0, std::abs(a), std::abs(b)});
}

// The place of the first difference; empty when there is none.
std::string FirstDifference(const Json& kept, const Json& anew, const std::string& place) {
  if (kept.is_number() && anew.is_number()) {
    return IsNear(kept.get<double>(), anew.get<double>()) ? "" : place;
  }
  if (kept.type() != anew.type()) return place;
  if (!kept.is_structured()) return kept == anew ? "" : place;
  if (kept.size() != anew.size()) return place;
  if (kept.is_array()) {
    for (std::size_t i = 0; i < kept.size(); ++i) {
      std::string at = FirstDifference(kept[i], anew[i], fmt::format("{}/{}", place, i));
      if (!at.empty()) return at;
    }
    return "";
  }
  for (const auto& [key, value] : kept.items()) {
    const auto other = anew.find(key);
    std::string there = fmt::format("{}/{}", place, key);
    if (other == anew.end()) return there;
    std::string at = FirstDifference(value, *other, there);
    if (!at.empty()) return at;
  }
  return "";
}

// "step_up" in a verdict is "step-up" in the registry.
std::string WithDashes(std::string_view decision) {
  std::string text(decision);
  std::replace(text.begin(), text.end(), '_', '-');
  return text;
}

std::string NumberName(const Json& stored) {
  const std::uint64_t number = CountOf(stored, "number");
  return number == 0 ? "latest" : std::to_string(number);
}

}  // namespace

std::string DifferenceOf(const Json& stored) {
  // A look whose evidence was at fault has judged nothing, and says so.
  const Json& kept = MemberOf(stored, "verdict");
  if (kept.is_object() && kept.empty() && TextOf(stored, "decision") == "hold") return "";
  const Result<rollout::Evidence> evidence =
      rollout::ParseEvidence(DumpJson(MemberOf(stored, "evidence")));
  if (!evidence) return "its evidence cannot be read: " + Describe(evidence.error());
  const Result<rollout::Verdict> verdict = rollout::Judge(*evidence);
  if (!verdict) return "its evidence cannot be judged: " + Describe(verdict.error());
  const Result<Json> anew = ParseJson(rollout::ToJson(*verdict));
  if (!anew) return anew.error().message;
  const std::string place = FirstDifference(kept, *anew, "/verdict");
  if (!place.empty()) return fmt::format("{} is another one: {}", place, verdict->sentence);
  if (WithDashes(TextOf(stored, "decision")) == WithDashes(rollout::NameOf(verdict->decision))) {
    return "";
  }
  return fmt::format("the decision was {}, the verdict is {}", TextOf(stored, "decision"),
                     rollout::NameOf(verdict->decision));
}

CliStatus RunRolloutVerify(CommandContext& context, const RolloutVerifyArgs& args) {
  CLI_TRY_ASSIGN(const Json rollout, FindRollout(context.api, args.target, RolloutWanted::kAny));
  Table table({{"VERDICT", Table::Align::kRight}, {"AT"}, {"DECISION"}, {"ANEW"}});
  Json report = Json::array();
  std::size_t wrong = 0;
  const auto check = [&](const Json& stored) {
    const std::string difference = Printable(DifferenceOf(stored));
    if (!difference.empty()) ++wrong;
    table.Add({NumberName(stored), ShowTime(TextOf(stored, "at")),
               Printable(TextOf(stored, "decision")),
               difference.empty() ? "the same" : difference});
    report.push_back({{"number", MemberOf(stored, "number")},
                      {"decision", MemberOf(stored, "decision")},
                      {"same", difference.empty()},
                      {"difference", difference.empty() ? Json() : Json(difference)}});
  };
  // A page is looked at and forgotten: with their evidence, all of them may be too much to hold.
  std::string cursor;
  do {
    std::string target = WithQuery(RolloutPath(rollout, "verdicts"), "cursor", cursor);
    CLI_TRY_ASSIGN(const ApiAnswer page, context.api.Get(std::move(target)));
    for (const Json& stored : MemberOf(page.body, "items")) check(stored);
    cursor = TextOf(page.body, "next_cursor");
  } while (!cursor.empty());
  if (context.format == OutputFormat::kJson) {
    PrintJson(context.console, {{"id", MemberOf(rollout, "id")}, {"verdicts", report}});
  } else if (table.empty()) {
    context.console.err << "no verdict has been kept yet\n";
  } else {
    context.console.out << table.Render();
  }
  if (wrong == 0) return {};
  return CliFailure(CliError{
      ExitCode::kFailed,
      fmt::format("{} of {} verdicts do not follow from their evidence", wrong, report.size()), "",
      "", ""});
}

}  // namespace podium::app
