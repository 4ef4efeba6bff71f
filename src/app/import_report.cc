#include "app/import_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "app/cli_api.h"
#include "app/cli_console.h"
#include "app/cli_table.h"

namespace podium::app {
namespace {

// False: that is no outcome.
bool CountOutcome(ImportCounts& counts, const Json& row) {
  const std::string outcome = TextOf(row, "outcome");
  std::uint64_t* count = outcome == "created"     ? &counts.created
                         : outcome == "updated"   ? &counts.updated
                         : outcome == "unchanged" ? &counts.unchanged
                         : outcome == "conflict"  ? &counts.conflicts
                                                  : nullptr;
  if (count == nullptr) return false;
  ++*count;
  return true;
}

Json CountsJson(const ImportCounts& counts) {
  Json json;
  json["created"] = counts.created;
  json["updated"] = counts.updated;
  json["unchanged"] = counts.unchanged;
  json["conflicts"] = counts.conflicts;
  json["failed"] = counts.failed;
  return json;
}

std::string CountNoun(std::uint64_t count, const char* one, const char* many) {
  return fmt::format("{} {}", WithThousands(count), count == 1 ? one : many);
}

}  // namespace

std::string Line(const ImportFinding& finding) {
  std::string subject = Printable(finding.model.empty() ? "a model" : finding.model);
  if (!finding.alias.empty()) subject += " alias " + Printable(finding.alias);
  if (finding.number > 0) {
    subject += finding.alias.empty() ? fmt::format(" version {}", finding.number)
                                     : fmt::format(" (version {})", finding.number);
  }
  return fmt::format("{}: {}: {}", finding.is_conflict ? "conflict" : "failed", subject,
                     Printable(finding.detail));
}

void ImportReport::Find(ImportFinding finding) {
  if (findings_.size() < kMostFindings) {
    findings_.push_back(std::move(finding));
  } else {
    ++left_out_;
  }
}

bool ImportReport::AddAnswer(const std::string& model, const Json& answer, bool is_first) {
  const Json& of_model = MemberOf(answer, "model");
  const Json& versions = MemberOf(answer, "versions");
  const Json& aliases = MemberOf(answer, "aliases");
  const Json& conflicts = MemberOf(answer, "conflicts");
  ImportCounts ignored;
  bool whole = CountOutcome(is_first ? models_ : ignored, of_model) && versions.is_array() &&
               aliases.is_array() && conflicts.is_array();
  if (!whole) return false;
  for (const Json& row : versions) whole = CountOutcome(versions_, row) && whole;
  for (const Json& row : aliases) whole = CountOutcome(aliases_, row) && whole;
  for (const Json& row : conflicts) {
    const std::int64_t number = std::atoll(TextOf(row, "version").c_str());
    // Of the model itself each page says the same.
    if (number == 0 && !is_first) continue;
    Find({true, model, number, TextOf(row, "alias"), TextOf(row, "detail")});
  }
  return whole;
}

void ImportReport::AddFailed(UnreadableRow row) {
  ImportCounts& counts = !row.alias.empty() ? aliases_ : row.number != 0 ? versions_ : models_;
  ++counts.failed;
  Find({false, std::move(row.model), row.number, std::move(row.alias), std::move(row.problem)});
}

void ImportReport::AddRefused(const std::string& model,
                              const std::vector<RegisteredVersion>& versions,
                              const std::string& reason) {
  for (const RegisteredVersion& version : versions) {
    ++versions_.failed;
    Find({false, model, version.number, "", reason});
  }
}

void ImportReport::NoteArtifacts(const RegisteredVersion& version) {
  const std::string& place =
      version.storage_location.empty() ? version.source : version.storage_location;
  if (place.starts_with("mlflow-artifacts:")) ++proxied_;
  if (place.starts_with("file:") || place.starts_with('/')) ++files_;
}

std::string ImportReport::Text(std::size_t most) const {
  using enum Table::Align;
  Table table({{""},
               {"CREATED", kRight},
               {"UPDATED", kRight},
               {"UNCHANGED", kRight},
               {"CONFLICTS", kRight},
               {"FAILED", kRight}});
  const std::pair<const char*, const ImportCounts*> rows[] = {
      {"models", &models_}, {"versions", &versions_}, {"aliases", &aliases_}};
  for (const auto& [name, counts] : rows) {
    table.Add({name, WithThousands(counts->created), WithThousands(counts->updated),
               WithThousands(counts->unchanged), WithThousands(counts->conflicts),
               WithThousands(counts->failed)});
  }
  std::string text = table.Render();
  const std::size_t shown = std::min(most, findings_.size());
  for (std::size_t i = 0; i < shown; ++i) text += Line(findings_[i]) + "\n";
  if (const std::uint64_t rest = findings_.size() - shown + left_out_; rest > 0) {
    text += fmt::format("… and {} more: --json lists the first {}\n", WithThousands(rest),
                        WithThousands(kMostFindings));
  }
  if (proxied_ > 0) {
    text += fmt::format(
        "note: the files of {} are behind the source's mlflow-artifacts:/, and were not copied: "
        "keep its tracking URI for them, or copy them to Podium's\n",
        CountNoun(proxied_, "version", "versions"));
  }
  if (files_ > 0) {
    text += fmt::format("note: the files of {} are on the source's own disk, and were not copied\n",
                        CountNoun(files_, "version", "versions"));
  }
  return text;
}

Json ImportReport::ToJson() const {
  Json json;
  json["models"] = CountsJson(models_);
  json["versions"] = CountsJson(versions_);
  json["aliases"] = CountsJson(aliases_);
  Json findings = Json::array();
  for (const ImportFinding& finding : findings_) {
    findings.push_back(
        {{"kind", finding.is_conflict ? "conflict" : "failed"},
         {"model", finding.model.empty() ? Json() : Json(finding.model)},
         {"version", finding.number > 0 ? Json(std::to_string(finding.number)) : Json()},
         {"alias", finding.alias.empty() ? Json() : Json(finding.alias)},
         {"detail", finding.detail}});
  }
  json["findings"] = std::move(findings);
  json["findings_left_out"] = left_out_;
  json["artifacts_not_copied"] = {{"mlflow_artifacts", proxied_}, {"source_files", files_}};
  return json;
}

CliStatus ImportReport::Verdict() const {
  const std::uint64_t failed = models_.failed + versions_.failed + aliases_.failed;
  const std::uint64_t conflicts = models_.conflicts + versions_.conflicts + aliases_.conflicts;
  if (failed > 0) {
    return CliFailure(CliError{
        ExitCode::kFailed,
        fmt::format("{} could not be brought over{}", WithThousands(failed),
                    conflicts == 0 ? "" : fmt::format(", {} differ", WithThousands(conflicts))),
        "", "mend what is named at the source, and run the same command again", ""});
  }
  if (conflicts == 0) return {};
  return CliFailure(
      CliError{ExitCode::kConflict,
               fmt::format("{} here and at the source; what is here was kept",
                           CountNoun(conflicts, "differs", "differ")),
               "",
               "look at each; --overwrite takes the source's stages, descriptions, tags and "
               "aliases, but never puts a version in another's place: rename the model for that",
               ""});
}

}  // namespace podium::app
