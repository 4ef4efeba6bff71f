// The registry in this process's memory: for tests, and for the library without a file.
#pragma once

#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/rng.h"
#include "store/commit.h"
#include "store/idempotency.h"
#include "store/memory_rollouts.h"
#include "store/registry_store.h"
#include "store/route_history.h"

namespace podium::store {

/// Threads: all methods from any thread; one lock over everything.
class MemoryStore final : public RegistryStore, public RolloutStore {
 public:
  /// Both must outlive the store.
  MemoryStore(const Clock& clock, Rng& rng) : clock_(clock), rng_(rng) {}

  Result<Committed> Apply(const Mutation& mutation, const MutationContext& context) override;
  Result<Revision> ReadRevision() override;
  Result<TableDelta> ReadTable(Revision since) override;
  Result<RouteState> ReadRoute(const RouteName& route) override;
  Result<RouteAt> ReadRouteAt(const RouteName& route, const HistoryPoint& point) override;
  Result<RouteStanding> ReadStanding(const RouteName& route, const HistoryPoint& point) override;
  Result<ModelVersion> FindVersion(const ModelId& id) override;
  Result<Page<ModelVersion>> ListVersions(const VersionQuery& query) override;
  Result<Page<Promotion>> ListPromotions(const PromotionQuery& query) override;
  Result<bool> RaiseEpoch(const SeenHistory& seen, const std::string& by) override;
  Result<std::int64_t> ReadNewestEvent() override;
  Result<std::vector<OutboxEvent>> ReadOutbox(std::int64_t after, int limit) override;
  Result<AuditVerdict> VerifyAudit() override;

  Result<Rollout> FindRollout(const RolloutId& id) override;
  Result<Page<Rollout>> ListRollouts(const RolloutQuery& query) override;
  Result<std::optional<RolloutLease>> TakeLease(const RolloutId& id, const std::string& owner,
                                                std::chrono::milliseconds duration) override;
  Result<std::optional<RolloutLease>> FindLease(const RolloutId& id) override;
  Status GiveUpLease(const RolloutId& id, const std::string& owner) override;
  Status RecordEvidence(std::span<const RolloutCount> counts,
                        std::span<const RolloutHit> hits) override;
  Result<RolloutEvidence> ReadEvidence(const RolloutId& id,
                                       const EpochVersions& known = {}) override;
  Result<std::uint64_t> CountHits(const RolloutId& id, std::uint32_t epoch,
                                  std::uint32_t series) override;
  Status KeepLook(const RolloutVerdict& verdict, const LookPin& pin) override;
  Result<LatestVerdicts> ReadLatestVerdicts(const RolloutId& id) override;
  Result<VerdictPage> ReadVerdictPage(const RolloutId& id, const VerdictQuery& query) override;

 private:
  RouteSnapshot Snapshot(const Subject& subject) const;
  std::vector<Promotion> Standing(const RouteName& route) const;
  std::vector<ModelVersion> VersionsOf(const RouteName& route) const;
  std::vector<ModelVersion> RolesOf(const RouteName& route) const;
  const ModelVersion* AtPlace(const Subject& subject) const;
  void Write(const Changes& changes, const Sealed& sealed);
  std::string AuditAt(Revision revision) const;
  Result<Revision> RevisionBy(WallTime at, const HistoryRange& range) const;
  Result<std::optional<Committed>> Replayed(const IdempotencyKey& key, WallTime now) const;
  void KeepKey(const IdempotencyKey& key, const Promotion& audit);
  Result<Revision> Asked(const HistoryPoint& point) const;
  Result<RouteStanding> Replay(const RouteName& route, Revision asked) const;
  void KeepHistory(const RouteSnapshot& state, const Changes& changes, const Sealed& sealed);

  const Clock& clock_;
  Rng& rng_;
  std::mutex mutex_;  // Over all below.
  std::map<RouteName, Route> routes_;
  std::map<ModelId, ModelVersion> versions_;  // Tombstones included.
  std::vector<Promotion> promotions_;         // Oldest first.
  std::vector<OutboxEvent> outbox_;
  std::map<RouteName, std::vector<HistoryRow>> history_;  // Oldest first.
  std::map<std::string, KnownKey> keys_;
  MemoryRollouts rollouts_;
  Head head_;
};

}  // namespace podium::store
