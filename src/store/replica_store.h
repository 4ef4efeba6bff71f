// The port to who serves from this registry, and what each of them can serve. Neither audit nor
// routing input: beats and reports take no revision and reach no core.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "domain/ids.h"
#include "domain/model.h"

namespace podium::store {

/// One process that serves.
struct ReplicaIdentity {
  std::string id;           ///< Kept through restarts.
  std::string incarnation;  ///< New at each start.
  std::string address;      ///< Where it listens, for people.
  std::string build;
  bool operator==(const ReplicaIdentity&) const = default;
};

/// What one replica can do with one version. Only kReady and kFailed are reported: a version
/// without a report is not loaded there, or not yet.
struct ReplicaVersion {
  ModelId id;
  LoadState state = LoadState::kReady;
  std::string error;  ///< Of a failed load.
  bool operator==(const ReplicaVersion&) const = default;
};

/// What a replica tells at each beat. REQUIRES: at most limits::kReplicaReportBatch of each list.
struct ReplicaBeat {
  ReplicaIdentity self;
  Generation applied;                    ///< Every core of it has this one.
  std::vector<ReplicaVersion> reported;  ///< Those that have changed.
  std::vector<ModelId> withdrawn;        ///< Those that are neither ready nor failed any more.
  std::int64_t ready = 0;                ///< Of all its versions, those that have not changed too.
  std::int64_t failed = 0;
};

/// A row of `replicas`.
struct ReplicaRow {
  ReplicaIdentity self;
  Generation applied;
  WallTime joined_at;
  WallTime heartbeat_at;
  std::chrono::microseconds silence{0};  ///< Since then, by the database's clock; 0 at least.
  std::int64_t ready = 0;                ///< Versions that it reports ready.
  std::int64_t failed = 0;
};

/// What one replica says of one version.
struct ReplicaReadiness {
  ReplicaRow replica;
  std::optional<ReplicaVersion> version;  ///< nullopt: not loaded there, or not yet.
};

/// Threads: all methods from any thread. A busy database is waited for, as in RegistryStore.
/// All times are the database's.
class ReplicaStore {
 public:
  virtual ~ReplicaStore() = default;

  /// This incarnation serves from now on; what an earlier one of the same id has reported is gone,
  /// and so are replicas that have been silent for limits::kReplicaForgotten.
  virtual Status Join(const ReplicaIdentity& self) = 0;
  /// One transaction. False when this incarnation is not in the table: it was forgotten, or another
  /// one has taken its id; then nothing is written, and it has to Join and report all again.
  virtual Result<bool> Beat(const ReplicaBeat& beat) = 0;
  /// Nothing happens when another incarnation has the id by now.
  virtual Status Leave(const ReplicaIdentity& self) = 0;

  virtual Result<std::vector<ReplicaRow>> ReadReplicas() = 0;  ///< By id.
  /// What each replica says of that version, by replica.
  virtual Result<std::vector<ReplicaReadiness>> ReadReadiness(const ModelId& id) = 0;
  /// Failed versions of one replica, by model id, limits::kPageMax at most.
  virtual Result<std::vector<ReplicaVersion>> ReadFailed(const std::string& replica) = 0;

  /// Every replica shall load that version, though nothing routes to it yet: a verb waits for it.
  /// Forgotten after `patience`; asking again prolongs it.
  virtual Status Want(const ModelId& id, std::chrono::milliseconds patience) = 0;
  /// What is wanted now, by id.
  virtual Result<std::vector<ModelId>> ReadWanted() = 0;
};

/// Heard from within limits::kReplicaExpiry.
bool IsLive(const ReplicaRow& replica);
/// Changes wait for it. Silence counts only once the asker has itself been able to beat for
/// limits::kReplicaExpiry (`asker_writes_for`): a database that was down has silenced everybody,
/// and who comes back first must not take the others for dead.
bool IsLive(const ReplicaRow& replica, std::chrono::nanoseconds asker_writes_for);

}  // namespace podium::store
