#include "control/publish/wanted.h"

namespace podium::control {
namespace {

bool IsWanted(const routing::CompiledRoute& route, const ModelVersion& version) {
  if (version.provider_key != kLocalProvider) return false;
  // Testing or not: one that is switched on must be there at once.
  if (route.challenger && route.challenger->challenger == version.model_id) return true;
  switch (version.status) {
    case VersionStatus::kPrimary:
    case VersionStatus::kCanary:
    case VersionStatus::kShadow:
    case VersionStatus::kArm:
      return true;
    case VersionStatus::kStandby:
      if (version.load == LoadPolicy::kEager) return true;
      return route.previous_primary != routing::kNoVersion &&
             &route.At(route.previous_primary) == &version;
    case VersionStatus::kRetired:
      return false;
  }
  return false;
}

}  // namespace

runtime::WantedModel WantedFrom(const ModelVersion& version) {
  return {version.model_id, version.artifact_uri, version.artifact_sha256, version.format,
          version.signature};
}

std::vector<runtime::WantedModel> WantedModels(const routing::RoutesPart& routes,
                                               const std::set<ModelId>& also) {
  std::vector<runtime::WantedModel> wanted;
  for (const auto& route : routes.routes()) {
    for (const ModelVersion& version : route->versions) {
      const bool asked_for = also.contains(version.model_id) &&
                             version.provider_key == kLocalProvider &&
                             version.status != VersionStatus::kRetired;
      if (asked_for || IsWanted(*route, version)) wanted.push_back(WantedFrom(version));
    }
  }
  return wanted;
}

}  // namespace podium::control
