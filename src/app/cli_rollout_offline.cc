#include "app/cli_rollout_offline.h"

#include <fmt/format.h>

#include <cmath>
#include <utility>

#include "app/cli_table.h"
#include "app/cli_upload.h"
#include "rollout/verdict_json.h"
#include "rollout/verdict_text.h"

namespace podium::app {
namespace {

constexpr std::size_t kMostCounterBytes = 64 * 1024 * 1024;

// An error of the counters names the place at fault: "metrics[0].series[0].steps[2].events".
CliFailure CountersError(const std::string& file, const Error& error) {
  const std::string name = file == "-" ? "standard input" : file;
  return CliFailure(CliError{ExitCode::kFailed,
                             Printable(fmt::format("{}: {}", name, Describe(error))), "", "", ""});
}

std::string NumberText(double number) {
  return std::isinf(number) ? "never" : fmt::format("{:.2f}", number);
}

std::string RatioCell(double ratio) {
  return std::isinf(ratio) ? "infinite" : fmt::format("{:.2f}", ratio);
}

std::string FindingTable(const rollout::Verdict& verdict) {
  using enum Table::Align;
  Table table({{"SERIES"},
               {"STEP", kRight},
               {"LN E ROLLBACK", kRight},
               {"NEEDS", kRight},
               {"LN E PROMOTION", kRight},
               {"NEEDS", kRight},
               {"RATIO", kRight},
               {"CONFIDENCE SEQUENCE"}});
  for (const rollout::Finding& finding : verdict.findings) {
    table.Add({Printable(finding.name), std::to_string(finding.step + 1),
               NumberText(finding.log_e_alarm), NumberText(finding.alarm_needs),
               NumberText(finding.log_e_promote), NumberText(finding.promote_needs),
               RatioCell(finding.ratio.estimate), rollout::IntervalText(finding.ratio)});
  }
  return table.empty() ? "" : "\n" + table.Render();
}

}  // namespace

std::string DescribeVerdict(const rollout::Verdict& verdict) {
  std::string text = Printable(verdict.sentence) + "\n" + FindingTable(verdict);
  if (!verdict.paired.empty()) text += "\n";
  for (const rollout::PairedFinding& pairs : verdict.paired) {
    text += Printable(pairs.sentence) + "\n";
  }
  return text;
}

CliStatus RunRolloutEvidence(const RolloutEvidenceArgs& args, Console& console,
                             OutputFormat format) {
  const Result<std::string> text = ReadSmallFile(args.file, kMostCounterBytes);
  if (!text) return LocalError(text.error());
  const Result<rollout::Evidence> evidence = rollout::ParseEvidence(*text);
  if (!evidence) return CountersError(args.file, evidence.error());
  const Result<rollout::Verdict> verdict = rollout::Judge(*evidence);
  if (!verdict) return CountersError(args.file, verdict.error());
  if (format == OutputFormat::kTable) {
    console.out << DescribeVerdict(*verdict);
    return {};
  }
  const Result<Json> json = ParseJson(rollout::ToJson(*verdict));
  if (!json) return LocalError(json.error());
  PrintJson(console, *json);
  return {};
}

}  // namespace podium::app
