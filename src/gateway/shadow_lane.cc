#include "gateway/shadow_lane.h"

#include <utility>

namespace podium::gateway {

ShadowLane::ShadowLane(const Clock& clock, Options options) : clock_(clock), options_(options) {
  rings_.reserve(options_.cores);
  for (std::size_t i = 0; i < options_.cores; ++i) {
    rings_.push_back(std::make_unique<Ring>(options_.queue));
  }
  worker_ =
      std::make_unique<BackgroundWorker>("shadows", options_.threads, [this] { return RunNext(); });
}

ShadowLane::~ShadowLane() { Stop(); }

bool ShadowLane::Offer(std::shared_ptr<ShadowPair> pair) {
  Ring& ring = *rings_[pair->core()];
  if (ring.open.load(std::memory_order_acquire) >= options_.queue) {
    pair->tally().CountShed(view::ShadowShed::kFull);
    return false;
  }
  ring.open.fetch_add(1, std::memory_order_relaxed);
  Push(std::move(pair));
  return true;
}

// A pair stands in the ring once at most, and no more pairs are open than the ring has slots.
void ShadowLane::Return(std::shared_ptr<ShadowPair> pair) { Push(std::move(pair)); }

void ShadowLane::Push(std::shared_ptr<ShadowPair> pair) {
  Ring& ring = *rings_[pair->core()];
  const std::uint64_t at = ring.written.load(std::memory_order_relaxed);
  // Whoever has emptied the slot has said so there.
  (void)ring.read.load(std::memory_order_acquire);
  ring.slots[at % options_.queue] = std::move(pair);
  ring.written.store(at + 1, std::memory_order_seq_cst);
  worker_->Nudge();
}

std::shared_ptr<ShadowPair> ShadowLane::Pop() {
  const std::lock_guard lock(reading_);
  for (std::size_t i = 0; i < rings_.size(); ++i) {
    Ring& ring = *rings_[next_ring_++ % rings_.size()];
    const std::uint64_t at = ring.read.load(std::memory_order_relaxed);
    if (at == ring.written.load(std::memory_order_seq_cst)) continue;
    std::shared_ptr<ShadowPair> pair = std::move(ring.slots[at % options_.queue]);
    ring.read.store(at + 1, std::memory_order_release);
    return pair;
  }
  return nullptr;
}

// A slot is free only once it was read, which is before its pair is closed.
void ShadowLane::Close(const ShadowPair& pair) {
  rings_[pair.core()]->open.fetch_sub(1, std::memory_order_release);
}

std::optional<view::ShadowShed> ShadowLane::WhyShed(const ShadowPair& pair) const {
  if (busy_ && busy_()) return view::ShadowShed::kFull;
  const bool late = clock_.SteadyNow() - pair.offered() > limits::kShadowPatience;
  return late ? std::optional(view::ShadowShed::kLate) : std::nullopt;
}

bool ShadowLane::RunNext() {
  const std::shared_ptr<ShadowPair> pair = Pop();
  if (pair == nullptr) return false;
  if (!pair->challenger_ended()) {
    if (pair->withdrawn()) {
      Close(*pair);
      return true;
    }
    if (const auto why = WhyShed(*pair)) {
      pair->tally().CountShed(*why);
      Close(*pair);
      return true;
    }
    if (!pair->RunChallenger(clock_)) return true;  // Its champion gives it back.
  }
  pair->Compare();
  Close(*pair);
  return true;
}

std::size_t ShadowLane::waiting() const {
  std::size_t sum = 0;
  for (const auto& ring : rings_) sum += ring->open.load(std::memory_order_relaxed);
  return sum;
}

}  // namespace podium::gateway
