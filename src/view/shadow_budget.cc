#include "view/shadow_budget.h"

#include <algorithm>
#include <chrono>

namespace podium::view {
namespace {

std::int64_t DayOf(WallTime now) {
  return std::chrono::floor<std::chrono::days>(now.time_since_epoch()).count();
}

}  // namespace

NanoUsd SpentInDay(NanoUsd all, NanoUsd own, NanoUsd settled) {
  const NanoUsd others{std::max<std::int64_t>(all.value - own.value, 0)};
  return AddUpTo(others, NanoUsd{std::max(own.value, settled.value)});
}

// A clock that is set back stays in the day that has begun: its money is spent.
void ShadowBudget::Turn(WallTime now) {
  const std::int64_t today = DayOf(now);
  if (today <= day_) return;
  day_ = today;
  all_ = own_ = settled_ = NanoUsd();
}

bool ShadowBudget::Hold(NanoUsd most, NanoUsd cap, WallTime now) {
  const std::lock_guard lock(mutex_);
  Turn(now);
  const NanoUsd spent = AddUpTo(SpentInDay(all_, own_, settled_), held_);
  if (AddUpTo(spent, most) > cap) return false;
  held_ = AddUpTo(held_, most);
  return true;
}

void ShadowBudget::Settle(NanoUsd held, NanoUsd cost, WallTime now) {
  const std::lock_guard lock(mutex_);
  Turn(now);
  held_.value -= held.value;
  settled_ = AddUpTo(settled_, cost);
}

void ShadowBudget::Learn(NanoUsd all, NanoUsd own, WallTime now) {
  const std::lock_guard lock(mutex_);
  Turn(now);
  if (DayOf(now) < day_) return;  // Asked before midnight, answered after it.
  all_ = all;
  own_ = own;
}

NanoUsd ShadowBudget::spent_today(WallTime now) const {
  const std::lock_guard lock(mutex_);
  if (DayOf(now) > day_) return {};
  return SpentInDay(all_, own_, settled_);
}

}  // namespace podium::view
