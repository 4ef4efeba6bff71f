// A model that is brought over, as the import endpoint takes it and the command line sends it.
// Pure.
#pragma once

#include "base/json.h"
#include "base/result.h"
#include "store/model_mutation.h"

namespace podium::control {

/// kInvalidArgument names the field that is wrong or unknown ("/versions/3/created_at"). Lengths
/// and characters are the store's to judge.
Result<store::ImportModel> ReadImport(const Json& body);
/// What ReadImport reads as `import`; of the versions only what is not empty.
Json ImportBody(const store::ImportModel& import);
Json ImportedVersionBody(const RegisteredVersion& version);  ///< One of its `versions`.
/// {changed, dry_run, model, versions, aliases, conflicts}. REQUIRES: committed.import.
Json ImportAnswer(const store::ImportModel& import, const store::ModelCommitted& committed);

}  // namespace podium::control
