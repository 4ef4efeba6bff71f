// Shares the inference pool out between models, so that one that hangs holds up none but itself.
//
// Every model has a lane: its calls start in order of arrival, at most `at_once` at a time. So many
// run at once in all, too; but one that has run for kLongRun counts no longer, and another model's
// call may start on a spare thread of the pool.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <mutex>

#include "base/clock.h"
#include "base/result.h"
#include "base/worker_pool.h"

namespace podium::gateway {

/// Threads: any.
class InferenceLanes {
 public:
  static constexpr std::chrono::milliseconds kLongRun{250};

  struct Options {
    int at_once = 2;            ///< Calls that run, in all and of one model.
    int spare = 0;              ///< As many more, while others take long. The pool has the threads.
    std::size_t waiting = 256;  ///< Calls of one model that wait; one more is refused.
  };
  /// REQUIRES: `pool` has a queue of at_once + spare or more. It is stopped before the lanes end;
  /// what waits then is run as ever.
  InferenceLanes(WorkerPool& pool, const Clock& clock, Options options)
      : pool_(pool), clock_(clock), options_(options) {}

  /// Where the calls of one model go, for RunOn.
  class Lane {
   public:
    Lane(InferenceLanes& lanes, const void* model) : lanes_(lanes), model_(model) {}
    Status Submit(std::function<void()> job) { return lanes_.Submit(model_, std::move(job)); }

   private:
    InferenceLanes& lanes_;
    const void* model_;
  };
  /// Runs `job` soon. kLimited when the lane is full, kUnavailable when the pool has stopped.
  Status Submit(const void* model, std::function<void()> job);
  /// Starts what may start since others have run long. To be called every now and then.
  void Relieve();
  std::size_t waiting() const { return waiting_now_.load(std::memory_order_relaxed); }

 private:
  using Job = std::function<void()>;
  struct Queue {
    std::deque<Job> waiting;
    int running = 0;
  };
  struct Running {
    const void* model = nullptr;
    SteadyTime since;
    bool counted = true;
  };

  using Lanes = std::map<const void*, Queue>;

  void Start();  // REQUIRES: the lock, as the next two.
  Lanes::iterator NextLane();
  Job TakeLeftOver();
  void Run(std::uint64_t number, Job job);

  WorkerPool& pool_;
  const Clock& clock_;
  const Options options_;
  mutable std::mutex mutex_;
  Lanes lanes_;                               // Protected by mutex_, as all below.
  std::map<std::uint64_t, Running> running_;  // By number, so the longest first.
  std::uint64_t last_number_ = 0;
  std::atomic<std::size_t> waiting_now_{0};  // Written under mutex_, read without.
  int counted_ = 0;
  const void* last_lane_ = nullptr;  // The turn goes round.
  bool stopped_ = false;             // The pool takes no more.
};

}  // namespace podium::gateway
