// The server's part that has routes follow registered models: the follower with what it needs, and
// what wakes it.
#pragma once

#include <atomic>
#include <functional>
#include <string>
#include <vector>

#include "app/settings.h"
#include "base/task.h"
#include "control/admin/context.h"
#include "control/follow/follower.h"
#include "control/mlflow/context.h"

namespace podium::app {

/// Threads: Wake and hook from any; Start and End on the follower's thread.
class Following {
 public:
  /// Runs a job on the follower's thread soon.
  using Post = std::function<void(std::function<void()>)>;

  struct Parts {
    store::RegistryStore& store;
    store::ModelStore& models;
    store::RolloutStore& rollouts;
    view::PublishPort& publisher;
    const Clock& clock;
    Rng& rng;
    runtime::ModelRuntime& runtime;
    control::ControlPools& pools;
  };

  /// What is referred to outlives this; `admin` is first used once a step is carried out.
  Following(const Settings& settings, const std::string& server, const Parts& parts,
            const control::AdminContext& admin, Post post);

  view::FollowPort& port() { return follower_; }
  /// What MLflow's API asks before a change, and tells behind it.
  control::RegistryHook hook();
  /// A route, or a registered model, may have changed.
  void Wake();

  /// Begins to look. `group` outlives End.
  void Start(TaskGroup& group);
  void End();  ///< Begins nothing new.

 private:
  Task<void> Poll();
  Task<Result<store::Committed>> CarryOut(store::Mutation mutation, store::MutationContext context);
  control::FollowerPorts Ports();

  const control::AdminContext& admin_;
  const Post post_;
  const runtime::ArtifactTree artifacts_;
  control::Follower follower_;
  std::atomic<bool> woken_{false};
  TaskGroup* group_ = nullptr;  // Null: not begun yet, or ended. Of the follower's thread.
};

}  // namespace podium::app
