// The bounded pools on which control does its blocking work, one per kind of waiting, so that slow
// loads never hold up a rollback and a locked database never holds up a look at it.
#pragma once

#include "base/limits.h"
#include "base/worker_pool.h"

namespace podium::control {

struct ControlPools {
  WorkerPool reads{"control-read", limits::kControlThreads, limits::kControlQueue};
  WorkerPool loads{"control-load", limits::kControlThreads * 2, limits::kControlQueue};
  WorkerPool writer{"control-write", 1,
                    limits::kControlQueue};  ///< One writer, in order of arrival.
  WorkerPool publish{"control-publish", 1, limits::kControlQueue};
  WorkerPool files{"control-file", 1, limits::kControlQueue};  ///< Artifact uploads.

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
