// What a row must be like before it may enter the table.
#pragma once

#include "base/result.h"
#include "domain/version.h"

namespace podium::store {

/// The row with its defaults filled in (name from the route, provider "local"), or
/// kInvalidArgument that names the field. Looks at nothing but the row itself.
Result<ModelVersion> CheckRegistration(ModelVersion row);

}  // namespace podium::store
