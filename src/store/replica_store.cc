#include "store/replica_store.h"

#include "base/limits.h"

namespace podium::store {

bool IsLive(const ReplicaRow& replica) { return replica.silence <= limits::kReplicaExpiry; }

bool IsLive(const ReplicaRow& replica, std::chrono::nanoseconds asker_writes_for) {
  return IsLive(replica) || asker_writes_for < limits::kReplicaExpiry;
}

}  // namespace podium::store
