#include "store/memory_replica_store.h"

#include <algorithm>

#include "base/assert.h"
#include "base/limits.h"

namespace podium::store {

// Never before the newest beat: a clock that was stepped back must not wake the dead.
// REQUIRES mutex_ held.
WallTime MemoryReplicaStore::Now() const {
  WallTime now = clock_.Now();
  for (const auto& [id, entry] : replicas_) now = std::max(now, entry.row.heartbeat_at);
  return now;
}

Status MemoryReplicaStore::Join(const ReplicaIdentity& self) {
  const std::lock_guard lock(mutex_);
  std::erase_if(replicas_, [this](const auto& entry) {
    return Seen(entry.second).silence >= limits::kReplicaForgotten;
  });
  Entry entry;
  entry.row.self = self;
  entry.row.joined_at = entry.row.heartbeat_at = Now();
  replicas_[self.id] = std::move(entry);
  return {};
}

MemoryReplicaStore::Entry* MemoryReplicaStore::Find(const ReplicaIdentity& self) {
  const auto found = replicas_.find(self.id);
  const bool ours =
      found != replicas_.end() && found->second.row.self.incarnation == self.incarnation;
  return ours ? &found->second : nullptr;
}

Result<bool> MemoryReplicaStore::Beat(const ReplicaBeat& beat) {
  PODIUM_ASSERT(beat.reported.size() <= limits::kReplicaReportBatch);
  PODIUM_ASSERT(beat.withdrawn.size() <= limits::kReplicaReportBatch);
  const std::lock_guard lock(mutex_);
  Entry* entry = Find(beat.self);
  if (entry == nullptr) return false;
  entry->row.self = beat.self;
  entry->row.applied = beat.applied;
  entry->row.ready = beat.ready;
  entry->row.failed = beat.failed;
  entry->row.heartbeat_at = Now();
  for (const ReplicaVersion& version : beat.reported) entry->versions[version.id] = version;
  for (const ModelId& id : beat.withdrawn) entry->versions.erase(id);
  return true;
}

Status MemoryReplicaStore::Leave(const ReplicaIdentity& self) {
  const std::lock_guard lock(mutex_);
  if (Find(self) != nullptr) replicas_.erase(self.id);
  return {};
}

// REQUIRES mutex_ held.
ReplicaRow MemoryReplicaStore::Seen(const Entry& entry) const {
  ReplicaRow row = entry.row;
  row.silence = Now() - row.heartbeat_at;
  return row;
}

Result<std::vector<ReplicaRow>> MemoryReplicaStore::ReadReplicas() {
  const std::lock_guard lock(mutex_);
  std::vector<ReplicaRow> rows;
  for (const auto& [id, entry] : replicas_) {
    rows.push_back(Seen(entry));
  }
  return rows;
}

Result<std::vector<ReplicaReadiness>> MemoryReplicaStore::ReadReadiness(const ModelId& id) {
  const std::lock_guard lock(mutex_);
  std::vector<ReplicaReadiness> all;
  for (const auto& [name, entry] : replicas_) {
    ReplicaReadiness one{Seen(entry), std::nullopt};
    if (const auto found = entry.versions.find(id); found != entry.versions.end()) {
      one.version = found->second;
    }
    all.push_back(std::move(one));
  }
  return all;
}

Result<std::vector<ReplicaVersion>> MemoryReplicaStore::ReadFailed(const std::string& replica) {
  const std::lock_guard lock(mutex_);
  std::vector<ReplicaVersion> failed;
  const auto found = replicas_.find(replica);
  if (found == replicas_.end()) return failed;
  for (const auto& [id, version] : found->second.versions) {
    if (version.state != LoadState::kFailed) continue;
    if (failed.size() == static_cast<std::size_t>(limits::kPageMax)) break;
    failed.push_back(version);
  }
  return failed;
}

Status MemoryReplicaStore::Want(const ModelId& id, std::chrono::milliseconds patience) {
  const std::lock_guard lock(mutex_);
  const WallTime now = clock_.Now();
  std::erase_if(wanted_, [&](const auto& one) { return one.second <= now; });
  WallTime& until = wanted_[id];
  until = std::max(until, now + patience);
  return {};
}

Result<std::vector<ModelId>> MemoryReplicaStore::ReadWanted() {
  const std::lock_guard lock(mutex_);
  std::vector<ModelId> ids;
  for (const auto& [id, until] : wanted_) {
    if (until > clock_.Now()) ids.push_back(id);
  }
  return ids;
}

}  // namespace podium::store
