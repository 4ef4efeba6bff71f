// The port to the registry's tables. Synchronous: control runs it on its bounded pool.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "domain/promotion.h"
#include "domain/route.h"
#include "domain/version.h"
#include "store/audit_chain.h"
#include "store/audit_replay.h"
#include "store/mutation.h"

namespace podium::store {

/// A row that could not be read: isolated and reported, never a reason to fail the rest.
struct RowFault {
  std::string table;
  std::string key;
  std::string problem;
};

/// The rows that changed after a revision, read in one transaction with the revision itself.
struct TableDelta {
  std::uint32_t epoch = 0;
  Revision revision;
  std::vector<Route> routes;
  std::vector<ModelVersion> versions;  ///< Tombstones included (`deleted`).
  std::vector<RowFault> faults;
  /// Hash of the newest audit row at or below `since`, and of the newest of all; empty: there is
  /// none. A reader that has seen another hash there has read what the registry has lost.
  std::string audit_then;
  std::string audit_now;
};

/// How much of the registry somebody has read.
struct SeenHistory {
  std::uint32_t epoch = 0;
  Revision revision;
  std::string audit;  ///< TableDelta::audit_now.
  bool operator==(const SeenHistory&) const = default;
};

/// Everything about one route that a verb needs to be admitted.
struct RouteState {
  Route route;
  std::vector<ModelVersion> versions;  ///< Not the deleted ones.
};

/// Which state of a route is asked for: the one in force now unless one of the two is set.
struct HistoryPoint {
  std::optional<Generation> generation;
  std::optional<WallTime> at;  ///< The newest generation committed by then.
};

/// How a route stood at one generation.
struct RouteAt {
  /// Route and the versions that its decisions depend on; of the route only what decides.
  RouteState input;
  Generation generation;  ///< That was asked for.
  Generation since;       ///< The generation that brought this state.
  WallTime since_at;
  /// These rows, or later ones without a revision of their own, were written by SQL: when a core
  /// began to route by them is not certain.
  bool by_sql = false;
};

template <typename T>
struct Page {
  std::vector<T> items;
  std::string next_cursor;  ///< Empty on the last page.
  /// Ids of what belongs here and is left out, since its row cannot be read. Rollouts only.
  std::vector<std::string> unread = {};
};

struct VersionQuery {
  std::optional<RouteName> route;
  std::optional<std::string> name;
  std::optional<VersionStatus> status;
  int limit = 50;
  std::string cursor;  ///< From the page before; kInvalidArgument if it is not one of ours.
};

struct PromotionQuery {
  std::optional<RouteName> route;
  int limit = 50;
  std::string cursor;
};

/// One row of `event_outbox`, oldest first, for the dispatcher.
struct OutboxEvent {
  std::int64_t sequence = 0;
  Revision revision;
  std::string type;  ///< "podium.version.promoted", …
  std::string data;  ///< JSON object; carries head_hash and count of the audit chain.
  WallTime at;
};

/// Threads: all methods from any thread. Adapters retry a busy database themselves (up to
/// limits::kStoreBusyTimeout, then kUnavailable): contention is never a kConflict.
class RegistryStore {
 public:
  virtual ~RegistryStore() = default;

  /// INV-2: rows, audit row, outbox event and revision in one transaction, or none of them.
  virtual Result<Committed> Apply(const Mutation& mutation, const MutationContext& context) = 0;

  virtual Result<Revision> ReadRevision() = 0;
  /// Rows with a revision above `since`; Revision(0) reads the whole table.
  virtual Result<TableDelta> ReadTable(Revision since) = 0;
  virtual Result<RouteState> ReadRoute(const RouteName& route) = 0;  ///< kNotFound
  /// Of the last limits::kRouteHistoryGenerations generations what was kept of the rows, of older
  /// ones what the audit trail says. kNotFound for a route that was not there; kUnprocessable for a
  /// generation still to come, or of before the registry was restored.
  virtual Result<RouteAt> ReadRouteAt(const RouteName& route, const HistoryPoint& point) = 0;
  /// The same moment by the audit trail alone, with who brought it about. Errors as ReadRouteAt.
  virtual Result<RouteStanding> ReadStanding(const RouteName& route, const HistoryPoint& point) = 0;
  virtual Result<ModelVersion> FindVersion(const ModelId& id) = 0;  ///< kNotFound
  virtual Result<Page<ModelVersion>> ListVersions(const VersionQuery& query) = 0;
  virtual Result<Page<Promotion>> ListPromotions(const PromotionQuery& query) = 0;
  /// Where the table no longer continues what was seen (a backup was put in its place, a failover
  /// lost commits), begins an epoch above both, with its event, in one transaction: true. False:
  /// it does continue, or is of a later epoch already. `by` names the replica that noticed.
  virtual Result<bool> RaiseEpoch(const SeenHistory& seen, const std::string& by) = 0;
  /// The sequence of the newest event; 0 when there is none.
  virtual Result<std::int64_t> ReadNewestEvent() = 0;
  virtual Result<std::vector<OutboxEvent>> ReadOutbox(std::int64_t after, int limit) = 0;
  /// Walks the whole audit trail and its hash chain, in one transaction.
  virtual Result<AuditVerdict> VerifyAudit() = 0;
};

}  // namespace podium::store
