// Shadow and challenger of a route, as they stand in its columns and in the audit trail.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/json.h"
#include "base/result.h"
#include "domain/shadow.h"

namespace podium::store {

/// {"rate_bp", "daily_cap_nano_usd", "tolerance", "versions"}
Json ShadowToJson(const ShadowPlan& plan);
/// {"challenger", "testing", "weight_bp", "sticky", "deadline_ms"}
Json ChallengerToJson(const ChallengerPlan& plan);

std::string ShadowToText(const ShadowPlan& plan);
std::string ChallengerToText(const ChallengerPlan& plan);
/// Only "rate_bp" and "challenger" have to be there, so that people can write one by SQL; unknown
/// members are left to a later release. kUnprocessable, naming the member, for what cannot be.
Result<ShadowPlan> ShadowFromText(std::string_view text);
Result<ChallengerPlan> ChallengerFromText(std::string_view text);

/// Evidence of an audit row: {"shadow": …} and {"challenger": …}; null when there is none any more.
Json ShadowEvidence(const std::optional<ShadowPlan>& plan);
Json ChallengerEvidence(const std::optional<ChallengerPlan>& plan);

}  // namespace podium::store
