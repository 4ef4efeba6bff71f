// The journal as the server has it: opened with the process, prepared and synced while calls write
// into it, and brought to the registry as cost events.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/exposition.h"
#include "base/rng.h"
#include "base/task.h"
#include "base/tick_thread.h"
#include "base/worker_pool.h"
#include "control/costs/cost_projector.h"
#include "journal/journal.h"
#include "store/cost_store.h"

namespace podium::app {

/// Threads: StartFiles and the ends on one; Start and the tasks on the group's executor;
/// WriteMetrics anywhere.
class CostRecording {
 public:
  /// `root`: the folder of the journals; without one, calls that cost money are refused and all
  /// others go on. `writer`: where the store's changes are made. All references outlive it.
  CostRecording(std::string root, std::size_t cores, store::CostStore& store, WorkerPool& writer,
                const Clock& clock, Rng& rng);

  /// Null when it could not be opened.
  journal::Journal* journal() const { return journal_.get(); }

  void StartFiles();
  void Start(TaskGroup& ticking);
  /// REQUIRES: the tasks have ended.
  void StopFiles();
  /// Stores what is left; what cannot be stored now waits in the journal for the next start.
  /// REQUIRES: nobody else writes to the store.
  void StoreLast();

  void WriteMetrics(Exposition& out) const;

 private:
  Task<void> Store();
  Status StoreSome();

  WorkerPool& writer_;
  const std::unique_ptr<journal::Journal> journal_;
  const std::unique_ptr<control::CostProjector> projector_;  // With the journal.
  WorkerPool files_;  // Saves how far the projector has come.
  std::optional<TickThread> making_room_;
  std::optional<TickThread> syncing_;
};

}  // namespace podium::app
