// Plans, epochs and marks as JSON: one form for callers and for rows. Shares are `share_pct`, times
// "30s", "10m", "24h" or seconds, infinity null.
#pragma once

#include <string>
#include <string_view>

#include "base/json.h"
#include "base/result.h"
#include "domain/rollout.h"

namespace podium {

/// What is left out takes DefaultPlan's value. Instead of "steps": {"initial_pct", "step_pct",
/// "max_pct", "interval"}, which is compiled into steps. Unknown keys are errors. Checked.
Result<RolloutPlan> PlanFromJson(const Json& json);
Json ToJson(const RolloutPlan& plan);

/// The whole row, for the store.
std::string RolloutToText(const Rollout& rollout);
Result<Rollout> RolloutFromText(std::string_view text);

std::string MarkToText(const RolloutMark& mark);
Result<RolloutMark> MarkFromText(std::string_view text);

}  // namespace podium
