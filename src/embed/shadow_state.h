// What a shadow runner shares with the work that an executor keeps, perhaps longer than the runner.
#pragma once

#include <podium/shadow_runner.h>

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <mutex>

#include "embed/shadow_candidate.h"

namespace podium::v1 {

/// How much is pending and running, within its limit, and whether more may begin.
/// Threads: any.
class ShadowLoad {
 public:
  explicit ShadowLoad(std::size_t limit) : limit_(limit) {}

  bool TakePlace() {
    const std::lock_guard lock(mutex_);
    if (pending_ >= limit_) return false;
    ++pending_;
    return true;
  }
  void LeavePlace() {
    const std::lock_guard lock(mutex_);
    --pending_;
    changed_.notify_all();
  }
  /// Whether a piece of work may run: not once closed. Else it owes an End.
  bool Begin() {
    const std::lock_guard lock(mutex_);
    if (closed_) return false;
    ++running_;
    return true;
  }
  void End() {
    const std::lock_guard lock(mutex_);
    --running_;
    changed_.notify_all();
  }
  /// Waits for the work that has begun; none begins any more.
  void Close() {
    std::unique_lock lock(mutex_);
    closed_ = true;
    changed_.wait(lock, [this] { return running_ == 0; });
  }
  void AwaitNonePending() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return pending_ == 0; });
  }

 private:
  const std::size_t limit_;
  std::mutex mutex_;  // Over all below.
  std::condition_variable changed_;
  std::size_t pending_ = 0;
  std::size_t running_ = 0;
  bool closed_ = false;
};

/// What a runner shares with the work that an executor keeps.
struct ShadowState {
  explicit ShadowState(const ShadowOptions& options)
      : load(options.max_pending), candidate(options.registry, options.candidate) {}

  ShadowLoad load;
  ShadowCandidate candidate;
  std::atomic<std::uint64_t> total_requests{0};
  std::atomic<std::uint64_t> sampled_requests{0};
  std::atomic<std::uint64_t> shed_requests{0};
  std::atomic<std::uint64_t> challenger_errors{0};
};

}  // namespace podium::v1
