// Brings routes to what their registered models say, one step at a time, for as long as the server
// runs.
//
// Level-triggered: each look reads what is, asks PlanFollow for the next step and has it carried
// out on the path of the admin API's own verbs. Several replicas may do so at once: the steps are
// pinned to what they were planned on, and who comes second looks again.
#pragma once

#include <atomic>
#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/limits.h"
#include "base/rng.h"
#include "base/task.h"
#include "base/worker_pool.h"
#include "control/follow/follow_board.h"
#include "control/follow/follow_judge.h"
#include "control/follow/follow_plan.h"
#include "control/follow/follow_reading.h"
#include "control/follow/source_finder.h"
#include "rollout/epoch_plan.h"
#include "store/model_store.h"
#include "store/registry_store.h"
#include "view/follow_port.h"
#include "view/publish_port.h"

namespace podium::control {

struct FollowerOptions {
  /// This server, as the audit trail names it where no caller did: "mlflow:<server>".
  std::string server = "local";
  /// Whether that counts as a named person, who may force a signature.
  bool trust = false;
  /// Between two looks at everything, give or take a tenth. What changes is seen sooner.
  std::chrono::nanoseconds poll_interval = std::chrono::seconds(30);
  std::filesystem::path artifact_folder;  ///< Where uploads go.
  std::uint64_t max_artifact_bytes = limits::kMaxArtifactBytes;
};

/// How steps reach the rest of the control plane. Tasks run on the executor of whoever looks.
struct FollowerPorts {
  /// As a verb of the admin API: rehearsed, made ready, committed, published.
  std::function<Task<Result<store::Committed>>(store::Mutation, store::MutationContext)> carry_out;
  /// Returns once the version is loaded here and on every live replica. The handles keep it so.
  std::function<Task<Result<std::vector<ModelHandle>>>(ModelVersion)> load;
  /// Has a task run on the follower's executor, where it is called, until its end.
  std::function<void(Task<void>)> spawn;
  /// What this replica knows of a primary that a champion is compared with. Empty: nothing.
  std::function<rollout::EpochBaseline(const ModelId& primary)> baseline = {};
};

/// What the follower works with and on. Blocking work goes to `reads`, copies of files to `files`.
struct FollowerWorld {
  store::RegistryStore& store;
  store::ModelStore& models;
  store::RolloutStore& rollouts;
  const runtime::ArtifactTree& artifacts;
  view::PublishPort& publisher;
  const Clock& clock;
  Rng& rng;
  WorkerPool& reads;
  WorkerPool& files;
};

/// Threads: StandingOf, Judge and NextPause from any thread (Judge blocks); Look on any executor;
/// Survey on one executor only, the follower's.
class Follower final : public view::FollowPort {
 public:
  /// What `world` refers to outlives this.
  Follower(const FollowerWorld& world, StatusOfVersion status_of, FollowerPorts ports,
           FollowerOptions options);

  std::optional<view::FollowStanding> StandingOf(const RouteName& route) const override {
    return board_.StandingOf(route);
  }
  Task<Result<view::FollowStanding>> Look(RouteName route, view::FollowCaller caller) override;

  /// FollowJudge::Judge.
  Status Judge(const store::ModelMutation& mutation) const { return judge_.Judge(mutation); }

  /// Finds the routes that have to be looked at, since they or a registered model changed (`all`:
  /// whatever changed), and has them pursued. Returns when those looks are on their way.
  Task<void> Survey(bool all);
  /// From any thread: no further step is begun, by nobody who looks.
  void End() { ending_ = true; }
  /// Until the next Survey(true).
  std::chrono::nanoseconds NextPause();

  /// Looks under way at once.
  static constexpr std::size_t kLanes = 4;

 private:
  /// What a look at a route went by.
  struct Seen {
    Revision route;
    std::int64_t audit = 0;  ///< Number of the newest row of the models' trail.
    bool operator==(const Seen&) const = default;
  };
  /// A step with the words and the rights that it is taken with.
  struct Errand {
    store::MutationContext context;
    bool may_force = false;  ///< In the name of `forced_by`.
    std::string forced_by;
  };
  /// How a route stood at the end of a look, and the revision that the last reading had.
  struct Looked {
    view::FollowStanding standing;
    Revision revision;
  };
  using Caller = std::optional<view::FollowCaller>;
  /// What one pursuit has loaded: it stays so until a step has made it live.
  using Warm = std::map<ModelId, std::vector<ModelHandle>>;

  Task<void> Lane();
  std::optional<RouteName> NextDue();
  Task<Result<Looked>> Pursue(RouteName route, Caller caller);
  Task<Status> Take(const FollowReading& reading, FollowStep step, const Caller& caller,
                    Warm& warm);
  Task<Status> Load(ModelVersion row, Warm& warm);
  Task<Status> RegisterAnew(const FollowReading& reading, FollowStep step, Errand errand);
  Task<Status> CarryOut(store::Mutation mutation, Errand errand);
  store::Mutation MutationOf(const FollowReading& reading, const FollowStep& step) const;
  store::Mutation StartOf(const FollowReading& reading, const FollowStep& step) const;
  Errand ErrandFor(const FollowReading& reading, const FollowStep& step,
                   const Caller& caller) const;
  std::optional<store::ModelAudit> WhoMovedIt(const std::string& model, std::int64_t number) const;
  bool IsReady(const ModelVersion& row) const;
  Result<std::int64_t> NewestAudit() const;

  store::RegistryStore& store_;
  store::ModelStore& models_;
  store::RolloutStore& rollouts_;
  view::PublishPort& publisher_;
  const Clock& clock_;
  Rng& rng_;
  WorkerPool& reads_;
  WorkerPool& files_;
  const StatusOfVersion status_of_;
  const FollowerPorts ports_;
  const FollowerOptions options_;
  const SourceFinder finder_;
  FollowBoard board_;
  std::atomic<bool> ending_{false};
  const FollowJudge judge_;

  // Of the follower's executor only.
  std::map<RouteName, Seen> seen_;
  std::map<RouteName, Seen> due_;
  std::set<RouteName> busy_;
  std::size_t lanes_ = 0;
};

}  // namespace podium::control
