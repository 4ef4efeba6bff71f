// Finished spans on their way from one core to the exporter.
//
// The core fills a slot and goes on: no lock, no allocation, no wait. When nobody takes them away
// spans are dropped and counted, and the call that they tell of notices nothing.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "base/limits.h"
#include "telemetry/span.h"

namespace podium::telemetry {

/// Threads: Claim and Publish on one, Front and Pop on another one, the counts on any.
class SpanQueue {
 public:
  /// REQUIRES: capacity > 0.
  explicit SpanQueue(std::size_t capacity = limits::kMaxWaitingSpans);

  /// An empty span to fill in place; null when the queue is full, which counts as a drop.
  Span* Claim();
  /// The claimed span is finished. REQUIRES: Claim gave one, and it was not published yet.
  void Publish();

  /// The oldest, or null. It stays as it is until Pop.
  const Span* Front() const;
  void Pop();  ///< REQUIRES: Front() is not null.

  std::size_t size() const;
  std::size_t capacity() const { return capacity_; }
  std::uint64_t dropped() const { return dropped_.load(std::memory_order_relaxed); }

 private:
  static constexpr std::size_t kCacheLine = 64;

  const std::size_t capacity_;
  const std::unique_ptr<Span[]> slots_;
  alignas(kCacheLine) std::atomic<std::uint64_t> written_{0};  // All that were ever published.
  alignas(kCacheLine) std::atomic<std::uint64_t> read_{0};
  alignas(kCacheLine) std::atomic<std::uint64_t> dropped_{0};
};

}  // namespace podium::telemetry
