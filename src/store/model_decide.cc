#include "store/model_decide.h"

#include <algorithm>
#include <set>
#include <utility>

#include "domain/model_limits.h"
#include "store/import_decide.h"
#include "store/model_checks.h"

namespace podium::store {
namespace {

Failure Invalid(std::string text, std::string where) {
  return Fail(Error{ErrorCode::kInvalidArgument, std::move(text), std::move(where), nullptr});
}

Error NameTaken(const std::string& name) {
  return {ErrorCode::kConflict, fmt::format("Registered Model (name={}) already exists.", name),
          "name", nullptr};
}

ModelChanges Unchanged(const RegisteredModel& model) {
  ModelChanges changes;
  changes.changed = false;
  changes.model = model;
  return changes;
}

std::vector<std::string> AliasesOf(const AliasMap& aliases, std::int64_t number) {
  std::vector<std::string> names;
  for (const auto& [alias, target] : aliases) {
    if (target == number) names.push_back(alias);
  }
  return names;
}

bool IsArchivable(ModelStage stage) {
  return stage == ModelStage::kStaging || stage == ModelStage::kProduction;
}

/// One visit decides one mutation.
class Decision {
 public:
  Decision(const ModelSnapshot& state, const ModelCaller& caller, WallTime now)
      : state_(state), caller_(caller), now_(now) {}

  Result<ModelChanges> operator()(const CreateModel& m) {
    PODIUM_TRY(CheckModelName(m.name));
    PODIUM_TRY(CheckModelDescription(m.description.value_or("")));
    PODIUM_TRY(CheckModelTags(m.tags, limits::kMaxModelTagValueChars));
    if (state_.model) return Fail(NameTaken(m.name));
    RegisteredModel model{m.name, m.description, m.tags, {}, now_, now_};
    return Model(std::move(model), "podium.registered_model.created");
  }

  Result<ModelChanges> operator()(const UpdateModel& m) {
    PODIUM_TRY(CheckModelDescription(m.description));
    PODIUM_TRY_ASSIGN(RegisteredModel model, Existing(m.name));
    model.description = m.description;
    Touch(model);
    return Model(std::move(model), "podium.registered_model.updated");
  }

  Result<ModelChanges> operator()(const RenameModel& m) {
    PODIUM_TRY_ASSIGN(RegisteredModel model, Existing(m.name));
    PODIUM_TRY(CheckModelName(m.new_name));
    if (m.new_name == m.name || state_.new_name_taken) return Fail(NameTaken(m.new_name));
    model.name = m.new_name;
    Touch(model);
    data_["old_name"] = m.name;
    PODIUM_TRY_ASSIGN(ModelChanges changes,
                      Model(std::move(model), "podium.registered_model.renamed"));
    changes.renamed = m.name;
    return changes;
  }

  Result<ModelChanges> operator()(const DeleteModel& m) {
    PODIUM_TRY_ASSIGN(RegisteredModel model, Existing(m.name));
    PODIUM_TRY_ASSIGN(ModelChanges changes,
                      Model(std::move(model), "podium.registered_model.deleted"));
    changes.model.reset();
    changes.removed = m.name;
    return changes;
  }

  Result<ModelChanges> operator()(const SetModelTag& m) {
    PODIUM_TRY(CheckModelTag(m.key, m.value, limits::kMaxModelTagValueChars));
    PODIUM_TRY_ASSIGN(RegisteredModel model, Existing(m.name));
    PODIUM_TRY_ASSIGN(const bool changed, SetTag(model.tags, m.key, m.value));
    if (!changed) return Unchanged(model);
    return Model(std::move(model), "podium.registered_model.tag_set");
  }

  Result<ModelChanges> operator()(const DeleteModelTag& m) {
    PODIUM_TRY_ASSIGN(RegisteredModel model, Existing(m.name));
    if (!DropTag(model.tags, m.key)) return Unchanged(model);
    return Model(std::move(model), "podium.registered_model.tag_deleted");
  }

  Result<ModelChanges> operator()(const SetAlias& m) {
    PODIUM_TRY(CheckAlias(m.alias));
    PODIUM_TRY_ASSIGN(RegisteredModel model, Existing(m.name));
    PODIUM_TRY_ASSIGN(RegisteredVersion version, ExistingVersion(m.name, m.number));
    const auto held = model.aliases.find(m.alias);
    if (held != model.aliases.end() && held->second == m.number) return Unchanged(model);
    if (held == model.aliases.end() && model.aliases.size() == limits::kMaxAliases) {
      return Invalid(
          fmt::format("Registered Model {} has {} aliases, which is the most: delete one", m.name,
                      limits::kMaxAliases),
          "alias");
    }
    data_["alias"] = m.alias;
    data_["from"] = held == model.aliases.end() ? Json() : Json(std::to_string(held->second));
    model.aliases[m.alias] = m.number;
    PODIUM_TRY_ASSIGN(ModelChanges changes, Version(std::move(model), std::move(version),
                                                    "podium.registered_model.alias_set"));
    changes.aliases_set = {{m.alias, m.number}};
    return changes;
  }

