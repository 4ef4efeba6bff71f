#include "domain/route.h"

namespace podium {

std::string_view NameOf(RoutePolicy policy) {
  return policy == RoutePolicy::kFixed ? "fixed" : "ab";
}

std::optional<RoutePolicy> ParseRoutePolicy(std::string_view name) {
  if (name == "fixed") return RoutePolicy::kFixed;
  if (name == "ab") return RoutePolicy::kAb;
  return std::nullopt;
}

}  // namespace podium
