// MemoryStore as a RolloutStore: its lock around MemoryRollouts.
#include <limits>

#include "store/cursor.h"
#include "store/memory_store.h"

namespace podium::store {
namespace {

Failure NoSuchRollout(const RolloutId& id) {
  return Fail(ErrorCode::kNotFound, "there is no rollout {}", id.get());
}

}  // namespace

Result<Rollout> MemoryStore::FindRollout(const RolloutId& id) {
  const std::lock_guard lock(mutex_);
  const Rollout* rollout = rollouts_.Find(id);
  if (rollout == nullptr) return NoSuchRollout(id);
  return *rollout;
}

Result<Page<Rollout>> MemoryStore::ListRollouts(const RolloutQuery& query) {
  PODIUM_TRY(CheckPageLimit(query.limit));
  Revision before(std::numeric_limits<std::int64_t>::max());
  if (!query.cursor.empty()) {
    PODIUM_TRY_ASSIGN(before, DecodeRolloutCursor(query.cursor));
  }
  const std::lock_guard lock(mutex_);
  return rollouts_.List(query, before);
}

Result<std::optional<RolloutLease>> MemoryStore::TakeLease(const RolloutId& id,
                                                           const std::string& owner,
                                                           std::chrono::milliseconds duration) {
  const std::lock_guard lock(mutex_);
  if (rollouts_.Find(id) == nullptr) return NoSuchRollout(id);
  return rollouts_.TakeLease(id, owner, duration, clock_.Now());
}

Result<std::optional<RolloutLease>> MemoryStore::FindLease(const RolloutId& id) {
  const std::lock_guard lock(mutex_);
  return rollouts_.LeaseOf(id, clock_.Now());
}

Status MemoryStore::GiveUpLease(const RolloutId& id, const std::string& owner) {
  const std::lock_guard lock(mutex_);
  rollouts_.GiveUpLease(id, owner);
  return {};
}

Status MemoryStore::RecordEvidence(std::span<const RolloutCount> counts,
                                   std::span<const RolloutHit> hits) {
  const std::lock_guard lock(mutex_);
  for (const RolloutCount& count : counts) rollouts_.Record(count);
  for (const RolloutHit& hit : hits) rollouts_.Record(hit);
  return {};
}

Result<RolloutEvidence> MemoryStore::ReadEvidence(const RolloutId& id, const EpochVersions& known) {
  const std::lock_guard lock(mutex_);
  if (rollouts_.Find(id) == nullptr) return NoSuchRollout(id);
  return rollouts_.Evidence(id, known, clock_.Now());
}

Result<std::uint64_t> MemoryStore::CountHits(const RolloutId& id, std::uint32_t epoch,
                                             std::uint32_t series) {
  const std::lock_guard lock(mutex_);
  return rollouts_.CountHits(id, epoch, series);
}

Status MemoryStore::KeepLook(const RolloutVerdict& verdict, const LookPin& pin) {
  const std::lock_guard lock(mutex_);
  if (rollouts_.Find(verdict.rollout) == nullptr) return NoSuchRollout(verdict.rollout);
  PODIUM_TRY(rollouts_.CheckPin(verdict.rollout, pin));
  RolloutVerdict look = verdict;
  look.number = 0;
  look.at = clock_.Now();
  rollouts_.Keep(look);
  return {};
}

Result<LatestVerdicts> MemoryStore::ReadLatestVerdicts(const RolloutId& id) {
  const std::lock_guard lock(mutex_);
  return rollouts_.Latest(id);
}

Result<VerdictPage> MemoryStore::ReadVerdictPage(const RolloutId& id, const VerdictQuery& query) {
  PODIUM_TRY(CheckPageLimit(query.limit));
  const std::lock_guard lock(mutex_);
  return rollouts_.Verdicts(id, query);
}

}  // namespace podium::store
