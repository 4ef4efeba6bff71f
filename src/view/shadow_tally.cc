#include "view/shadow_tally.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/limits.h"

namespace podium::view {

// One writer each.
struct alignas(64) ShadowTally::Cell {
  std::atomic<std::uint64_t> total{0};
  std::atomic<std::uint64_t> sampled{0};
};

namespace {

void BumpOne(std::atomic<std::uint64_t>& counter) {
  counter.store(counter.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
}

}  // namespace

ShadowTally::ShadowTally(std::size_t cores, RouteName route, ModelId version)
    : route_(std::move(route)), version_(std::move(version)) {
  cells_.reserve(cores);
  for (std::size_t i = 0; i < cores; ++i) cells_.push_back(std::make_unique<Cell>());
}

ShadowTally::~ShadowTally() = default;

void ShadowTally::CountCall(std::size_t core, bool sampled) {
  BumpOne(cells_[core]->total);
  if (sampled) BumpOne(cells_[core]->sampled);
}

void ShadowTally::CountShed(ShadowShed why) {
  shed_[static_cast<std::size_t>(why)].fetch_add(1, std::memory_order_relaxed);
}

bool ShadowTally::CountError(SteadyTime now) {
  errors_.fetch_add(1, std::memory_order_relaxed);
  // One more than the time itself, so that 0 is before every moment of a clock that starts there.
  const std::int64_t at = now.time_since_epoch().count() + 1;
  std::int64_t logged = logged_ns_.load(std::memory_order_relaxed);
  const std::int64_t pause = std::chrono::nanoseconds(limits::kShadowLog).count();
  if (logged != 0 && at - logged < pause) return false;
  return logged_ns_.compare_exchange_strong(logged, at, std::memory_order_relaxed);
}

void ShadowTally::CountCost(NanoUsd cost) {
  cost_.fetch_add(cost.value, std::memory_order_relaxed);
}

void ShadowTally::CountPair(const ShadowPairOutcome& pair) {
  const std::lock_guard lock(mutex_);
  ++pairs_.pairs;
  if (pair.champion_failed) ++pairs_.champion_errors;
  if (pair.champion_failed && !pair.challenger_failed) ++pairs_.only_champion_failed;
  if (pair.challenger_failed && !pair.champion_failed) ++pairs_.only_challenger_failed;
  if (pair.agrees) ++(*pair.agrees ? pairs_.agreed : pairs_.disagreed);
  if (pair.too_large) ++pairs_.too_large;
  if (!pair.champion_time || !pair.challenger_time) return;
  const std::chrono::nanoseconds delta = *pair.challenger_time - *pair.champion_time;
  const double margin = kSlowerBy * static_cast<double>(pair.champion_time->count());
  if (std::abs(static_cast<double>(delta.count())) <= margin) {
    ++pairs_.as_fast;
  } else {
    ++(delta.count() > 0 ? pairs_.slower : pairs_.faster);
  }
  (delta.count() >= 0 ? slower_by_ : faster_by_).Record(std::chrono::abs(delta));
}

ShadowCounts ShadowTally::Counts() const {
  ShadowCounts counts;
  {
    const std::lock_guard lock(mutex_);
    counts = pairs_;
    counts.slower_by = slower_by_.Snapshot();
    counts.faster_by = faster_by_.Snapshot();
  }
  for (const auto& cell : cells_) {
    counts.total_requests += cell->total.load(std::memory_order_relaxed);
    counts.sampled_requests += cell->sampled.load(std::memory_order_relaxed);
  }
  for (std::size_t i = 0; i < kShadowSheds; ++i) {
    counts.shed[i] = shed_[i].load(std::memory_order_relaxed);
  }
  counts.challenger_errors = errors_.load(std::memory_order_relaxed);
  counts.cost = NanoUsd{cost_.load(std::memory_order_relaxed)};
  return counts;
}

std::chrono::nanoseconds ShadowCounts::DeltaQuantile(double q) const {
  const std::uint64_t negative = faster_by.count();
  const std::uint64_t all = negative + slower_by.count();
  if (all == 0) return std::chrono::nanoseconds(0);
  const auto rank = std::clamp<std::uint64_t>(
      static_cast<std::uint64_t>(std::ceil(q * static_cast<double>(all))), 1, all);
  // A quantile by its rank among those of its own sign; of negative ones the largest comes first.
  if (rank <= negative) {
    const double among = static_cast<double>(negative - rank + 1) / static_cast<double>(negative);
    return -faster_by.Quantile(among);
  }
  const double among =
      static_cast<double>(rank - negative) / static_cast<double>(slower_by.count());
  return slower_by.Quantile(among);
}

}  // namespace podium::view
