// The registry in one SQLite file: the embedded default, no other process needed.
//
// One connection writes, a few read; several processes may share the file. Durable: WAL with
// synchronous=FULL, so a commit that was answered survives a power cut.
#pragma once

#include <chrono>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/limits.h"
#include "base/rng.h"
#include "store/cost_store.h"
#include "store/registry_store.h"
#include "store/sqlite_connection.h"
#include "store/sqlite_file.h"
#include "store/sqlite_readers.h"

namespace podium::store {

struct SqliteOptions {
  /// How long a mutation waits for the write lock, here and in other processes.
  std::chrono::milliseconds busy_timeout = limits::kStoreBusyTimeout;
  int readers = limits::kControlThreads;
};

/// Threads: all methods from any thread.
class SqliteStore final : public RegistryStore, public CostStore {
 public:
  /// Opens or creates the file (for its owner's eyes only) and its directory, and migrates it.
  /// `clock` and `rng` must outlive the store.
  static Result<std::unique_ptr<SqliteStore>> Open(const std::string& path, const Clock& clock,
                                                   Rng& rng, const SqliteOptions& options = {});

  Result<Committed> Apply(const Mutation& mutation, const MutationContext& context) override;
  Result<Revision> ReadRevision() override;
  Result<TableDelta> ReadTable(Revision since) override;
  Result<RouteState> ReadRoute(const RouteName& route) override;
  Result<RouteAt> ReadRouteAt(const RouteName& route, const HistoryPoint& point) override;
  Result<ModelVersion> FindVersion(const ModelId& id) override;
  Result<Page<ModelVersion>> ListVersions(const VersionQuery& query) override;
  Result<Page<Promotion>> ListPromotions(const PromotionQuery& query) override;
  Result<std::vector<OutboxEvent>> ReadOutbox(std::int64_t after, int limit) override;
  Result<AuditVerdict> VerifyAudit() override;

  Result<RecordedCosts> RecordCosts(std::span<const CostEvent> events) override;
  Result<std::vector<ModelCost>> ReadCosts(WallTime from, WallTime to) override;
  Result<std::vector<DailyCost>> ReadDailyCosts() override;
  Result<std::vector<CostEvent>> ReadCostEvents(const std::string& after, int limit) override;
  Result<Price> AddPrice(const Price& price) override;
  Result<std::vector<Price>> ReadPrices() override;

 private:
  SqliteStore(const std::string& path, Connection writer, std::vector<Connection> readers,
              const Clock& clock, Rng& rng, const SqliteOptions& options);
  /// The writer's turn; kUnavailable when it does not come within the busy timeout.
  Result<std::unique_lock<std::timed_mutex>> TakeTurn();
  Result<Transaction> BeginWrite();
  Result<Committed> ApplyLocked(const Mutation& mutation, const MutationContext& context);

  const Clock& clock_;
  Rng& rng_;
  const SqliteOptions options_;
  std::timed_mutex writing_;
  Connection writer_;  // Protected by writing_.
  ReaderPool readers_;
  const WalFile wal_;
};

}  // namespace podium::store
