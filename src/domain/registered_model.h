// What MLflow's registry knows: registered models, their numbered versions, stages and aliases.
//
// Names of things, not places of traffic: a version here says where a model came from and what
// people call it. What serves is a placement (domain/version.h).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "domain/version.h"

namespace podium {

/// MLflow's stages; a deleted version keeps its row, so that its number is never given again.
enum class ModelStage : std::uint8_t { kNone, kStaging, kProduction, kArchived, kDeleted };

std::string_view NameOf(ModelStage stage);  ///< "None", "Staging", …, "Deleted_Internal".
/// In any case of letters; kInvalidArgument for all that a caller may not ask for.
Result<ModelStage> ParseStage(std::string_view text);
/// As a row has it.
std::optional<ModelStage> StageFromRow(std::string_view text);

using AliasMap = std::map<std::string, std::int64_t>;  ///< Alias → version number.

struct RegisteredModel {
  std::string name;
  std::optional<std::string> description;
  TagMap tags;
  AliasMap aliases;
  WallTime created_at;
  WallTime updated_at;  ///< Not moved by aliases.
  bool operator==(const RegisteredModel&) const = default;
};

struct RegisteredVersion {
  std::string name;  ///< Of its model.
  std::int64_t number = 0;
  ModelStage stage = ModelStage::kNone;
  std::string description;
  std::string source;            ///< As its creator named it.
  std::string storage_location;  ///< Where the files are, when that is not `source`; may be empty.
  std::string run_id;
  std::string run_link;
  std::string model_id;  ///< Of the logged model it was made from; may be empty.
  std::string user;      ///< Who created it.
  TagMap tags;
  std::vector<std::string> aliases;  ///< Sorted. The model has them; a row is read with its own.
  WallTime created_at;
  WallTime updated_at;  ///< Not moved by aliases.
  bool operator==(const RegisteredVersion&) const = default;
};

// The checks return kInvalidArgument, with the sentence that a caller of MLflow's API is to read.

/// Not empty or of spaces only, without '/' and ':' and control characters, and no step of a path.
Status CheckModelName(std::string_view name);
/// `[A-Za-z0-9_-]`, and not what means a version or the newest one: `latest`, `v3`.
Status CheckAlias(std::string_view alias);
/// Whether `alias` means the version with the highest number, not one that somebody has named.
bool IsLatestAlias(std::string_view alias);
Status CheckTagKey(std::string_view key);
/// The number of a version in text: digits, or '-' and digits. Versions begin with 1: whoever asks
/// for one below that asks for one that is not there, which is no mistake in writing.
Result<std::int64_t> ParseVersionNumber(std::string_view text);
/// UTF-8 without NUL, of at most `limit` characters.
Status CheckModelText(std::string_view what, std::string_view text, std::size_t limit);
/// limits::kMaxModelTags and kMaxModelTagsBytes.
Status CheckTagRoom(const TagMap& tags);

}  // namespace podium