  Result<ModelChanges> operator()(const DeleteAlias& m) {
    PODIUM_TRY_ASSIGN(RegisteredModel model, Existing(m.name));
    const auto held = model.aliases.find(m.alias);
    if (held == model.aliases.end()) return Unchanged(model);
    data_["alias"] = m.alias;
    data_["from"] = std::to_string(held->second);
    model.aliases.erase(held);
    PODIUM_TRY_ASSIGN(ModelChanges changes,
                      Model(std::move(model), "podium.registered_model.alias_deleted"));
    changes.aliases_dropped = {m.alias};
    return changes;
  }

  Result<ModelChanges> operator()(const CreateVersion& m) {
    PODIUM_TRY(CheckModelName(m.version.name));
    PODIUM_TRY(CheckVersionTexts(m.version));
    PODIUM_TRY_ASSIGN(RegisteredModel model, Existing(m.version.name));
    RegisteredVersion version = m.version;
    version.number = state_.highest + 1;
    version.stage = ModelStage::kNone;
    version.aliases.clear();
    version.user = caller_.actor;
    version.created_at = now_;
    version.updated_at = now_;
    Touch(model);
    data_["source"] = version.source;
    data_["run_id"] = version.run_id;
    return Version(std::move(model), std::move(version), "podium.model_version.created");
  }

  Result<ModelChanges> operator()(const UpdateVersion& m) {
    PODIUM_TRY(CheckModelDescription(m.description));
    PODIUM_TRY_ASSIGN(RegisteredVersion version, ExistingVersion(m.name, m.number));
    version.description = m.description;
    Touch(version);
    return Version(*state_.model, std::move(version), "podium.model_version.updated");
  }

  Result<ModelChanges> operator()(const TransitionVersion& m) {
    if (m.archive_others && !IsArchivable(m.stage)) {
      return Invalid(fmt::format("archive_existing_versions is for the stages Staging and "
                                 "Production, not {}: send false",
                                 NameOf(m.stage)),
                     "archive_existing_versions");
    }
    PODIUM_TRY_ASSIGN(RegisteredVersion version, ExistingVersion(m.name, m.number));
    RegisteredModel model = *state_.model;
    data_["from"] = NameOf(version.stage);
    data_["to"] = NameOf(m.stage);
    version.stage = m.stage;
    Touch(version);
    Touch(model);
    std::vector<RegisteredVersion> archived;
    Json numbers = Json::array();
    for (RegisteredVersion sibling : state_.siblings) {
      sibling.stage = ModelStage::kArchived;
      Touch(sibling);
      numbers.push_back(std::to_string(sibling.number));
      archived.push_back(std::move(sibling));
    }
    data_["archived"] = std::move(numbers);
    PODIUM_TRY_ASSIGN(ModelChanges changes, Version(std::move(model), std::move(version),
                                                    "podium.model_version.transitioned"));
    changes.versions.insert(changes.versions.end(), archived.begin(), archived.end());
    return changes;
  }

  Result<ModelChanges> operator()(const DeleteModelVersion& m) {
    PODIUM_TRY_ASSIGN(RegisteredVersion version, ExistingVersion(m.name, m.number));
    RegisteredModel model = *state_.model;
    data_["stage"] = NameOf(version.stage);
    const std::vector<std::string> dropped = AliasesOf(model.aliases, m.number);
    for (const std::string& alias : dropped) model.aliases.erase(alias);
    Redact(version);
    Touch(version);
    Touch(model);
    PODIUM_TRY_ASSIGN(ModelChanges changes, Version(std::move(model), std::move(version),
                                                    "podium.model_version.deleted"));
    changes.aliases_dropped = dropped;
    changes.subject.reset();
    return changes;
  }

  Result<ModelChanges> operator()(const SetVersionTag& m) {
    PODIUM_TRY(CheckModelTag(m.key, m.value, limits::kMaxVersionTagValueChars));
    PODIUM_TRY_ASSIGN(RegisteredVersion version, ExistingVersion(m.name, m.number));
    PODIUM_TRY_ASSIGN(const bool changed, SetTag(version.tags, m.key, m.value));
    if (!changed) return Unchanged(*state_.model);
    return Version(*state_.model, std::move(version), "podium.model_version.tag_set");
  }

  Result<ModelChanges> operator()(const DeleteVersionTag& m) {
    PODIUM_TRY_ASSIGN(RegisteredVersion version, ExistingVersion(m.name, m.number));
    if (!DropTag(version.tags, m.key)) return Unchanged(*state_.model);
    return Version(*state_.model, std::move(version), "podium.model_version.tag_deleted");
  }

  Result<ModelChanges> operator()(const ImportModel& m) {
    return DecideImport(state_, m, caller_, now_);
  }

