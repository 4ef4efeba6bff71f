// Drives the rollouts that run: looks at each, and has the next move carried out.
//
// Level-triggered: each look reads what is and decides anew, so a driver that died is replaced by
// whoever takes its lease. Of two that both believe to drive, the store takes the moves of one: a
// move is pinned to the lease's token and to the revision that it was decided on.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <limits>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "base/task.h"
#include "base/worker_pool.h"
#include "control/rollouts/evidence_assembly.h"
#include "control/rollouts/rollout_tick.h"
#include "store/mutation.h"
#include "store/rollout_store.h"
#include "view/rollout_port.h"

namespace podium::control {

/// A lease; its holder acts for half of it, by its own steady clock, and then asks again.
inline constexpr std::chrono::milliseconds kRolloutLease{10'000};
/// Between two looks that are stored, unless the decision is another.
inline constexpr std::chrono::seconds kKeepLookEvery{5};
/// A candidate whose breaker does not close for so long is stopped: no evidence comes from it.
inline constexpr std::chrono::seconds kBrokenFor{30};
/// Two looks further apart do not tell that it stayed open in between.
inline constexpr std::chrono::seconds kBrokenSeen{15};
/// Until a step up that failed is tried again. What takes traffic away is tried at each look.
inline constexpr std::chrono::seconds kStepUpRetry{10};

/// How moves reach the rest of the control plane, and what it knows beside the store.
struct DriverPorts {
  /// As a verb of the admin API: rehearsed, made ready, committed, published.
  std::function<Task<Result<store::Committed>>(store::Mutation, store::MutationContext)> carry_out;
  /// Has a task run on the driver's executor, where it is called, until its end.
  std::function<void(Task<void>)> spawn;
  /// What this replica knows of a primary. Any thread.
  std::function<rollout::EpochBaseline(const ModelId& primary)> baseline;
  /// Whether the candidate's calls are held back here by a circuit breaker. Any thread.
  std::function<bool(const Rollout& rollout)> is_broken;
};

/// What the driver works with. Blocking work goes to the pools.
struct DriverWorld {
  store::RolloutStore& store;
  const Clock& clock;
  WorkerPool& reads;
  WorkerPool& writer;
};

/// Threads: Standings and StandingOf from any thread; Survey on one executor only; GiveUpLeases
/// once that one is done.
class RolloutDriver final : public view::RolloutPort {
 public:
  /// What `world` refers to outlives this. `owner` is this replica's incarnation.
  RolloutDriver(const DriverWorld& world, DriverPorts ports, std::string owner);

  std::vector<view::RolloutStanding> Standings() const override;
  std::optional<view::RolloutStanding> StandingOf(const RolloutId& id) const override;

  /// Finds the rollouts that run and has each looked at, if it is not being looked at already.
  /// Returns when those looks are on their way.
  Task<void> Survey();
  /// From any thread: no further look is begun.
  void End() { ending_ = true; }
  /// Blocks. Others need not wait for the leases to run out.
  void GiveUpLeases();

  /// Looks under way at once; of steps up that are made ready as many more.
  static constexpr std::size_t kLanes = 4;

 private:
  /// A lease and when it was asked for: it counts from then, whenever the answer came.
  struct Held {
    store::RolloutLease lease;
    SteadyTime since;
  };
  /// A breaker that was open at each look, the last one included.
  struct Broken {
    SteadyTime since;
    SteadyTime seen;
  };
  /// What this replica knows of one rollout beside the store.
  struct Known {
    std::optional<Held> held;
    LogPeak peak = -std::numeric_limits<double>::infinity();
    SteadyTime up_not_before{};
    std::optional<Broken> broken;
    std::optional<Revision> refused_at;  ///< The last move met a conflict there.
    /// A step up is being made ready, or carried out. Meanwhile it is looked at all the same, and
    /// what takes traffic away goes on.
    bool rising = false;
    ClosedEpochs closed;  ///< Of epochs that are over, as last read.
    std::optional<rollout::Evidence> kept;
    std::string kept_decision;
    SteadyTime kept_at{};
    std::string trouble;  ///< What kind of error is known; empty: none.
  };

  Task<Status> FindRunning();
  Task<void> Lane();
  std::optional<RolloutId> NextDue();
  Task<void> Drive(RolloutId id);
  Task<Result<bool>> HasLease(RolloutId id);
  Task<Result<bool>> TakeLease(RolloutId id);
  Task<Result<bool>> HoldsStill(RolloutId id);
  Task<Result<RolloutLook>> Look(RolloutId id);
  Task<Status> Act(RolloutLook look);
  void BeginRise(store::MoveRollout move, Known& known);
  Task<void> Rise(store::MoveRollout move);
  Status NoteOutcome(const store::MoveRollout& move, const Status& done);
  Task<Status> Carry(store::MoveRollout move);
  Task<Status> Keep(const RolloutLook& look);
  bool MayAct(const Known& known) const;
  std::string HarmOf(const Rollout& rollout, Known& known) const;
  Known& KnownOf(const RolloutId& id);
  void NoteRunning(const store::Page<Rollout>& running);
  void NoteUnread(const RolloutId& id);
  void NoteLook(const RolloutLook& look);
  void NoteDriver(const RolloutId& id, bool here);
  void NoteTrouble(const RolloutId& id, std::string_view what, const Error& error);
  void NoteWell(const RolloutId& id);

  store::RolloutStore& store_;
  const Clock& clock_;
  WorkerPool& reads_;
  WorkerPool& writer_;
  const DriverPorts ports_;
  const std::string owner_;
  std::atomic<bool> ending_{false};

  // Of the driver's executor only.
  std::map<RolloutId, Known> known_;
  std::set<RolloutId> due_;
  std::set<RolloutId> busy_;
  std::size_t lanes_ = 0;
  std::size_t rising_ = 0;
  bool finding_ = false;
  std::string find_trouble_;

  mutable std::mutex mutex_;
  std::map<RolloutId, view::RolloutStanding> standings_;  // Protected by mutex_.
};

}  // namespace podium::control
