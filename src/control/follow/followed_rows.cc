#include "control/follow/followed_rows.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/digest.h"
#include "domain/names.h"

namespace podium::control {
namespace {

constexpr std::size_t kIdentityDigits = 16;

bool IsTaken(const std::vector<ModelVersion>& rows, const std::string& label) {
  return std::ranges::any_of(
      rows, [&](const ModelVersion& row) { return !row.deleted && row.version == label; });
}

}  // namespace

const std::string& FilesOf(const RegisteredVersion& version) {
  return version.storage_location.empty() ? version.source : version.storage_location;
}

std::string IdentityOf(const RegisteredVersion& version) {
  const std::string whole =
      fmt::format("{}\n{}\n{}", version.number, MicrosOf(version.created_at), FilesOf(version));
  return Sha256Hex(whole).substr(0, kIdentityDigits);
}

const ModelVersion* FindRow(const std::vector<ModelVersion>& rows,
                            const RegisteredVersion& version) {
  const std::string identity = IdentityOf(version);
  const ModelVersion* found = nullptr;
  for (const ModelVersion& row : rows) {
    const auto tag = row.tags.find(std::string(kIdentityTag));
    if (row.deleted || tag == row.tags.end() || tag->second != identity) continue;
    if (found == nullptr || found->status == VersionStatus::kRetired) found = &row;
  }
  return found;
}

ModelVersion RowFor(const RouteName& route, const RegisteredVersion& version,
                    const KeptArtifact& artifact, const std::vector<ModelVersion>& rows) {
  const std::string identity = IdentityOf(version);
  ModelVersion row;
  row.route = route;
  row.name = NameFrom(version.name);
  // People look a version up by its label alone, so it is the route's, whatever the name.
  row.version = std::to_string(version.number);
  if (IsTaken(rows, row.version)) row.version += "-" + identity;
  row.provider_key = kLocalProvider;
  row.artifact_uri = artifact.uri;
  row.artifact_sha256 = artifact.sha256;
  row.format = "onnx";
  row.load = LoadPolicy::kLazy;
  row.signature = artifact.signature;
  row.source_run = version.run_id;
  row.tags = {{std::string(kModelTag), version.name},
              {std::string(kNumberTag), std::to_string(version.number)},
              {std::string(kIdentityTag), identity}};
  return row;
}

}  // namespace podium::control
