#include "view/shadow_budget.h"

#include <chrono>

namespace podium::view {
namespace {

std::int64_t DayOf(WallTime now) {
  return std::chrono::floor<std::chrono::days>(now.time_since_epoch()).count();
}

}  // namespace

void ShadowBudget::Turn(WallTime now) {
  const std::int64_t today = DayOf(now);
  if (today == day_) return;
  day_ = today;
  stored_ = before_look_ = since_look_ = NanoUsd();
}

bool ShadowBudget::Hold(NanoUsd most, NanoUsd cap, WallTime now) {
  const std::lock_guard lock(mutex_);
  Turn(now);
  const NanoUsd spent = AddUpTo(AddUpTo(stored_, before_look_), AddUpTo(since_look_, held_));
  if (AddUpTo(spent, most) > cap) return false;
  held_ = AddUpTo(held_, most);
  return true;
}

void ShadowBudget::Settle(NanoUsd held, NanoUsd cost, WallTime now) {
  const std::lock_guard lock(mutex_);
  Turn(now);
  held_.value -= held.value;
  since_look_ = AddUpTo(since_look_, cost);
}

void ShadowBudget::Learn(NanoUsd in_store, WallTime now) {
  const std::lock_guard lock(mutex_);
  Turn(now);
  stored_ = in_store;
  before_look_ = since_look_;
  since_look_ = NanoUsd();
}

NanoUsd ShadowBudget::spent_today(WallTime now) const {
  const std::lock_guard lock(mutex_);
  if (DayOf(now) != day_) return {};
  return AddUpTo(stored_, AddUpTo(before_look_, since_look_));
}

}  // namespace podium::view
