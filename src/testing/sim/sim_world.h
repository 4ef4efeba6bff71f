// Control and gateway in one thread on virtual time, among all the trouble that can be had.
//
// The parts are the real ones. Whatever would run on a thread waits in a pool without threads until
// the dice pick it; whatever would block (a load, a slow store, a core that takes its time) calls
// Meanwhile, which lets the rest of the world go on from within. One seed is one story.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/task.h"
#include "net/memory_exchange.h"
#include "store/memory_store.h"
#include "store/sqlite_store.h"
#include "testing/faulty_store.h"
#include "testing/sim/dice.h"
#include "testing/sim/sim_checks.h"
#include "testing/sim/sim_faults.h"
#include "testing/sim/sim_loader.h"
#include "testing/sim/sim_process.h"
#include "testing/sim/sim_rollout_store.h"
#include "testing/sim/sim_rollouts.h"
#include "testing/sim/sim_trace.h"
#include "testing/sim/watched_store.h"
#include "testing/sim_clock.h"
#include "testing/temp_dir.h"

namespace podium::testing {

enum class SimStore : std::uint8_t { kMemory, kSqlite };

struct SimOptions {
  std::uint64_t seed = 1;
  SimStore store = SimStore::kMemory;
  int steps = 500;
};

struct SimReport {
  std::string failure;  ///< Empty when every invariant held; else what, where and the last events.
  std::uint64_t hash = 0;  ///< Of the whole trace.
  std::uint64_t steps = 0;
  std::uint64_t answered = 0;                        ///< Predictions that got 200.
  std::map<PromotionKind, std::uint64_t> committed;  ///< Mutations of the server's own, by kind.
  FaultCounts faults;
  RolloutCounts rollouts;
};

/// Threads: one; a world is used once.
class SimWorld {
 public:
  explicit SimWorld(const SimOptions& options);
  ~SimWorld();
  SimWorld(const SimWorld&) = delete;
  SimWorld& operator=(const SimWorld&) = delete;

  SimReport Run();

 private:
  static constexpr int kArtifacts = 5;  ///< Files that versions are registered with.
  enum Action : std::uint8_t {
    kWork,  ///< Something that is due: a job of a pool, a load, a coroutine.
    kPredict,
    kVerb,
    kTime,
    kForeign,
    kCrash,
    kRestart,
    kStoreDown,
    kStoreUp,
    kEmptyTable,
    kSpoilRow,
    kLoaderTurns,
    kWallJumps,
    kCountElsewhere,
    kDriveElsewhere,
    kActions,
  };
  /// How often a store call of this seed goes wrong, in percent.
  struct StoreOdds {
    int commit_fails = 0;
    int answer_lost = 0;
    int read_fails = 0;
    int slow = 0;
  };
  /// The threads that a pool would have: how many of its jobs may be under way at once.
  struct Lane {
    WorkerPool* pool;  ///< Null: the runtime's loads.
    int width;
    int busy = 0;
  };

  // sim_world.cc: the machine, and what goes on in it.
  void TellOfRollouts();
  void OpenStore();
  void Boot();
  void Bury();
  void ShutDown();
  void Settle();
  std::vector<Lane> LanesOf(SimProcess& process) const;
  bool RunLane(std::size_t index);
  bool Resume();
  bool WorkOnce();
  void Meanwhile();
  void Step();
  void Act(Action action);
  void PassTime(std::chrono::nanoseconds time);
  void Tick();
  void ReadinessChanged();
  void PostToCore(std::size_t core, const std::function<void()>& job);
  bool Loading(std::chrono::milliseconds time);
  std::optional<Error> StoreFault(StoreCall call, Moment moment);
  void CommitSeen(const store::Mutation& mutation, const store::Committed& committed, bool by_verb);
  void TickRollouts();
  void BendTable(store::TableDelta& delta);
  bool stopped() const { return dead_ || !checks_.failure().empty(); }

  // sim_callers.cc: who asks what.
  void Predict();
  void AnswerPrediction(const SimPrediction& call, const net::Response& response);
  Task<void> CarryPrediction(std::shared_ptr<net::MemoryExchange> exchange, SimPrediction call);
  void StartVerb();
  Task<void> CarryVerb(std::shared_ptr<net::MemoryExchange> exchange, SimVerb verb);
  SimVerb DrawVerb();
  SimVerb DrawRegistration(const RouteName& route);
  SimVerb DrawCanary(const PlainRoute& route);
  SimVerb DrawArms(const PlainRoute& route);
  SimVerb OnVersion(PromotionKind kind, const PlainRoute& route, std::string_view verb);
  SimVerb OnRoute(PromotionKind kind, const RouteName& route, std::string_view method,
                  std::string_view what);
  void DrawIfMatch(SimVerb& verb, const PlainRoute& route);
  ModelId AnyVersion(const PlainRoute& route);
  ModelId Candidate(const PlainRoute& route);
  void WriteAsAnotherProcess();

  // sim_rollout_callers.cc: rollouts, and the other replicas that have part in them.
  SimVerb DrawRollout(const PlainRoute& route);
  SimVerb DrawRolloutVerb(const PlainRoute& route);
  void CountElsewhere();
  void DriveElsewhere();
  std::optional<RolloutMark> AnyMark();

  // sim_end.cc: when the trouble ends, everything comes right.
  void EndsWell();
  std::string WhatIsMissing();

  const SimOptions options_;
  Dice dice_;
  SeededRng rng_;  ///< The product's own.
  TempDir directory_;
  SimClock clock_;
  FaultCounts faults_;
  SimTrace trace_;
  std::map<int, ArtifactFate> fates_;
  std::array<int, kActions> weights_{};
  std::vector<int> verb_weights_;
  StoreOdds odds_;
  std::size_t cores_;

  store::MemoryStore memory_;
  std::unique_ptr<store::SqliteStore> file_;      ///< The process's own handle.
  std::unique_ptr<store::SqliteStore> outsider_;  ///< Another process's, which outlives crashes.
  store::RegistryStore* raw_ = nullptr;           ///< Behind all faults.
  std::unique_ptr<WatchedStore> watched_;
  std::unique_ptr<FaultyStore> store_;
  store::RolloutStore* raw_rollouts_ = nullptr;
  std::unique_ptr<SimRolloutStore> rollouts_;

  RowHistory rows_;
  BadRows bad_;
  std::set<ModelId> delivered_;       ///< Rows that this life has read.
  std::optional<RouteName> twin_of_;  ///< The route that shows a second primary.
  bool spoil_next_ = false;
  bool store_down_ = false;
  bool table_empty_ = false;
  SimChecks checks_{rows_, bad_};
  RolloutChecks rollout_checks_{rows_, [this](std::string what) { checks_.Fail(std::move(what)); }};

  boost::asio::io_context io_{1};
  std::unique_ptr<SimProcess> process_;
  std::vector<Lane> lanes_;
  bool dead_ = false;   ///< Power is off: nothing reaches the store or a caller any more.
  bool quiet_ = false;  ///< Nothing new begins: what is under way comes to its end.
  bool publishing_ = false;
  bool about_rollouts_ = false;
  int depth_ = 0;
  int life_ = 0;
  int next_name_ = 0;
  SimReport report_;
};

}  // namespace podium::testing
