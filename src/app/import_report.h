// What an import came to, counted and named. Pure.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "app/cli_exit.h"
#include "app/mlflow_rows.h"
#include "base/json.h"

namespace podium::app {

/// Of models, versions or aliases.
struct ImportCounts {
  std::uint64_t created = 0;
  std::uint64_t updated = 0;
  std::uint64_t unchanged = 0;
  std::uint64_t conflicts = 0;
  std::uint64_t failed = 0;

  std::uint64_t all() const { return created + updated + unchanged + conflicts + failed; }
  bool operator==(const ImportCounts&) const = default;
};

struct ImportFinding {
  bool is_conflict = false;  ///< Else it has failed.
  std::string model;         ///< May be empty: it has no name that could be read.
  std::int64_t number = 0;   ///< 0: not about a version.
  std::string alias;
  std::string detail;
  bool operator==(const ImportFinding&) const = default;
};

/// Findings that are kept; beyond them they are only counted.
inline constexpr std::size_t kMostFindings = 10'000;

class ImportReport {
 public:
  /// An answer of the import endpoint. `is_first`: of this model; what it says of the model itself
  /// counts once. False: it is no such answer.
  bool AddAnswer(const std::string& model, const Json& answer, bool is_first);
  void AddFailed(UnreadableRow row);  ///< A model, a version or an alias, by what it names.
  /// Versions that were sent and refused together, for one reason.
  void AddRefused(const std::string& model, const std::vector<RegisteredVersion>& versions,
                  const std::string& reason);
  /// Where the files of a version are: some places mean something only to the source.
  void NoteArtifacts(const RegisteredVersion& version);

  const ImportCounts& models() const { return models_; }
  const ImportCounts& versions() const { return versions_; }
  const ImportCounts& aliases() const { return aliases_; }
  const std::vector<ImportFinding>& findings() const { return findings_; }

  /// The counts as a table, then the findings, at most `most`, then what to know besides.
  std::string Text(std::size_t most) const;
  Json ToJson() const;
  /// kFailed when something failed, else kConflict when something differs, with what to do.
  CliStatus Verdict() const;

 private:
  void Find(ImportFinding finding);

  ImportCounts models_;
  ImportCounts versions_;
  ImportCounts aliases_;
  std::vector<ImportFinding> findings_;
  std::uint64_t left_out_ = 0;
  std::uint64_t proxied_ = 0;  // Versions whose files are behind the source's artifact proxy.
  std::uint64_t files_ = 0;    // And on the source's own disk.
};

/// "conflict: churn version 3: stage is …"
std::string Line(const ImportFinding& finding);

}  // namespace podium::app
