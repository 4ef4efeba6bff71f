// Waits for the registry to change, on a thread of its own, and says so.
#pragma once

#include <atomic>
#include <functional>
#include <memory>

#include "base/worker_pool.h"
#include "store/change_watch.h"

namespace podium::control {

/// Threads: Stop on any. `moved` is called on this one's own thread and does not block for long.
class ChangeFollower {
 public:
  ChangeFollower(std::unique_ptr<store::ChangeWatch> watch, std::function<void()> moved);
  ~ChangeFollower();  ///< Stops.
  ChangeFollower(const ChangeFollower&) = delete;
  ChangeFollower& operator=(const ChangeFollower&) = delete;

  void Start();
  void Stop();  ///< Returns once `moved` will not be called any more. Idempotent.

 private:
  void Follow();

  const std::unique_ptr<store::ChangeWatch> watch_;
  const std::function<void()> moved_;
  std::atomic<bool> stopping_{false};
  WorkerPool thread_{"change-watch", 1, 1};
};

}  // namespace podium::control
