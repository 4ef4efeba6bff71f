// The registry's rows as the API shows them.
#pragma once

#include <optional>
#include <string>

#include "base/json.h"
#include "control/admin/context.h"
#include "domain/promotion.h"
#include "domain/version.h"
#include "runtime/model_runtime.h"

namespace podium::control {

/// What became of a version on this replica: ready only once the cores' view has it so, which is a
/// moment after the runtime has loaded it.
std::optional<runtime::ModelStatus> StatusHere(const AdminContext& context,
                                               const ModelVersion& version);

/// `local` is what became of the version on this replica; null fields without it.
Json ToJson(const ModelVersion& version, const std::optional<runtime::ModelStatus>& local);
Json ToJson(const Promotion& promotion);
Json ToJson(const SignatureFit& fit);  ///< {fit, differences, unknown}
Json ToJson(const std::optional<ModelId>& id);
Json OrNull(const std::string& text);  ///< null for "".

}  // namespace podium::control
