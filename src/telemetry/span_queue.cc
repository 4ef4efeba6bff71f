#include "telemetry/span_queue.h"

#include "base/assert.h"

namespace podium::telemetry {

// Without a value: pages of slots that were never used cost no memory.
SpanQueue::SpanQueue(std::size_t capacity)
    : capacity_(capacity), slots_(std::make_unique_for_overwrite<Span[]>(capacity)) {
  PODIUM_ASSERT(capacity > 0);
}

Span* SpanQueue::Claim() {
  const std::uint64_t written = written_.load(std::memory_order_relaxed);
  if (written - read_.load(std::memory_order_acquire) >= capacity_) {
    dropped_.store(dropped_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    return nullptr;
  }
  Span& span = slots_[written % capacity_];
  span.Clear();
  return &span;
}

void SpanQueue::Publish() {
  written_.store(written_.load(std::memory_order_relaxed) + 1, std::memory_order_release);
}

const Span* SpanQueue::Front() const {
  const std::uint64_t read = read_.load(std::memory_order_relaxed);
  if (read == written_.load(std::memory_order_acquire)) return nullptr;
  return &slots_[read % capacity_];
}

void SpanQueue::Pop() {
  read_.store(read_.load(std::memory_order_relaxed) + 1, std::memory_order_release);
}

std::size_t SpanQueue::size() const {
  const std::uint64_t read = read_.load(std::memory_order_acquire);
  return static_cast<std::size_t>(written_.load(std::memory_order_acquire) - read);
}

}  // namespace podium::telemetry
