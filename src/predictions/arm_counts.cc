#include "predictions/arm_counts.h"

namespace podium::predictions {

std::string_view NameOf(Fate fate) {
  constexpr std::array<std::string_view, kFates> kNames = {"logged", "thinned", "full"};
  return kNames[static_cast<std::size_t>(fate)];
}

ArmCounts::Slot& ArmCounts::SlotOf(std::string_view route, std::string_view version) {
  key_.assign(route).append(1, '\0').append(version);
  if (const auto found = index_.find(key_); found != index_.end()) return slots_[found->second];
  const std::size_t used = used_.load(std::memory_order_relaxed);
  // The last slot is for all that came too late for one of their own.
  const bool is_last = used + 1 >= slots_.size();
  if (used == slots_.size()) return slots_.back();
  Slot& slot = slots_[used];
  slot.route = is_last ? "(others)" : std::string(route);
  slot.version = is_last ? "" : std::string(version);
  if (!is_last) index_.emplace(key_, used);
  used_.store(used + 1, std::memory_order_release);
  return slot;
}

void ArmCounts::Count(std::string_view route, std::string_view version, Fate fate) {
  std::atomic<std::uint64_t>& count = SlotOf(route, version).counts[static_cast<std::size_t>(fate)];
  count.store(count.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);  // One writer.
}

void ArmCounts::Visit(const std::function<void(const Arm&)>& visit) const {
  const std::size_t used = used_.load(std::memory_order_acquire);
  for (std::size_t i = 0; i < used; ++i) {
    Arm arm{slots_[i].route, slots_[i].version, {}};
    for (std::size_t fate = 0; fate < kFates; ++fate) {
      arm.counts[fate] = slots_[i].counts[fate].load(std::memory_order_relaxed);
    }
    visit(arm);
  }
}

}  // namespace podium::predictions
