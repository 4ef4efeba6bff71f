// The server's part that runs rollouts: what counts, who brings the counts to the registry, who
// drives.
#pragma once

#include <atomic>
#include <functional>
#include <string>

#include "app/trouble.h"
#include "base/task.h"
#include "base/worker_pool.h"
#include "control/admin/context.h"
#include "control/rollouts/evidence_sender.h"
#include "control/rollouts/left_evidence.h"
#include "control/rollouts/rollout_driver.h"
#include "view/publish_port.h"
#include "view/rollout_tally.h"

namespace podium::app {

/// Threads: Wake from any; Start and End on the driver's thread; SendLast once that one and all
/// callers are done.
class Rollouts {
 public:
  /// Runs a job on the driver's thread soon.
  using Post = std::function<void(std::function<void()>)>;

  struct Parts {
    store::RolloutStore& store;
    view::PublishPort& publisher;
    view::RolloutTallies& tallies;
    const Clock& clock;
    control::ControlPools& pools;
    std::string evidence_root;  ///< Where replicas keep what they count.
    /// Whether calls to this upstream model are held back here. Any thread.
    std::function<bool(const std::string& provider, const std::string& model)> is_broken;
  };

  /// What is referred to outlives this; `admin` is first used once a move is carried out.
  /// `incarnation` names this life of the replica.
  Rollouts(Parts parts, const std::string& incarnation, const control::AdminContext& admin,
           Post post);

  const view::RolloutPort& port() const { return driver_; }
  /// A rollout may have begun, or moved.
  void Wake();

  /// Begins to look and to send. `group` outlives End.
  void Start(TaskGroup& group);
  void End();  ///< Begins nothing new.
  /// The last word of an orderly end: what was counted, and that others may drive. Blocks.
  void SendLast();

 private:
  Task<void> KeepSending();
  Task<void> KeepDriving();
  Task<Result<store::Committed>> CarryOut(store::Mutation mutation, store::MutationContext context);
  control::DriverPorts Ports();
  std::vector<RolloutMark> LiveMarks() const;
  bool IsBroken(const Rollout& rollout) const;
  Status SendAll();

  const Parts parts_;
  const control::AdminContext& admin_;
  const Post post_;
  WorkerPool writes_{"evidence", 1, 4};
  control::EvidenceSender sender_;
  control::LeftEvidence left_;
  control::RolloutDriver driver_;
  // The first of the driver's thread, the others of the thread that sends.
  Trouble sending_{"evidence of rollouts waits here: the registry does not take it",
                   "evidence of rollouts is stored again"};
  Trouble sending_left_{"evidence that other replicas have left is not stored: tried again shortly",
                        "evidence that other replicas have left is stored again"};
  Trouble room_{"evidence of rollouts finds no room on the disk: a crash takes what was not sent",
                "evidence of rollouts has room on the disk again"};
  std::atomic<bool> woken_{false};
  TaskGroup* group_ = nullptr;  // Null: not begun yet, or ended. Of the driver's thread.
};

}  // namespace podium::app
