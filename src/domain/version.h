// A version: one row of the model registry, the placement of a model version on one route.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "domain/ids.h"
#include "domain/traffic.h"

namespace podium {

enum class VersionStatus : std::uint8_t {
  kPrimary,  ///< Serves the route; at most one.
  kCanary,   ///< Challenger with a traffic share; at most one.
  kShadow,   ///< Sees copies of traffic; may be promoted.
  kArm,      ///< Of an A/B split.
  kStandby,  ///< Registered, takes no traffic.
  kRetired,  ///< Kept for the record; never serves again unless registered anew.
};
std::string_view NameOf(VersionStatus status);
std::optional<VersionStatus> ParseVersionStatus(std::string_view name);

/// When the runtime brings a standby version into memory.
enum class LoadPolicy : std::uint8_t { kEager, kLazy };
std::string_view NameOf(LoadPolicy policy);
std::optional<LoadPolicy> ParseLoadPolicy(std::string_view name);

using MetricMap = std::map<std::string, double>;
using TagMap = std::map<std::string, std::string>;

/// A row of `model_registry`. It is the routing input itself, not a copy of it.
struct ModelVersion {
  ModelId model_id;
  RouteName route;  ///< `model_type` of the table.
  std::string name;
  std::string version;
  std::string provider_key;    ///< "local" for an artifact that the runtime loads.
  std::string upstream_model;  ///< Name at the provider; empty for local ones.
  std::string artifact_uri;
  std::string artifact_sha256;  ///< 64 lower-case hex digits, or empty when not known yet.
  std::string format;           ///< "onnx".
  VersionStatus status = VersionStatus::kStandby;
  std::string stage;      ///< MLflow's word for it, untouched by routing.
  BasisPoints share;      ///< Meaningful for the canary, 0 elsewhere.
  std::string signature;  ///< JSON object, or empty.
  MetricMap metrics;
  TagMap tags;
  std::string catalogue_id;
  std::string experiment_id;
  LoadPolicy load = LoadPolicy::kEager;
  std::string source_run;
  std::optional<ModelId> parent_id;
  WallTime created_at;
  WallTime updated_at;
  Revision revision;
  bool deleted = false;  ///< A tombstone: its id is never used again.
};

inline constexpr std::string_view kLocalProvider = "local";

}  // namespace podium