 private:
  Result<RegisteredModel> Existing(const std::string& name) const {
    if (!state_.model) return Fail(NoSuchModel(name));
    return *state_.model;
  }
  Result<RegisteredVersion> ExistingVersion(const std::string& name, std::int64_t number) const {
    if (!state_.model || !state_.version || state_.version->stage == ModelStage::kDeleted) {
      return Fail(NoSuchVersion(name, number));
    }
    return *state_.version;
  }

  // Times of one model never step back, whatever the clock does.
  template <typename Row>
  void Touch(Row& row) const {
    row.updated_at = std::max(now_, row.updated_at);
  }

  // What it was made from is gone for good; that it was there stays.
  static void Redact(RegisteredVersion& version) {
    version.stage = ModelStage::kDeleted;
    version.description.clear();
    version.source = "REDACTED-SOURCE-PATH";
    version.storage_location.clear();
    version.run_id.clear();
    version.run_link.clear();
    version.model_id.clear();
    version.aliases.clear();
  }

  Result<bool> SetTag(TagMap& tags, const std::string& key, const std::string& value) {
    const auto found = tags.find(key);
    if (found != tags.end() && found->second == value) return false;
    tags[key] = value;
    PODIUM_TRY(CheckTagRoom(tags));
    data_["key"] = key;
    return true;
  }
  bool DropTag(TagMap& tags, const std::string& key) {
    data_["key"] = key;
    return tags.erase(key) > 0;
  }

  Result<ModelChanges> Model(RegisteredModel model, std::string_view type) {
    ModelChanges changes;
    changes.event_type = type;
    changes.event_data = EventData(model.name, 0);
    changes.model = std::move(model);
    return changes;
  }

  Result<ModelChanges> Version(RegisteredModel model, RegisteredVersion version,
                               std::string_view type) {
    version.aliases = AliasesOf(model.aliases, version.number);
    ModelChanges changes;
    changes.event_type = type;
    changes.event_data = EventData(model.name, version.number);
    changes.model = std::move(model);
    changes.subject = version;
    changes.versions.push_back(std::move(version));
    return changes;
  }

  Json EventData(const std::string& name, std::int64_t number) {
    Json data = Json::object();
    data["name"] = name;
    if (number > 0) data["version"] = std::to_string(number);
    data.update(data_);
    data["actor"] = caller_.actor;
    data["origin"] = caller_.origin;
    data["request_id"] = caller_.request_id;
    data["at"] = FormatUtc(now_);
    return data;
  }

  const ModelSnapshot& state_;
  const ModelCaller& caller_;
  const WallTime now_;
  Json data_ = Json::object();  // Of the event, besides what all of them have.
};

/// Collects what each mutation needs to be read.
struct Reads {
  ModelSubject operator()(const CreateModel& m) const { return {m.name, "", 0, {}, false}; }
  ModelSubject operator()(const RenameModel& m) const { return {m.name, m.new_name, 0, {}, false}; }
  ModelSubject operator()(const CreateVersion& m) const {
    return {m.version.name, "", 0, {}, true};
  }
  ModelSubject operator()(const TransitionVersion& m) const {
    return {m.name, "", m.number, m.archive_others ? std::optional(m.stage) : std::nullopt, false};
  }
  ModelSubject operator()(const ImportModel& m) const {
    std::set<std::int64_t> numbers;
    for (const RegisteredVersion& version : m.versions) numbers.insert(version.number);
    for (const auto& [alias, number] : m.model.aliases) numbers.insert(number);
    return {m.model.name, "", 0, {}, false, {numbers.begin(), numbers.end()}};
  }
  template <typename M>
  ModelSubject operator()(const M& m) const {
    if constexpr (requires { m.number; }) return {m.name, "", m.number, {}, false};
    return {m.name, "", 0, {}, false};
  }
};

}  // namespace

ModelSubject SubjectOf(const ModelMutation& mutation) { return std::visit(Reads{}, mutation); }

Result<ModelChanges> DecideModel(const ModelSnapshot& state, const ModelMutation& mutation,
                                 const ModelCaller& caller, WallTime now) {
  return std::visit(Decision(state, caller, now), mutation);
}

ModelCommitted AnswerOf(ModelChanges changes) {
  return {std::move(changes.model), std::move(changes.subject), changes.changed,
          std::move(changes.import)};
}

Error NoSuchModel(const std::string& name) {
  return {ErrorCode::kNotFound, fmt::format("Registered Model with name={} not found", name), "",
          nullptr};
}
Error NoSuchVersion(const std::string& name, std::int64_t number) {
  return {ErrorCode::kNotFound,
          fmt::format("Model Version (name={}, version={}) not found", name, number), "", nullptr};
}
Error NoSuchAlias(const std::string& alias) {
  return {ErrorCode::kInvalidArgument, fmt::format("Registered model alias {} not found.", alias),
          "alias", nullptr};
}

}  // namespace podium::store
