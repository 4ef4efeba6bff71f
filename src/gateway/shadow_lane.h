// Where copies for models in this process wait and run: beside the live traffic, behind it, and the
// first to go.
//
// Each core has a ring of its own into which it alone writes, so that a copy costs it no lock. A
// few threads of low priority empty the rings; while live calls wait for the inference pool they
// throw away what they find.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "base/background_worker.h"
#include "base/clock.h"
#include "base/limits.h"
#include "gateway/shadow_pair.h"

namespace podium::gateway {

/// Threads: Offer and Return on core `core` of theirs; RunNext and the rest anywhere.
class ShadowLane {
 public:
  struct Options {
    std::size_t cores = 1;
    int threads = limits::kShadowThreads;  ///< 0: the owner calls RunNext.
    std::size_t queue = limits::kShadowQueue;
  };
  ShadowLane(const Clock& clock, Options options);
  ~ShadowLane();
  ShadowLane(const ShadowLane&) = delete;
  ShadowLane& operator=(const ShadowLane&) = delete;

  /// True while live calls wait: copies are thrown away then. Once, before anything is offered.
  void SetBusy(std::function<bool()> busy) { busy_ = std::move(busy); }

  /// Takes a copy; false when there are too many, and that is counted.
  bool Offer(std::shared_ptr<ShadowPair> pair);
  /// Takes one back whose shadow was faster than its champion. There is always room.
  void Return(std::shared_ptr<ShadowPair> pair);
  /// One step of one pair on the calling thread; false when none is there.
  bool RunNext();
  /// Ends the threads. What waits is forgotten.
  void Stop() { worker_->Stop(); }

  std::size_t waiting() const;  ///< Pairs that are not over.

 private:
  /// Written by one core, read under reading_.
  struct Ring {
    explicit Ring(std::size_t size) : slots(size) {}
    std::vector<std::shared_ptr<ShadowPair>> slots;
    std::atomic<std::uint64_t> written{0};
    std::atomic<std::uint64_t> read{0};
    std::atomic<std::size_t> open{0};  ///< Pairs that are not over, in the ring or not.
  };
  void Push(std::shared_ptr<ShadowPair> pair);
  std::shared_ptr<ShadowPair> Pop();
  void Close(const ShadowPair& pair);
  std::optional<view::ShadowShed> WhyShed(const ShadowPair& pair) const;

  const Clock& clock_;
  const Options options_;
  std::function<bool()> busy_;
  std::vector<std::unique_ptr<Ring>> rings_;
  std::mutex reading_;
  std::size_t next_ring_ = 0;  // Protected by reading_: the turn goes round.
  std::unique_ptr<BackgroundWorker> worker_;
};

}  // namespace podium::gateway
