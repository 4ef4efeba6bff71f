// A registered model and some of its versions as another registry has them, and what becomes of
// them here.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "domain/registered_model.h"

namespace podium::store {

/// Numbers, times, stages, users and sources are kept as they are given. What is here already is
/// never taken away, nor changed unless `overwrite` says so.
struct ImportModel {
  RegisteredModel model;  ///< Its aliases: those to be set, of versions given or here already.
  /// Of that model, each number once, at most limits::kMaxImportVersions; their own names and
  /// aliases are not looked at.
  std::vector<RegisteredVersion> versions;
  /// Where stage, description, tags or aliases differ, those given win. A version of another source
  /// or run stays what it is even so.
  bool overwrite = false;
  bool dry_run = false;  ///< Says what would happen, and changes nothing.
};

enum class ImportOutcome : std::uint8_t {
  kCreated,
  kUpdated,    ///< It was here, and has something new.
  kUnchanged,  ///< It was so already.
  kConflict,   ///< Something differs, which stays as it is here.
};
std::string_view NameOf(ImportOutcome outcome);  ///< "created", "updated", "unchanged", "conflict"

struct ImportedVersion {
  std::int64_t number = 0;
  ImportOutcome outcome = ImportOutcome::kUnchanged;
  bool operator==(const ImportedVersion&) const = default;
};
struct ImportedAlias {
  std::string alias;
  std::int64_t number = 0;  ///< That it was to stand at.
  ImportOutcome outcome = ImportOutcome::kUnchanged;
  bool operator==(const ImportedAlias&) const = default;
};
/// What differs, in words that say how it is here.
struct ImportConflict {
  std::int64_t number = 0;  ///< Of the version; 0: the model's own.
  std::string alias;        ///< Empty: it is about the version or the model.
  std::string detail;
  bool operator==(const ImportConflict&) const = default;
};

struct ImportReport {
  ImportOutcome model = ImportOutcome::kUnchanged;
  std::vector<ImportedVersion> versions;  ///< In the order in which they were given.
  std::vector<ImportedAlias> aliases;
  std::vector<ImportConflict> conflicts;
};

}  // namespace podium::store
