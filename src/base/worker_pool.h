// A few threads behind a bounded queue: the home of blocking work (SQLite, model loads, long
// inference), so that I/O cores never wait.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/result.h"
#include "base/thread_priority.h"

namespace podium {

/// Threads: all methods may be called from any thread, except Stop, which one thread calls once.
class WorkerPool {
 public:
  /// `queue_limit` bounds the jobs that wait; running ones are not counted. With `threads` 0 jobs
  /// wait until the owner runs them (RunNext): a simulation decides when, and in which order.
  /// `priority`: kLive where callers wait for the jobs.
  WorkerPool(std::string name, int threads, std::size_t queue_limit,
             ThreadPriority priority = ThreadPriority::kBehind);
  ~WorkerPool();  ///< Stops.
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  /// Runs `job` soon. kLimited when the queue is full, kUnavailable after Stop; then `job` will
  /// never run. Jobs must not throw.
  Status Submit(std::function<void()> job);
  /// Runs the job at `position` of the queue on the calling thread; false when there is none.
  bool RunNext(std::size_t position = 0);
  /// Refuses new jobs, runs what is queued (without threads: here), joins. Idempotent.
  void Stop();
  std::size_t queued() const;

 private:
  void Work();

  const std::string name_;
  const std::size_t queue_limit_;
  const ThreadPriority priority_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> queue_;  // Protected by mutex_.
  bool stopping_ = false;                    // Protected by mutex_.
  std::vector<std::thread> threads_;
};

}  // namespace podium
