// The registry's rows as the API shows them.
#pragma once

#include <optional>

#include "base/json.h"
#include "domain/promotion.h"
#include "domain/version.h"
#include "runtime/model_runtime.h"

namespace podium::control {

/// `local` is what became of the version on this replica; null fields without it.
Json ToJson(const ModelVersion& version, const std::optional<runtime::ModelStatus>& local);
Json ToJson(const Promotion& promotion);
Json ToJson(const std::optional<ModelId>& id);

}  // namespace podium::control
