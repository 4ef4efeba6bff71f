// The prediction log as the server has it: what the cores log into, the thread that writes it, and
// the tasks that bring it to the index and let old parts of it go.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "app/prediction_settings.h"
#include "base/clock.h"
#include "base/exposition.h"
#include "base/result.h"
#include "base/rng.h"
#include "base/task.h"
#include "base/worker_pool.h"
#include "control/analytics/prediction_projector.h"
#include "predictions/prediction_log.h"
#include "store/prediction_store.h"

namespace podium::app {

/// Threads: Start and Stop on one; the tasks on the group's executor; WriteMetrics anywhere.
class PredictionLogging {
 public:
  /// `writer`: where the store's changes are made. All references outlive it.
  PredictionLogging(const PredictionSettings& settings, std::string folder,
                    const std::string& replica, std::size_t cores, store::PredictionStore& store,
                    WorkerPool& writer, const Clock& clock, Rng& rng);

  /// By core; empty when no route is logged.
  std::vector<predictions::CoreLog*> ByCore() const;
  const std::string& folder() const { return log_.options().folder; }

  void Start(TaskGroup& ticking);
  /// Writes and indexes what there is. REQUIRES: the tasks have ended, and no core logs any more.
  void Stop();

  /// A slice of what retention says; how many rows went. Blocks on the store.
  Result<std::size_t> DropSome(WallTime now);
  void WriteMetrics(Exposition& out) const;

 private:
  Task<void> WriteLog();
  Task<void> Index();
  Task<void> RetainSegments();
  Status IndexSome();

  const std::chrono::seconds retention_;
  const bool logs_;
  std::vector<predictions::CoreLog*> by_core_;
  store::PredictionStore& store_;
  WorkerPool& writer_;
  const Clock& clock_;
  predictions::PredictionLog log_;
  control::PredictionProjector projector_;
  std::atomic<bool> recovered_{false};
  WorkerPool files_;
};

}  // namespace podium::app
