// The I/O cores: one thread with one event loop each, nothing shared between them.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <vector>

#include "base/task.h"

namespace podium::net {

/// Threads: Post, Run and executor from anywhere; Stop from one thread outside the pool.
class CorePool {
 public:
  explicit CorePool(std::size_t cores);
  ~CorePool();  ///< Stops.
  CorePool(const CorePool&) = delete;
  CorePool& operator=(const CorePool&) = delete;

  std::size_t size() const { return cores_.size(); }
  Executor executor(std::size_t core) const;
  /// Runs `job` on that core soon. Jobs must not throw.
  void Post(std::size_t core, std::function<void()> job);
  /// Runs `job` on that core and returns once it is done. REQUIRES: not called on a core.
  void Run(std::size_t core, const std::function<void()>& job);
  /// Ends the loops once they have nothing queued and joins the threads. Idempotent.
  /// REQUIRES: whatever lives on the cores has been drained.
  void Stop();

 private:
  struct Core;
  std::vector<std::unique_ptr<Core>> cores_;
};

}  // namespace podium::net
