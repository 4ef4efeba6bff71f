// What a route follows, as it stands in the column routes.follow and in the audit trail.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/json.h"
#include "base/result.h"
#include "domain/follow.h"

namespace podium::store {

/// {"model", "champion", "challenger", "challenger_share_bp", "on_champion"}; of a held one also
/// "held", "held_because" and "held_at" (microseconds).
Json FollowToJson(const Follow& follow);
/// Only the model has to be there, so that people can write one by SQL; unknown members are left to
/// a later release. kUnprocessable, naming the member, for anything that no route can follow.
Result<Follow> FollowFromJson(const Json& json);

std::string FollowToText(const Follow& follow);
Result<Follow> FollowFromText(std::string_view text);

/// Evidence of an audit row: {"follow": …}, null for a route that does not follow (any more).
Json FollowEvidence(const std::optional<Follow>& follow);

}  // namespace podium::store
