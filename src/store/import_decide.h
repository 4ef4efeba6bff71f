// What bringing a model over from another registry does to the rows that are here. Pure.
#pragma once

#include "base/result.h"
#include "store/model_decide.h"
#include "store/model_import.h"

namespace podium::store {

/// What the model itself must be like: name, texts, tags, aliases, times. kInvalidArgument.
Status CheckImportedModel(const RegisteredModel& model);
/// What one version must be like: number, stage, texts, tags, times. kInvalidArgument.
Status CheckImportedVersion(const RegisteredVersion& version);

/// `state` has the model and, among its siblings, the rows of all numbers that `import` names.
/// kInvalidArgument for what is wrong in itself, with the field's place ("/versions/3"); what is
/// here and differs is no error, but a conflict in ModelChanges::import. The same import again
/// changes nothing.
Result<ModelChanges> DecideImport(const ModelSnapshot& state, const ImportModel& import,
                                  const ModelCaller& caller, WallTime now);

}  // namespace podium::store
