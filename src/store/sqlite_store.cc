#include "store/sqlite_store.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "store/cursor.h"
#include "store/sql.h"
#include "store/sqlite_history.h"
#include "store/sqlite_rows.h"
#include "store/sqlite_schema.h"

namespace podium::store {
namespace {

using Kind = Transaction::Kind;

// A row that cannot be read was left out of the decision; when the database then refuses the
// outcome, that row is why.
Error Explain(Error refused, const std::vector<RowFault>& faults) {
  if (refused.code != ErrorCode::kConflict || faults.empty()) return refused;
  const RowFault& fault = faults.front();
  return std::move(refused).Wrap(
      ErrorCode::kUnprocessable,
      fmt::format("row {} of {} cannot be read ({}) and stands in the way: mend it first",
                  fault.key, fault.table, fault.problem));
}

}  // namespace

Result<std::unique_ptr<SqliteStore>> SqliteStore::Open(const std::string& path, const Clock& clock,
                                                       Rng& rng, const SqliteOptions& options) {
  PODIUM_TRY(CreateRegistryFile(path));
  PODIUM_TRY_ASSIGN(Connection writer, OpenWriter(path, options.busy_timeout));
  PODIUM_TRY(MigrateSqlite(writer, path, clock));
  std::vector<Connection> readers;
  for (int i = 0; i < std::max(1, options.readers); ++i) {
    PODIUM_TRY_ASSIGN(Connection reader, OpenReader(path, options.busy_timeout));
    readers.push_back(std::move(reader));
  }
  return std::unique_ptr<SqliteStore>(
      new SqliteStore(path, std::move(writer), std::move(readers), clock, rng, options));
}

SqliteStore::SqliteStore(const std::string& path, Connection writer,
                         std::vector<Connection> readers, const Clock& clock, Rng& rng,
                         const SqliteOptions& options)
    : clock_(clock),
      rng_(rng),
      options_(options),
      writer_(std::move(writer)),
      readers_(std::move(readers)),
      wal_(path) {}

Result<std::unique_lock<std::timed_mutex>> SqliteStore::TakeTurn() {
  const SteadyTime asked = clock_.SteadyNow();
  std::unique_lock lock(writing_, options_.busy_timeout);
  if (!lock.owns_lock()) {
    return Fail(ErrorCode::kUnavailable, "the registry was busy with other changes: try again");
  }
  // What is left of the caller's patience after the wait for this process's own writers.
  const auto waited =
      std::chrono::duration_cast<std::chrono::milliseconds>(clock_.SteadyNow() - asked);
  writer_.SetBusyTimeout(std::max(options_.busy_timeout - waited, std::chrono::milliseconds(1)));
  return lock;
}

// REQUIRES: it is the caller's turn.
Result<Transaction> SqliteStore::BeginWrite() {
  PODIUM_TRY_ASSIGN(Transaction transaction, Transaction::Begin(writer_, Kind::kWrite));
  PODIUM_TRY(writer_.CheckInPlace());
  PODIUM_TRY(wal_.CheckInPlace());
  return transaction;
}

Result<Committed> SqliteStore::Apply(const Mutation& mutation, const MutationContext& context) {
  PODIUM_TRY_ASSIGN(const std::unique_lock turn, TakeTurn());
  return ApplyLocked(mutation, context);
}

Result<Committed> SqliteStore::ApplyLocked(const Mutation& mutation,
                                           const MutationContext& context) {
  PODIUM_TRY_ASSIGN(Transaction transaction, BeginWrite());
  PODIUM_TRY_ASSIGN(const Head head, ReadHead(writer_));
  std::vector<RowFault> faults;
  PODIUM_TRY_ASSIGN(const RouteSnapshot state, ReadSnapshot(writer_, SubjectOf(mutation), faults));
  PODIUM_TRY_ASSIGN(Changes changes,
                    Decide(state, mutation, context, MakeStamp(head, clock_, rng_)));
  if (!changes.changed) return AnswerUnchanged(std::move(changes), head);
  const Sealed sealed = Seal(changes, head);
  if (Status written = WriteChanges(writer_, state, changes, sealed, head); !written) {
    return Fail(Explain(std::move(written).error(), faults));
  }
  PODIUM_TRY(transaction.Commit());
  return Answer(std::move(changes), sealed);
}

Result<Revision> SqliteStore::ReadRevision() {
  const ReaderPool::Lease reader = readers_.Take();
  PODIUM_TRY((*reader).CheckInPlace());
  PODIUM_TRY(wal_.CheckInPlace());
  PODIUM_TRY_ASSIGN(const Head head, ReadHead(*reader));
  return head.revision;
}

Result<TableDelta> SqliteStore::ReadTable(Revision since) {
  const ReaderPool::Lease reader = readers_.Take();
  PODIUM_TRY_ASSIGN(const Transaction view, Transaction::Begin(*reader, Kind::kRead));
  PODIUM_TRY_ASSIGN(const Head head, ReadHead(*reader));
  TableDelta delta;
  delta.epoch = head.epoch;
  delta.revision = head.revision;
  PODIUM_TRY_ASSIGN(delta.routes, ReadRoutesSince(*reader, since, delta.faults));
  Query versions(*reader, sql::kVersionsSince);
  versions.Bind(since.get());
  PODIUM_TRY_ASSIGN(delta.versions, ReadVersions(versions, delta.faults));
  return delta;
}

Result<RouteState> SqliteStore::ReadRoute(const RouteName& route) {
  const ReaderPool::Lease reader = readers_.Take();
  PODIUM_TRY_ASSIGN(const Transaction view, Transaction::Begin(*reader, Kind::kRead));
  std::vector<RowFault> faults;
  PODIUM_TRY_ASSIGN(std::optional<Route> found, ReadRouteRow(*reader, route, faults));
  if (!found) return Fail(ErrorCode::kNotFound, "there is no route {}", route.get());
  Query versions(*reader, sql::kVersionsOfRoute);
  versions.Bind(route.get());
  PODIUM_TRY_ASSIGN(std::vector<ModelVersion> rows, ReadVersions(versions, faults));
  return RouteState{std::move(*found), std::move(rows)};
}

Result<RouteAt> SqliteStore::ReadRouteAt(const RouteName& route, const HistoryPoint& point) {
  const ReaderPool::Lease reader = readers_.Take();
  PODIUM_TRY_ASSIGN(const Transaction view, Transaction::Begin(*reader, Kind::kRead));
  return ReadHistory(*reader, route, point);
}

Result<ModelVersion> SqliteStore::FindVersion(const ModelId& id) {
  const ReaderPool::Lease reader = readers_.Take();
  PODIUM_TRY_ASSIGN(std::optional<ModelVersion> row, ReadVersion(*reader, id));
  if (!row) return Fail(ErrorCode::kNotFound, "there is no version {}", id.get());
  if (row->deleted) return Fail(ErrorCode::kNotFound, "version {} was deleted", id.get());
  return std::move(*row);
}

Result<Page<ModelVersion>> SqliteStore::ListVersions(const VersionQuery& query) {
  PODIUM_TRY(CheckPageLimit(query.limit));
  VersionKey after{RouteName(), WallTime::min(), ModelId()};
  if (!query.cursor.empty()) {
    PODIUM_TRY_ASSIGN(after, DecodeVersionCursor(query.cursor));
  }
  const ReaderPool::Lease reader = readers_.Take();
  Query rows(*reader, sql::kVersionPage);
  rows.Bind(query.route ? query.route->get() : "")
      .Bind(query.name.value_or(""))
      .Bind(query.status ? NameOf(*query.status) : "")
      .Bind(after.route.get())
      .Bind(std::int64_t{after.created_at.time_since_epoch().count()})
      .Bind(after.id.get())
      .Bind(std::int64_t{query.limit} + 1);
  Page<ModelVersion> page;
  for (int row = 0; true; ++row) {
    PODIUM_TRY_ASSIGN(const bool more, rows.Next());
    if (!more) return page;
    if (row == query.limit) break;
    after = {RouteName(rows.Text(1)), WallTime(WallTime::duration(rows.Int(20))),
             ModelId(rows.Text(0))};
    // Unreadable rows are ReadTable's to report; a list goes on without them.
    if (Result<ModelVersion> version = ReadVersionRow(rows))
      page.items.push_back(std::move(*version));
  }
  page.next_cursor = EncodeCursor(after);
  return page;
}

Result<Page<Promotion>> SqliteStore::ListPromotions(const PromotionQuery& query) {
  PODIUM_TRY(CheckPageLimit(query.limit));
  Revision before(std::numeric_limits<std::int64_t>::max());
  if (!query.cursor.empty()) {
    PODIUM_TRY_ASSIGN(before, DecodePromotionCursor(query.cursor));
  }
  const ReaderPool::Lease reader = readers_.Take();
  Query rows(*reader, sql::kPromotionPage);
  rows.Bind(query.route ? query.route->get() : "")
      .Bind(before.get())
      .Bind(std::int64_t{query.limit} + 1);
  Page<Promotion> page;
  for (int row = 0; true; ++row) {
    PODIUM_TRY_ASSIGN(const bool more, rows.Next());
    if (!more) return page;
    if (row == query.limit) break;
    before = Revision(rows.Int(0));
    if (Result<Promotion> promotion = ReadPromotionRow(rows)) {
      page.items.push_back(std::move(*promotion));
    }
  }
  page.next_cursor = EncodeCursor(before);
  return page;
}

Result<std::vector<OutboxEvent>> SqliteStore::ReadOutbox(std::int64_t after, int limit) {
  PODIUM_TRY(CheckPageLimit(limit));
  const ReaderPool::Lease reader = readers_.Take();
  Query rows(*reader, sql::kEventsAfter);
  rows.Bind(after).Bind(std::int64_t{limit});
  std::vector<OutboxEvent> events;
  while (true) {
    PODIUM_TRY_ASSIGN(const bool more, rows.Next());
    if (!more) return events;
    events.push_back({rows.Int(0), Revision(rows.Int(1)), rows.Text(2), rows.Text(3),
                      WallTime(WallTime::duration(rows.Int(4)))});
  }
}

Result<AuditVerdict> SqliteStore::VerifyAudit() {
  const ReaderPool::Lease reader = readers_.Take();
  PODIUM_TRY_ASSIGN(const Transaction view, Transaction::Begin(*reader, Kind::kRead));
  PODIUM_TRY_ASSIGN(const Head head, ReadHead(*reader));
  Query rows(*reader, sql::kAllPromotions);
  ChainWalk walk;
  while (true) {
    PODIUM_TRY_ASSIGN(const bool more, rows.Next());
    if (!more) return std::move(walk).Finish(head.chain);
    if (Result<Promotion> row = ReadPromotionRow(rows)) {
      walk.Add(*row);
    } else {
      walk.AddUnreadable(Revision(rows.Int(0)), row.error().message);
    }
  }
}

}  // namespace podium::store
