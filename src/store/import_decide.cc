#include "store/import_decide.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "base/utf8.h"
#include "domain/model_limits.h"
#include "store/model_checks.h"

namespace podium::store {
namespace {

constexpr WallTime kFirstImportTime{};                                      // 1970.
constexpr WallTime kLastImportTime{std::chrono::seconds(253'402'300'799)};  // The end of 9999.
constexpr std::size_t kQuotedBytes = 80;  // Of a text that a conflict shows.

std::string Quoted(const std::string& text) {
  return fmt::format("\"{}\"", Shortened(text, kQuotedBytes));
}

Failure BadImport(std::string text, std::string where) {
  return Fail(Error{ErrorCode::kInvalidArgument, std::move(text), std::move(where), nullptr});
}

Status CheckTimes(WallTime created, WallTime updated) {
  for (const WallTime time : {created, updated}) {
    if (time < kFirstImportTime || time > kLastImportTime) {
      return BadImport("its times must be between the years 1970 and 9999", "");
    }
  }
  return {};
}

Status CheckWhole(const ImportModel& import) {
  PODIUM_TRY(CheckImportedModel(import.model));
  if (import.versions.size() > limits::kMaxImportVersions) {
    return BadImport(fmt::format("there are {} versions, the limit of one call is {}: send the "
                                 "rest in another",
                                 import.versions.size(), limits::kMaxImportVersions),
                     "/versions");
  }
  std::set<std::int64_t> seen;
  for (std::size_t i = 0; i < import.versions.size(); ++i) {
    const RegisteredVersion& version = import.versions[i];
    const std::string place = fmt::format("/versions/{}", i);
    Status fit = CheckImportedVersion(version);
    if (!fit) return Fail(std::move(fit).error().At(place));
    if (!seen.insert(version.number).second) {
      return BadImport(fmt::format("version {} comes twice", version.number), place);
    }
  }
  return {};
}

/// Brings what is given into one row that is here.
class RowMerge {
 public:
  explicit RowMerge(bool overwrite) : overwrite_(overwrite) {}

  /// What is empty here is filled; what is empty there takes nothing away.
  void Text(std::string& here, const std::string& there, std::string_view what) {
    if (there.empty() || here == there) return;
    if (here.empty() || overwrite_) {
      here = there;
      changed_ = true;
      return;
    }
    differences_.push_back(
        fmt::format("{} is {} here, {} there", what, Quoted(here), Quoted(there)));
  }
  void Description(std::optional<std::string>& here, const std::optional<std::string>& there) {
    std::string text = here.value_or("");
    Text(text, there.value_or(""), "description");
    if (!text.empty()) here = std::move(text);
  }
  void Stage(ModelStage& here, ModelStage there) {
    if (here == there) return;
    if (overwrite_) {
      here = there;
      changed_ = true;
      return;
    }
    differences_.push_back(fmt::format("stage is {} here, {} there", NameOf(here), NameOf(there)));
  }
  void Tags(TagMap& here, const TagMap& there) {
    TagMap merged = here;
    for (const auto& [key, value] : there) {
      const auto [entry, is_new] = merged.emplace(key, value);
      if (is_new || entry->second == value) continue;
      if (overwrite_) {
        entry->second = value;
        continue;
      }
      differences_.push_back(fmt::format("tag {} is {} here, {} there", Quoted(key),
                                         Quoted(entry->second), Quoted(value)));
    }
    if (merged == here) return;
    if (const Status room = CheckTagRoom(merged); !room) {
      differences_.push_back("not all tags have room here: " + room.error().message);
      return;
    }
    here = std::move(merged);
    changed_ = true;
  }

  bool changed() const { return changed_; }
  const std::vector<std::string>& differences() const { return differences_; }
  ImportOutcome outcome() const {
    if (!differences_.empty()) return ImportOutcome::kConflict;
    return changed_ ? ImportOutcome::kUpdated : ImportOutcome::kUnchanged;
  }

 private:
  const bool overwrite_;
  bool changed_ = false;
  std::vector<std::string> differences_;
};

/// One call decides one import.
class ImportDecision {
 public:
  ImportDecision(const ModelSnapshot& state, const ImportModel& import)
      : state_(state), import_(import) {
    for (const RegisteredVersion& row : state.siblings) here_[row.number] = &row;
  }

  ModelChanges Decide() {
    DecideModelRow();
    for (const RegisteredVersion& version : import_.versions) DecideVersion(version);
    for (const auto& [alias, number] : import_.model.aliases) DecideAlias(alias, number);
    changes_.changed =
        model_changed_ || !changes_.versions.empty() || !changes_.aliases_set.empty();
    if (changes_.changed && state_.model) {
      model_.updated_at = std::max(model_.updated_at, import_.model.updated_at);
    }
    changes_.model = std::move(model_);
    changes_.import = std::move(report_);
    return std::move(changes_);
  }

 private:
  void Differ(std::int64_t number, const std::string& alias, std::string detail) {
    report_.conflicts.push_back({number, alias, std::move(detail)});
  }

  void DecideModelRow() {
    if (!state_.model) {
      model_ = import_.model;
      model_.aliases.clear();
      model_changed_ = true;
      report_.model = ImportOutcome::kCreated;
      return;
    }
    model_ = *state_.model;
    RowMerge merge(import_.overwrite);
    merge.Description(model_.description, import_.model.description);
    merge.Tags(model_.tags, import_.model.tags);
    model_changed_ = merge.changed();
    report_.model = merge.outcome();
    for (const std::string& difference : merge.differences()) Differ(0, "", difference);
  }

  void DecideVersion(const RegisteredVersion& given) {
    const auto found = here_.find(given.number);
    if (found == here_.end()) {
      RegisteredVersion row = given;
      row.name = import_.model.name;
      row.aliases.clear();
      present_.insert(given.number);
      changes_.versions.push_back(std::move(row));
      report_.versions.push_back({given.number, ImportOutcome::kCreated});
      return;
    }
    if (const std::string another = AnotherVersion(*found->second, given); !another.empty()) {
      others_.insert(given.number);
      Differ(given.number, "", another);
      report_.versions.push_back({given.number, ImportOutcome::kConflict});
      return;
    }
    present_.insert(given.number);
    RegisteredVersion row = *found->second;
    RowMerge merge(import_.overwrite);
    merge.Stage(row.stage, given.stage);
    merge.Text(row.description, given.description, "description");
    merge.Text(row.run_link, given.run_link, "run_link");
    merge.Text(row.model_id, given.model_id, "model_id");
    merge.Text(row.storage_location, given.storage_location, "storage location");
    merge.Tags(row.tags, given.tags);
    for (const std::string& difference : merge.differences()) {
      Differ(given.number, "", difference);
    }
    report_.versions.push_back({given.number, merge.outcome()});
    if (!merge.changed()) return;
    row.updated_at = std::max(row.updated_at, given.updated_at);
    changes_.versions.push_back(std::move(row));
  }

  // Why the row of that number is not the version that is given; empty: it is.
  static std::string AnotherVersion(const RegisteredVersion& here, const RegisteredVersion& given) {
    if (here.stage == ModelStage::kDeleted) {
      return "it was deleted here, and its number is never given again";
    }
    if (here.source != given.source) {
      return fmt::format("another version has its number here: source is {} here, {} there",
                         Quoted(here.source), Quoted(given.source));
    }
    if (here.run_id != given.run_id) {
      return fmt::format("another version has its number here: run is {} here, {} there",
                         Quoted(here.run_id), Quoted(given.run_id));
    }
    return "";
  }

  bool IsHere(std::int64_t number) const {
    if (present_.contains(number)) return true;
    const auto found = here_.find(number);
    return found != here_.end() && found->second->stage != ModelStage::kDeleted;
  }

  void DecideAlias(const std::string& alias, std::int64_t number) {
    const ImportOutcome outcome = AliasOutcome(alias, number);
    report_.aliases.push_back({alias, number, outcome});
    if (outcome != ImportOutcome::kCreated && outcome != ImportOutcome::kUpdated) return;
    model_.aliases[alias] = number;
    changes_.aliases_set.emplace_back(alias, number);
  }

  ImportOutcome AliasOutcome(const std::string& alias, std::int64_t number) {
    if (others_.contains(number)) {
      Differ(number, alias, "it was not set: another version has that number here");
      return ImportOutcome::kConflict;
    }
    if (!IsHere(number)) {
      Differ(number, alias, "it was not set: that version is not here");
      return ImportOutcome::kConflict;
    }
    const auto held = model_.aliases.find(alias);
    if (held == model_.aliases.end()) {
      if (model_.aliases.size() < limits::kMaxAliases) return ImportOutcome::kCreated;
      Differ(number, alias,
             fmt::format("it was not set: the model has {} aliases, which is the most",
                         limits::kMaxAliases));
      return ImportOutcome::kConflict;
    }
    if (held->second == number) return ImportOutcome::kUnchanged;
    if (import_.overwrite) return ImportOutcome::kUpdated;
    Differ(number, alias, fmt::format("it names version {} here, {} there", held->second, number));
    return ImportOutcome::kConflict;
  }

  const ModelSnapshot& state_;
  const ImportModel& import_;
  std::map<std::int64_t, const RegisteredVersion*> here_;
  std::set<std::int64_t> present_;  // Given ones that are, or will be, here.
  std::set<std::int64_t> others_;   // Given ones whose number another has.
  RegisteredModel model_;
  bool model_changed_ = false;
  ModelChanges changes_;
  ImportReport report_;
};

Json EventDataOf(const ModelChanges& changes, const ImportModel& import, const ModelCaller& caller,
                 WallTime now) {
  Json numbers = Json::array();
  for (const RegisteredVersion& version : changes.versions) {
    numbers.push_back(std::to_string(version.number));
  }
  Json aliases = Json::object();
  for (const auto& [alias, number] : changes.aliases_set) aliases[alias] = std::to_string(number);
  Json data = Json::object();
  data["name"] = import.model.name;
  data["versions"] = std::move(numbers);
  data["aliases"] = std::move(aliases);
  data["actor"] = caller.actor;
  data["origin"] = caller.origin;
  data["request_id"] = caller.request_id;
  data["at"] = FormatUtc(now);
  return data;
}

}  // namespace

std::string_view NameOf(ImportOutcome outcome) {
  switch (outcome) {
    case ImportOutcome::kCreated:
      return "created";
    case ImportOutcome::kUpdated:
      return "updated";
    case ImportOutcome::kUnchanged:
      return "unchanged";
    case ImportOutcome::kConflict:
      break;
  }
  return "conflict";
}

Status CheckImportedModel(const RegisteredModel& model) {
  const auto at = [](Status status, const char* place) -> Status {
    if (status) return status;
    return Fail(std::move(status).error().At(place));
  };
  PODIUM_TRY(at(CheckModelName(model.name), "/name"));
  PODIUM_TRY(at(CheckModelDescription(model.description.value_or("")), "/description"));
  PODIUM_TRY(at(CheckModelTags(model.tags, limits::kMaxModelTagValueChars), "/tags"));
  for (const auto& [alias, number] : model.aliases) {
    PODIUM_TRY(at(CheckAlias(alias), "/aliases"));
    if (number < 1 || number > limits::kMaxVersionNumber) {
      return BadImport(fmt::format("alias {} names version {}: versions are 1 to {}", alias, number,
                                   limits::kMaxVersionNumber),
                       "/aliases");
    }
  }
  if (model.aliases.size() > limits::kMaxAliases) {
    return BadImport(fmt::format("there are {} aliases, the limit is {}", model.aliases.size(),
                                 limits::kMaxAliases),
                     "/aliases");
  }
  return at(CheckTimes(model.created_at, model.updated_at), "/created_at");
}

Status CheckImportedVersion(const RegisteredVersion& version) {
  // Numbers go on from the highest: the one behind it must be a number too.
  if (version.number < 1 || version.number > limits::kMaxVersionNumber) {
    return BadImport(fmt::format("version {} cannot be: they are 1 to {}", version.number,
                                 limits::kMaxVersionNumber),
                     "");
  }
  if (version.stage == ModelStage::kDeleted) {
    return BadImport("a deleted version cannot be brought over", "");
  }
  PODIUM_TRY(CheckVersionTexts(version));
  PODIUM_TRY(CheckModelText("user", version.user, limits::kMaxModelUserChars));
  return CheckTimes(version.created_at, version.updated_at);
}

Result<ModelChanges> DecideImport(const ModelSnapshot& state, const ImportModel& import,
                                  const ModelCaller& caller, WallTime now) {
  PODIUM_TRY(CheckWhole(import));
  ModelChanges changes = ImportDecision(state, import).Decide();
  if (import.dry_run) changes.changed = false;
  changes.event_type = "podium.registered_model.imported";
  changes.event_data = EventDataOf(changes, import, caller, now);
  return changes;
}

}  // namespace podium::store
