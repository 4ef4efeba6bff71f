// Replicas in this process's memory: for tests.
#pragma once

#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "base/clock.h"
#include "store/replica_store.h"

namespace podium::store {

/// Threads: all methods from any thread; one lock over everything.
class MemoryReplicaStore final : public ReplicaStore {
 public:
  /// `clock` must outlive the store.
  explicit MemoryReplicaStore(const Clock& clock) : clock_(clock) {}

  Status Join(const ReplicaIdentity& self) override;
  Result<bool> Beat(const ReplicaBeat& beat) override;
  Status Leave(const ReplicaIdentity& self) override;
  Result<std::vector<ReplicaRow>> ReadReplicas() override;
  Result<std::vector<ReplicaReadiness>> ReadReadiness(const ModelId& id) override;
  Result<std::vector<ReplicaVersion>> ReadFailed(const std::string& replica) override;
  Status Want(const ModelId& id, std::chrono::milliseconds patience) override;
  Result<std::vector<ModelId>> ReadWanted() override;

 private:
  struct Entry {
    ReplicaRow row;
    std::map<ModelId, ReplicaVersion> versions;
  };
  WallTime Now() const;
  ReplicaRow Seen(const Entry& entry) const;
  Entry* Find(const ReplicaIdentity& self);

  const Clock& clock_;
  std::mutex mutex_;                       // Over all below.
  std::map<std::string, Entry> replicas_;  // By id.
  std::map<ModelId, WallTime> wanted_;     // Until when.
};

}  // namespace podium::store
