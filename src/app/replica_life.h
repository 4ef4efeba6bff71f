// The server's part as one of the replicas that share a registry: it tells how it stands, and hears
// what the others change and want.
#pragma once

#include <atomic>
#include <functional>
#include <optional>

#include "app/trouble.h"
#include "base/clock.h"
#include "base/task.h"
#include "base/worker_pool.h"
#include "control/publish/publisher.h"
#include "control/replicas/change_follower.h"
#include "control/replicas/replica_reporter.h"
#include "store/own_place.h"
#include "store/replica_store.h"
#include "store/sql_store.h"

namespace podium::app {

/// Threads: ReportSoon from any; Beat on its group's executor; all else on the one that starts and
/// stops the server.
class ReplicaLife {
 public:
  struct Parts {
    store::SqlStore& store;
    control::Publisher& publisher;
    store::OwnPlace& place;
    const Clock& clock;
    WorkerPool& publish;
  };

  /// What is referred to outlives this. `moved`: the registry may have changed; called on the
  /// thread that waits for that.
  ReplicaLife(Parts parts, std::function<void()> moved);

  /// Joins the others, and is known to them when it returns.
  void Join(const store::ReplicaIdentity& self);
  /// There is something new to tell. What is queued already tells it.
  void ReportSoon();
  /// Reports at each heartbeat, until it is cancelled.
  Task<void> Beat();

  /// No changes are heard from now on.
  void StopListening();
  /// The others wait for it no more. What is queued by now says nothing: this waits for the report
  /// that is under way and for the one that ends it all, at most.
  void Leave();

 private:
  void Moved();

  const Parts parts_;
  const std::function<void()> moved_;
  std::atomic<bool> report_queued_{false};
  std::atomic<bool> poll_queued_{false};
  std::atomic<bool> look_queued_{false};
  std::atomic<bool> leaving_{false};  // Of `thread_`: no more reports.
  Trouble report_trouble_{"other replicas are not told how this one stands",
                          "other replicas are told again how this one stands"};
  Trouble look_trouble_{"this replica does not hear what the others want to be loaded",
                        "this replica hears again what the others want to be loaded"};
  WorkerPool thread_;
  std::optional<control::ReplicaReporter> reporter_;  // From Join on; of `thread_` only.
  std::optional<control::ChangeFollower> follower_;
};

}  // namespace podium::app
