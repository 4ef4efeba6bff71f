// Which models this replica keeps in memory: the whole desired set, from the rows alone. Pure.
#pragma once

#include <set>
#include <vector>

#include "domain/version.h"
#include "routing/table.h"
#include "runtime/model_runtime.h"

namespace podium::control {

/// How the runtime is asked for one version.
runtime::WantedModel WantedFrom(const ModelVersion& version);

/// Primary, canary, shadows, arms, the warm previous primary, and standby versions that are eager.
/// `also`: versions that are wanted whatever their role, unless they are retired.
std::vector<runtime::WantedModel> WantedModels(const routing::RoutesPart& routes,
                                               const std::set<ModelId>& also = {});

}  // namespace podium::control
