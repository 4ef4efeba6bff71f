// What the registries that speak SQL share: all ports, on connections that the adapter lends.
//
// An adapter knows its database: how to connect, whose turn it is to write, what to try again. What
// a mutation reads, decides and writes, and what a read returns, is written here, once.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/rng.h"
#include "store/change_watch.h"
#include "store/cost_store.h"
#include "store/model_store.h"
#include "store/prediction_store.h"
#include "store/registry_store.h"
#include "store/replica_store.h"
#include "store/rollout_store.h"
#include "store/sql_connection.h"

namespace podium::store {

/// Whom a write waits for.
enum class WriteTurn : std::uint8_t {
  kRegistry,  ///< All other changes of the registry: the head is read and moved.
  kPrices,    ///< Other new prices: they are numbered.
  kRecords,   ///< Nobody: rows with ids of their own.
};

/// Threads: all methods from any thread.
class SqlStore : public RegistryStore,
                 public CostStore,
                 public ReplicaStore,
                 public ModelStore,
                 public RolloutStore,
                 public PredictionStore {
 public:
  /// Hears of commits, those of other processes too, on a connection of its own.
  virtual std::unique_ptr<ChangeWatch> WatchChanges() = 0;

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
  /// Drops a slice of the outbox: events of before `before`, but never the newest, which the audit
  /// trail is compared with. How many they were; 0: none are left.
  Result<std::size_t> DropEvents(WallTime before);

  Result<RecordedCosts> RecordCosts(std::span<const CostEvent> events) override;
  Result<std::vector<ModelCost>> ReadCosts(WallTime from, WallTime to) override;
  Result<std::vector<DailyCost>> ReadDailyCosts() override;
  Result<std::map<RouteName, ShadowCost>> ReadShadowCosts(WallTime from, WallTime to,
                                                          const std::string& own) override;
  Result<std::vector<CostEvent>> ReadCostEvents(const std::string& after, int limit) override;
  Result<std::size_t> DropCostEvents(WallTime before) override;
  Result<Price> AddPrice(const Price& price) override;
  Result<std::vector<Price>> ReadPrices() override;

  Result<RecordedPredictions> RecordPredictions(std::span<const PredictionRow> rows) override;
  Result<Page<PredictionRow>> ListPredictions(const PredictionQuery& query) override;
  Result<PredictionRow> FindPrediction(const std::string& id) override;
  Result<std::string> LabelledPrediction(const std::string& route,
                                         const std::string& request_id) override;
  Result<FactPage> ReadFacts(const FactQuery& query) override;
  Result<std::size_t> DropPredictions(WallTime before) override;
  Result<std::vector<FeedbackFate>> RecordFeedback(std::span<const Feedback> items) override;
  Result<std::vector<Feedback>> ReadFeedback(const std::string& route,
                                             const std::string& request_id) override;
  Result<std::size_t> DropFeedback(WallTime before) override;

  Status Join(const ReplicaIdentity& self) override;
  Result<bool> Beat(const ReplicaBeat& beat) override;
  Status Leave(const ReplicaIdentity& self) override;
  Result<std::vector<ReplicaRow>> ReadReplicas() override;
  Result<std::vector<ReplicaReadiness>> ReadReadiness(const ModelId& id) override;
  Result<std::vector<ReplicaVersion>> ReadFailed(const std::string& replica) override;
  Status Want(const ModelId& id, std::chrono::milliseconds patience) override;
  Result<std::vector<ModelId>> ReadWanted() override;

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
  /// Drops a slice of the keys of a rollout that ended before; verdicts keep what they were
  /// computed from. How many they were; 0: none are left.
  Result<std::size_t> DropRolloutHits(WallTime ended_before);

  Result<ModelCommitted> ApplyModel(const ModelMutation& mutation,
                                    const ModelCaller& caller) override;
  Result<ModelListing> ReadModel(const std::string& name) override;
  Result<RegisteredVersion> ReadModelVersion(const std::string& name, std::int64_t number) override;
  Result<RegisteredVersion> ReadAlias(const std::string& name, const std::string& alias) override;
  Result<Page<ModelListing>> SearchModels(const ModelSearch& search) override;
  Result<Page<RegisteredVersion>> SearchModelVersions(const ModelSearch& search) override;
  Result<Page<ModelAudit>> ListModelAudit(const ModelAuditQuery& query) override;

 protected:
  using Reading = std::function<Status(SqlConnection&)>;

  /// One transaction that writes. Both functions may be called several times, each time from the
  /// start and on any connection.
  struct Writing {
    WriteTurn turn;
    /// Within a transaction that the adapter began. False: there is nothing to commit.
    std::function<Result<bool>(SqlConnection&)> work;
    /// Asked in the same turn of a later transaction, when the answer to a commit was lost: whether
    /// what `work` wrote last is there. None when `work` itself passes over what is there already.
    std::function<Result<bool>(SqlConnection&)> is_there;
  };

  /// Both must outlive the store.
  SqlStore(const Clock& clock, Rng& rng) : clock_(clock), rng_(rng) {}

  /// Runs `reading` on a connection that is in no transaction.
  virtual Status Read(const Reading& reading) = 0;
  /// kUnavailable when the turn does not come in time, or the database has gone.
  virtual Status Write(const Writing& writing) = 0;
  /// The clock by which rows are dated.
  virtual Result<WallTime> Now(SqlConnection& connection) = 0;

  /// Slices of a table by a statement that takes a limit behind what `bind` binds and returns a row
  /// for each that went, in one short transaction; how many went.
  Result<std::size_t> DropRecords(std::string_view sql, const std::function<void(Query&)>& bind);

  /// As Read, for a `reading` with a value.
  template <typename T>
  Result<T> ReadValue(const std::function<Result<T>(SqlConnection&)>& reading) {
    std::optional<T> value;
    PODIUM_TRY(Read([&](SqlConnection& connection) -> Status {
      PODIUM_TRY_ASSIGN(value, reading(connection));
      return {};
    }));
    return std::move(*value);
  }

  const Clock& clock_;
  Rng& rng_;
};

}  // namespace podium::store
