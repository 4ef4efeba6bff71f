#include "runtime/run_watch.h"

#include <algorithm>
#include <span>
#include <thread>

namespace podium::runtime {
namespace {

// The life of a place. Only the watch goes from kRunning to kLooking and back, only the owner from
// kFree by kTaken to kRunning and back to kFree; each by exchange, so that neither works on what is
// the other's.
enum PlaceState : std::uint32_t { kFree, kTaken, kRunning, kLooking };

/// Where this thread looks first: the place it had before, which no other core's cache holds.
thread_local std::size_t t_place = kWatchedRuns;

}  // namespace

RunWatch::RunWatch(std::chrono::milliseconds timeout)
    : timeout_(static_cast<std::uint64_t>(std::max<std::int64_t>(1, timeout / kWatchTick))) {}

int RunWatch::Tick() {
  const std::uint64_t now = tick_.fetch_add(1, std::memory_order_relaxed) + 1;
  int overdue = 0;
  const auto known = std::span(places_).first(known_.load(std::memory_order_acquire));
  for (Place& place : known) {
    if (place.state.load(std::memory_order_acquire) != kRunning) continue;
    // One tick more, since the run may have begun just before the tick that it remembers ended.
    if (now - place.since.load(std::memory_order_relaxed) <= timeout_) continue;
    std::uint32_t running = kRunning;
    if (!place.state.compare_exchange_strong(running, kLooking)) continue;
    // Between the look and the exchange another run may have begun; it is not the late one.
    if (now - place.since.load(std::memory_order_relaxed) > timeout_) {
      ++overdue;
      place.since.store(now, std::memory_order_relaxed);
      const int periods = place.periods.fetch_add(1, std::memory_order_relaxed) + 1;
      place.run.load(std::memory_order_relaxed)->Overdue(periods);
    }
    place.state.store(kRunning, std::memory_order_release);
  }
  return overdue;
}

// Seldom more than a load: a thread comes back to the place that it had.
void RunWatch::Know(std::size_t place) {
  std::size_t known = known_.load(std::memory_order_relaxed);
  while (known <= place && !known_.compare_exchange_weak(known, place + 1)) {
  }
}

int RunWatch::stuck() const {
  return static_cast<int>(std::count_if(places_.begin(), places_.end(), [](const Place& place) {
    return place.state.load(std::memory_order_relaxed) >= kRunning &&
           place.periods.load(std::memory_order_relaxed) > 1;
  }));
}

RunWatch::Watched::Watched(RunWatch& watch, Late& run) {
  if (t_place == kWatchedRuns) t_place = watch.next_thread_.fetch_add(1) % kWatchedRuns;
  for (std::size_t i = 0; i < kWatchedRuns; ++i) {
    Place& place = watch.places_[(t_place + i) % kWatchedRuns];
    std::uint32_t free = kFree;
    if (!place.state.compare_exchange_strong(free, kTaken, std::memory_order_acquire)) continue;
    t_place = (t_place + i) % kWatchedRuns;
    watch.Know(t_place);
    place.run.store(&run, std::memory_order_relaxed);
    place.periods.store(0, std::memory_order_relaxed);
    place.since.store(watch.tick_.load(std::memory_order_relaxed), std::memory_order_relaxed);
    place.state.store(kRunning, std::memory_order_release);
    place_ = &place;
    return;
  }
}

RunWatch::Watched::~Watched() {
  if (place_ == nullptr) return;
  for (;;) {
    std::uint32_t running = kRunning;
    if (place_->state.compare_exchange_strong(running, kFree)) return;
    std::this_thread::yield();  // The watch is in Overdue, for some instructions.
  }
}

}  // namespace podium::runtime
