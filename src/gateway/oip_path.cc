#include "gateway/oip_path.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <utility>

#include "net/target.h"

namespace podium::gateway {
namespace {

constexpr std::string_view kRoot = "/v2";

/// The parts between the slashes behind /v2, still encoded: views into the path.
struct Segments {
  std::array<std::string_view, 5> parts;
  std::size_t count = 0;  ///< One more than fit when there are too many.

  std::string_view operator[](std::size_t i) const { return parts[i]; }
};

Segments SegmentsOf(std::string_view rest) {
  Segments segments;
  while (!rest.empty() && segments.count <= segments.parts.size()) {
    rest.remove_prefix(1);
    const std::size_t end = std::min(rest.find('/'), rest.size());
    if (segments.count < segments.parts.size())
      segments.parts[segments.count] = rest.substr(0, end);
    ++segments.count;
    rest.remove_prefix(end);
  }
  return segments;
}

Failure NothingAt(std::string_view path) {
  return Fail(ErrorCode::kNotFound,
              "there is nothing at {}: this server answers /v2, /v2/health/live, /v2/health/ready, "
              "/v2/models, /v2/models/NAME[/versions/VERSION][/ready|/infer], /v2/repository/index",
              path);
}

Result<OipTarget> Of(OipEndpoint endpoint, std::string_view route, std::string_view version = {}) {
  OipTarget target;
  target.endpoint = endpoint;
  PODIUM_TRY_ASSIGN(target.call.route, net::PercentDecode(route));
  PODIUM_TRY_ASSIGN(target.call.version, net::PercentDecode(version));
  return target;
}

/// models/{m}[/versions/{v}][/ready|/infer]
Result<OipTarget> ModelTarget(const Segments& parts, std::string_view path) {
  const bool versioned = parts.count >= 4 && parts[2] == "versions";
  const std::size_t named = versioned ? 4 : 2;  // Segments that name the model.
  const std::string_view version = versioned ? parts[3] : std::string_view();
  if (parts[1].empty() || (versioned && version.empty())) return NothingAt(path);
  if (parts.count == named) return Of(OipEndpoint::kModel, parts[1], version);
  if (parts.count != named + 1) return NothingAt(path);
  if (parts[named] == "infer") return Of(OipEndpoint::kInfer, parts[1], version);
  if (parts[named] == "ready") return Of(OipEndpoint::kModelReady, parts[1], version);
  return NothingAt(path);
}

}  // namespace

bool IsOipPath(std::string_view path) {
  return path.starts_with(kRoot) && (path.size() == kRoot.size() || path[kRoot.size()] == '/');
}

Result<OipTarget> OipTargetOf(std::string_view path) {
  const Segments parts = SegmentsOf(path.substr(kRoot.size()));
  if (parts.count == 0) return OipTarget{OipEndpoint::kServer, {}};
  if (parts.count > parts.parts.size()) return NothingAt(path);
  if (parts[0] == "models") {
    return parts.count == 1 ? OipTarget{OipEndpoint::kModels, {}} : ModelTarget(parts, path);
  }
  if (parts[0] == "health" && parts.count == 2) {
    if (parts[1] == "live") return OipTarget{OipEndpoint::kLive, {}};
    if (parts[1] == "ready") return OipTarget{OipEndpoint::kReady, {}};
  }
  if (parts[0] == "repository") {
    if (parts.count == 2 && parts[1] == "index") return OipTarget{OipEndpoint::kIndex, {}};
    const bool verb = parts.count == 4 && parts[1] == "models" && !parts[2].empty();
    if (verb && (parts[3] == "load" || parts[3] == "unload")) {
      return Of(OipEndpoint::kLoad, parts[2]);
    }
  }
  return NothingAt(path);
}

EndpointId IdOf(OipEndpoint endpoint) {
  switch (endpoint) {
    case OipEndpoint::kServer:
      return EndpointId::kOipServer;
    case OipEndpoint::kLive:
      return EndpointId::kOipLive;
    case OipEndpoint::kReady:
      return EndpointId::kOipReady;
    case OipEndpoint::kModels:
      return EndpointId::kOipModels;
    case OipEndpoint::kModel:
      return EndpointId::kOipModel;
    case OipEndpoint::kModelReady:
      return EndpointId::kOipModelReady;
    case OipEndpoint::kInfer:
      return EndpointId::kOipInfer;
    case OipEndpoint::kIndex:
      return EndpointId::kOipIndex;
    case OipEndpoint::kLoad:
      return EndpointId::kOipLoad;
  }
  return EndpointId::kNothing;
}

}  // namespace podium::gateway
