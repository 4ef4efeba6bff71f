// What a mutation does to MLflow's registry, decided from the rows it touches.
//
// Pure, as decide.h is for routes: every adapter reads a ModelSnapshot, calls DecideModel and
// writes what comes back.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "domain/registered_model.h"
#include "store/model_mutation.h"

namespace podium::store {

/// Which rows an adapter has to read before it may ask.
struct ModelSubject {
  std::string name;
  std::string new_name;     ///< Whether a model of that name exists; empty: not asked.
  std::int64_t number = 0;  ///< The version's row; 0: not asked.
  /// Versions that are in this stage now, besides `number`.
  std::optional<ModelStage> siblings;
  bool highest = false;  ///< Whether ModelSnapshot::highest is asked for.
  /// Versions whose rows are read as siblings, if they are there; each once.
  std::vector<std::int64_t> numbers = {};
};
ModelSubject SubjectOf(const ModelMutation& mutation);

struct ModelSnapshot {
  std::optional<RegisteredModel> model;  ///< With its aliases.
  bool new_name_taken = false;
  std::optional<RegisteredVersion> version;  ///< Deleted ones too.
  std::vector<RegisteredVersion> siblings;   ///< Those by `numbers`: deleted ones too.
  std::int64_t highest = 0;                  ///< Number ever given, to deleted ones too.
};

/// Rows to write. Of the model's columns and those of the versions, not their aliases, which come
/// one by one.
struct ModelChanges {
  bool changed = true;
  std::string removed;  ///< This model goes, with all that is its own.
  std::string renamed;  ///< This model takes the name of `model` first, with all its rows,
                        ///< whose time of update moves too.
  std::optional<RegisteredModel> model;
  std::vector<RegisteredVersion> versions;
  std::vector<std::pair<std::string, std::int64_t>> aliases_set;
  std::vector<std::string> aliases_dropped;
  std::optional<RegisteredVersion> subject;  ///< The version that it was about, as it is now.
  std::optional<ImportReport> import;        ///< Of an ImportModel.
  std::string event_type;
  Json event_data;  ///< An object.
};

/// kNotFound; kConflict (at "name") for a name that is taken; kInvalidArgument for what is wrong in
/// itself. `now` is the database's clock.
Result<ModelChanges> DecideModel(const ModelSnapshot& state, const ModelMutation& mutation,
                                 const ModelCaller& caller, WallTime now);

ModelCommitted AnswerOf(ModelChanges changes);

/// What a reader is told of something that is not there.
Error NoSuchModel(const std::string& name);
Error NoSuchVersion(const std::string& name, std::int64_t number);
/// kInvalidArgument: MLflow's clients expect it so.
Error NoSuchAlias(const std::string& alias);

}  // namespace podium::store
