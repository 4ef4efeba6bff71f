// Which of a route's versions is which version of the registered model, and how one is registered.
// Pure.
//
// The tie is a digest of what never changes of a model's version: not its number alone, since a
// model that is deleted and made anew counts from 1 again; not its name, which can change.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "domain/ids.h"
#include "domain/registered_model.h"
#include "domain/version.h"

namespace podium::control {

/// Tags of a version that was registered by following. For people: the model and the number.
inline constexpr std::string_view kModelTag = "mlflow.model";
inline constexpr std::string_view kNumberTag = "mlflow.version";
/// For the follower.
inline constexpr std::string_view kIdentityTag = "mlflow.identity";
/// Of a version in MLflow's registry: who answers for its signature not fitting the primary's.
inline constexpr std::string_view kForceTag = "podium.force";

/// Where the files of a version are.
const std::string& FilesOf(const RegisteredVersion& version);

/// 16 hexadecimal digits.
std::string IdentityOf(const RegisteredVersion& version);

/// The row of `version` among those of a route: one that may serve rather than a retired one;
/// nullptr when there is none.
const ModelVersion* FindRow(const std::vector<ModelVersion>& rows,
                            const RegisteredVersion& version);

/// What the finder has found and kept of a version's files.
struct KeptArtifact {
  std::string uri;
  std::string sha256;
  std::string signature;  ///< Declared beside the file (JSON), or empty.
};

/// The row that makes `version` one of the route's, on standby and not loaded until it is needed.
/// Labelled by its number, or if another version of the route has that label already, by more of
/// its identity: every replica finds the same.
ModelVersion RowFor(const RouteName& route, const RegisteredVersion& version,
                    const KeptArtifact& artifact, const std::vector<ModelVersion>& rows);

}  // namespace podium::control
