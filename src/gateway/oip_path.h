// The paths of the Open Inference Protocol v2. Pure.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/result.h"
#include "gateway/endpoint.h"
#include "gateway/routed_call.h"
#include "net/http_head.h"

namespace podium::gateway {

enum class OipEndpoint : std::uint8_t {
  kServer,  ///< GET /v2
  kLive,    ///< GET /v2/health/live
  kReady,   ///< GET /v2/health/ready
  kModels,  ///< GET /v2/models
  kModel,   ///< GET /v2/models/{m}[/versions/{v}]
  kModelReady,
  kInfer,  ///< POST
  kIndex,  ///< POST /v2/repository/index
  kLoad,   ///< POST /v2/repository/models/{m}/load and unload
};

struct OipTarget {
  OipEndpoint endpoint = OipEndpoint::kServer;
  CallTarget call;  ///< {m} is the route; {v} is an override.
};

/// Whether a path belongs to this protocol.
bool IsOipPath(std::string_view path);

/// kNotFound for a path that the protocol does not have or that is not offered here.
/// REQUIRES: IsOipPath(path).
Result<OipTarget> OipTargetOf(std::string_view path);

EndpointId IdOf(OipEndpoint endpoint);

}  // namespace podium::gateway
