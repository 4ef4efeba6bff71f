#include "domain/shadow.h"

#include <fmt/format.h>

#include <cmath>
#include <set>

#include "base/limits.h"
#include "domain/names.h"

namespace podium {
namespace {

Failure BadField(std::string problem, std::string field) {
  return Fail(Error{ErrorCode::kInvalidArgument, std::move(problem), std::move(field), nullptr});
}

}  // namespace

Status Validate(const ShadowPlan& plan) {
  if (plan.daily_cap.value < 0 || plan.daily_cap.value > limits::kMaxPriceNanoUsd) {
    return BadField("a daily cap is 0 to 1,000,000 dollars", "daily_cost_cap_usd");
  }
  if (!std::isfinite(plan.tolerance) || plan.tolerance < 0 || plan.tolerance > 1) {
    return BadField("a tolerance is 0.0 to 1.0", "tolerance");
  }
  if (plan.versions.size() > limits::kMaxShadows) {
    return BadField(fmt::format("at most {} shadows of a route get copies", limits::kMaxShadows),
                    "versions");
  }
  std::set<std::string> seen;
  for (const ModelId& id : plan.versions) {
    if (const Status good = CheckName("version", id.get()); !good) {
      return BadField(good.error().message, "versions");
    }
    if (!seen.insert(id.get()).second) {
      return BadField(fmt::format("{} is named twice", id.get()), "versions");
    }
  }
  return {};
}

Status Validate(const ChallengerPlan& plan) {
  if (const Status good = CheckName("challenger", plan.challenger.get()); !good) {
    return BadField(good.error().message, "challenger");
  }
  if (plan.deadline.count() < 0 || plan.deadline > limits::kLlmTimeout) {
    return BadField("a deadline is at most ten minutes", "deadline");
  }
  return {};
}

}  // namespace podium
