// The bounded pools on which control does its blocking work, one per kind of waiting, so that slow
// loads never hold up a rollback and a locked database never holds up a look at it.
#pragma once

#include "base/limits.h"
#include "base/worker_pool.h"

namespace podium::control {

struct ControlPools {
  static constexpr int kReadThreads = limits::kControlThreads;
  static constexpr int kLoadThreads = limits::kControlThreads * 2;

  /// Without `threads` each pool's jobs wait for WorkerPool::RunNext: a simulation runs them.
  explicit ControlPools(bool threads = true)
      : reads("control-read", threads ? kReadThreads : 0, limits::kControlQueue),
        loads("control-load", threads ? kLoadThreads : 0, limits::kControlQueue),
        writer("control-write", threads ? 1 : 0, limits::kControlQueue),
        publish("control-publish", threads ? 1 : 0, limits::kControlQueue),
        files("control-file", threads ? 1 : 0, limits::kControlQueue) {}

  WorkerPool reads;
  WorkerPool loads;
  WorkerPool writer;  ///< One writer, in order of arrival.
  WorkerPool publish;
  WorkerPool files;  ///< Artifact uploads.

  /// Refuses new work and finishes what is queued.
  void Stop() {
    loads.Stop();
    writer.Stop();
    reads.Stop();
    files.Stop();
    publish.Stop();
  }
};

}  // namespace podium::control
