// What callers of a simulated server ask, as values that the checks can look back at.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "domain/ids.h"
#include "domain/promotion.h"
#include "domain/route.h"
#include "view/core_view.h"

namespace podium::testing {

/// Who promotes without a verdict.
inline constexpr std::string_view kNamedPerson = "ann";

/// One admin call that changes something.
struct SimVerb {
  PromotionKind kind = PromotionKind::kRegister;
  RouteName route;
  ModelId id;
  BasisPoints share;
  std::vector<RouteArm> arms;
  std::optional<std::int64_t> if_match;
  std::string actor;       ///< X-Podium-Actor; empty: nobody is named.
  std::string request_id;  ///< Stands in the audit row: one of its own for each call.

  std::string method;
  std::string path;
  std::string body;

  std::string Text() const;  ///< For the trace.
};

/// One call of a model.
struct SimPrediction {
  std::size_t core = 0;
  RouteName route;
  std::string session;
  view::ViewPtr pinned;  ///< The core's view at the very start of the call.
};

}  // namespace podium::testing
