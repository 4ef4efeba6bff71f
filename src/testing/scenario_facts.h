// What is so, as the text that a scenario compares with. Keys are those that the parser lets pass.
#pragma once

#include <string>
#include <string_view>

#include "base/clock.h"
#include "domain/promotion.h"
#include "routing/choose.h"
#include "store/registry_store.h"

namespace podium::testing::scenario {

inline constexpr std::string_view kNobody = "nobody";

std::string TextOfId(const std::optional<ModelId>& id);  ///< The id, or nobody.
std::string TextOfShare(BasisPoints share);              ///< "5%"

std::string FactOf(const store::RouteState& state, std::string_view key);
/// `start`: when the story began; times are told since then.
std::string FactOf(const ModelVersion& row, std::string_view key, WallTime start);
std::string FactOf(const Promotion& row, std::string_view key, WallTime start);
std::string FactOf(const routing::Decision& decision, std::string_view key);

/// "m2 canary 5%"
std::string RoleOf(const ModelVersion& row);
/// "m2 20% m3 30%", or none.
std::string TextOfArms(const std::vector<RouteArm>& arms);

}  // namespace podium::testing::scenario
