#include "domain/version.h"

#include <array>
#include <utility>

namespace podium {
namespace {

constexpr std::array<std::pair<VersionStatus, std::string_view>, 6> kStatuses = {{
    {VersionStatus::kPrimary, "primary"},
    {VersionStatus::kCanary, "canary"},
    {VersionStatus::kShadow, "shadow"},
    {VersionStatus::kArm, "arm"},
    {VersionStatus::kStandby, "standby"},
    {VersionStatus::kRetired, "retired"},
}};

}  // namespace

std::string_view NameOf(VersionStatus status) {
  return kStatuses[static_cast<std::size_t>(status)].second;
}

std::optional<VersionStatus> ParseVersionStatus(std::string_view name) {
  for (const auto& [status, text] : kStatuses) {
    if (text == name) return status;
  }
  return std::nullopt;
}

std::string_view NameOf(LoadPolicy policy) {
  return policy == LoadPolicy::kEager ? "eager" : "lazy";
}

std::optional<LoadPolicy> ParseLoadPolicy(std::string_view name) {
  if (name == "eager") return LoadPolicy::kEager;
  if (name == "lazy") return LoadPolicy::kLazy;
  return std::nullopt;
}

}  // namespace podium
