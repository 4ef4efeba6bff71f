// What may be asked of MLflow's registry, as values. Each is one transaction: rows, audit
// row and outbox event together, or nothing.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>

#include "domain/registered_model.h"
#include "store/model_import.h"

namespace podium::store {

struct CreateModel {
  std::string name;
  std::optional<std::string> description;
  TagMap tags;
};
struct UpdateModel {
  std::string name;
  std::string description;
};
/// Versions, tags and aliases follow.
struct RenameModel {
  std::string name;
  std::string new_name;
};
/// With its versions and aliases; the name, and their numbers, may be given anew.
struct DeleteModel {
  std::string name;
};
struct SetModelTag {
  std::string name;
  std::string key;
  std::string value;
};
struct DeleteModelTag {
  std::string name;
  std::string key;
};
/// Moves the alias if another version has it.
struct SetAlias {
  std::string name;
  std::string alias;
  std::int64_t number = 0;
};
struct DeleteAlias {
  std::string name;
  std::string alias;
};
/// The number is the highest that the model has ever given, and one.
struct CreateVersion {
  /// `number`, stage, aliases and times are the store's.
  RegisteredVersion version;
};
struct UpdateVersion {
  std::string name;
  std::int64_t number = 0;
  std::string description;
};
struct TransitionVersion {
  std::string name;
  std::int64_t number = 0;
  ModelStage stage = ModelStage::kNone;
  /// Every other version in that stage goes to Archived; only into Staging and Production.
  bool archive_others = false;
};
/// The row stays, so that its number is not given again; nobody sees it.
struct DeleteModelVersion {
  std::string name;
  std::int64_t number = 0;
};
struct SetVersionTag {
  std::string name;
  std::int64_t number = 0;
  std::string key;
  std::string value;
};
struct DeleteVersionTag {
  std::string name;
  std::int64_t number = 0;
  std::string key;
};

using ModelMutation =
    std::variant<CreateModel, UpdateModel, RenameModel, DeleteModel, SetModelTag, DeleteModelTag,
                 SetAlias, DeleteAlias, CreateVersion, UpdateVersion, TransitionVersion,
                 DeleteModelVersion, SetVersionTag, DeleteVersionTag, ImportModel>;

/// Who asks.
struct ModelCaller {
  std::string actor = "local";
  std::string origin = "mlflow";  ///< Or "import".
  std::string request_id;
};

/// What a mutation left behind.
struct ModelCommitted {
  std::optional<RegisteredModel> model;      ///< As it is now; empty once it is deleted.
  std::optional<RegisteredVersion> version;  ///< That the mutation was about, as it is now.
  bool changed = true;  ///< False when all was so already: nothing written, no event.
  std::optional<ImportReport> import;  ///< Of an ImportModel.
};

}  // namespace podium::store
