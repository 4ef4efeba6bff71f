// Registered models and versions as MLflow's API shows them. Pure.
#pragma once

#include "base/json.h"
#include "store/model_store.h"

namespace podium::control {

/// Times in milliseconds, numbers of versions as text; what is empty is left out, but for what
/// clients expect to be there.
Json MlflowJson(const RegisteredVersion& version);
Json MlflowJson(const store::ModelListing& listing);

/// Where the files of a version are.
const std::string& DownloadUri(const RegisteredVersion& version);

}  // namespace podium::control
