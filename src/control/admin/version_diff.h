// What changed from one version to another: what a person looks at before a promote. Pure.
#pragma once

#include "base/json.h"
#include "domain/signature.h"
#include "domain/version.h"

namespace podium::control {

/// {from, to, artifact, signature, fields, metrics, tags, lineage}. Lists hold what
/// differs and nothing else: {name, from, to}, with `difference` and `ratio` for metrics; what one
/// of the two lacks is null there. `signature` asks whether `to` may serve the callers of `from`.
Json DiffVersions(const ModelVersion& from, const ModelVersion& to, const SignatureFit& fit);

}  // namespace podium::control
