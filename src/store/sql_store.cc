#include "store/sql_store.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "store/cursor.h"
#include "store/sql.h"
#include "store/sql_audit.h"
#include "store/sql_history.h"
#include "store/sql_idempotency.h"
#include "store/sql_row_lists.h"
#include "store/sql_rows.h"

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

// Of the newest audit row by then; empty when there is none.
Result<std::string> ReadAuditAt(SqlConnection& connection, Revision revision) {
  Query row(connection, sql::kAuditAt);
  row.Bind(revision.get());
  PODIUM_TRY_ASSIGN(const bool found, row.Next());
  return found ? row.Text(0) : std::string();
}

Result<TableDelta> ReadDelta(SqlConnection& connection, Revision since) {
  PODIUM_TRY_ASSIGN(const Transaction view, Transaction::Begin(connection, Kind::kRead));
  PODIUM_TRY_ASSIGN(const Head head, ReadHead(connection));
  TableDelta delta;
  delta.epoch = head.epoch;
  delta.revision = head.revision;
  PODIUM_TRY_ASSIGN(delta.audit_then, ReadAuditAt(connection, since));
  PODIUM_TRY_ASSIGN(delta.audit_now, ReadAuditAt(connection, head.revision));
  PODIUM_TRY_ASSIGN(delta.routes, ReadRoutesSince(connection, since, delta.faults));
  Query versions(connection, sql::kVersionsSince);
  versions.Bind(since.get());
  PODIUM_TRY_ASSIGN(delta.versions, ReadVersions(versions, delta.faults));
  return delta;
}

Result<RouteState> ReadState(SqlConnection& connection, const RouteName& route) {
  PODIUM_TRY_ASSIGN(const Transaction view, Transaction::Begin(connection, Kind::kRead));
  std::vector<RowFault> faults;
  PODIUM_TRY_ASSIGN(std::optional<Route> found, ReadRouteRow(connection, route, faults));
  if (!found) return Fail(ErrorCode::kNotFound, "there is no route {}", route.get());
  PODIUM_TRY(CheckFollowRead(faults));
  Query versions(connection, sql::kVersionsOfRoute);
  versions.Bind(route.get());
  PODIUM_TRY_ASSIGN(std::vector<ModelVersion> rows, ReadVersions(versions, faults));
  return RouteState{std::move(*found), std::move(rows)};
}

Result<Page<ModelVersion>> ReadVersionPage(SqlConnection& connection, const VersionQuery& query,
                                           VersionKey after) {
  Query rows(connection, sql::kVersionPage);
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

Result<Page<Promotion>> ReadPromotionPage(SqlConnection& connection, const PromotionQuery& query,
                                          Revision before) {
  Query rows(connection, sql::kPromotionPage);
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

Result<std::vector<OutboxEvent>> ReadEvents(SqlConnection& connection, std::int64_t after,
                                            int limit) {
  Query rows(connection, sql::kEventsAfter);
  rows.Bind(after).Bind(std::int64_t{limit});
  std::vector<OutboxEvent> events;
  while (true) {
    PODIUM_TRY_ASSIGN(const bool more, rows.Next());
    if (!more) return events;
    events.push_back({rows.Int(0), Revision(rows.Int(1)), rows.Text(2), rows.Text(3),
                      WallTime(WallTime::duration(rows.Int(4)))});
  }
}

// The hash covers every field of an audit row, its time and the id of what it made included.
Result<bool> HasAuditRow(SqlConnection& connection, const Promotion& row) {
  Query query(connection, sql::kPromotionHash);
  query.Bind(row.revision.get());
  PODIUM_TRY_ASSIGN(const bool found, query.Next());
  return found && query.Text(0) == row.hash;
}

}  // namespace

Result<Committed> SqlStore::Apply(const Mutation& mutation, const MutationContext& context) {
  Changes changes;
  Head head;
  std::optional<Sealed> sealed;  // None when there is nothing to change.
  std::optional<Committed> replay;
  Writing writing;
  writing.turn = WriteTurn::kRegistry;
  writing.work = [&](SqlConnection& connection) -> Result<bool> {
    sealed.reset();
    PODIUM_TRY_ASSIGN(head, ReadHead(connection));
    if (context.idempotency) {
      PODIUM_TRY_ASSIGN(const WallTime asked, Now(connection));
      PODIUM_TRY_ASSIGN(replay,
                        ReadReplay(connection, *context.idempotency, std::max(asked, head.at)));
      if (replay) return false;
    }
    std::vector<RowFault> faults;
    PODIUM_TRY_ASSIGN(const RouteSnapshot state,
                      ReadSnapshot(connection, SubjectOf(mutation), faults));
    PODIUM_TRY(CheckFollowRead(faults));
    PODIUM_TRY_ASSIGN(const WallTime now, Now(connection));
    PODIUM_TRY_ASSIGN(changes, Decide(state, mutation, context, MakeStamp(head, now, rng_)));
    if (!changes.changed) return false;
    sealed = Seal(changes, head);
    if (Status written = WriteChanges(connection, state, changes, *sealed, head); !written) {
      return Fail(Explain(std::move(written).error(), faults));
    }
    if (context.idempotency) {
      PODIUM_TRY(KeepKey(connection, *context.idempotency, sealed->audit));
    }
    return true;
  };
  writing.is_there = [&](SqlConnection& connection) {
    return HasAuditRow(connection, sealed->audit);
  };
  PODIUM_TRY(Write(writing));
  if (replay) return std::move(*replay);
  if (!sealed) return AnswerUnchanged(std::move(changes), head);
  return Answer(std::move(changes), *sealed);
}

Result<Revision> SqlStore::ReadRevision() {
  return ReadValue<Revision>([](SqlConnection& connection) -> Result<Revision> {
    PODIUM_TRY_ASSIGN(const Head head, ReadHead(connection));
    return head.revision;
  });
}

Result<TableDelta> SqlStore::ReadTable(Revision since) {
  return ReadValue<TableDelta>(
      [since](SqlConnection& connection) { return ReadDelta(connection, since); });
}

Result<RouteState> SqlStore::ReadRoute(const RouteName& route) {
  return ReadValue<RouteState>(
      [&route](SqlConnection& connection) { return ReadState(connection, route); });
}

Result<RouteAt> SqlStore::ReadRouteAt(const RouteName& route, const HistoryPoint& point) {
  return ReadValue<RouteAt>([&](SqlConnection& connection) -> Result<RouteAt> {
    PODIUM_TRY_ASSIGN(const Transaction view, Transaction::Begin(connection, Kind::kRead));
    return ReadHistory(connection, route, point);
  });
}

Result<RouteStanding> SqlStore::ReadStanding(const RouteName& route, const HistoryPoint& point) {
  return ReadValue<RouteStanding>([&](SqlConnection& connection) -> Result<RouteStanding> {
    PODIUM_TRY_ASSIGN(const Transaction view, Transaction::Begin(connection, Kind::kRead));
    return ReadTrail(connection, route, point);
  });
}

Result<ModelVersion> SqlStore::FindVersion(const ModelId& id) {
  return ReadValue<ModelVersion>([&id](SqlConnection& connection) -> Result<ModelVersion> {
    PODIUM_TRY_ASSIGN(std::optional<ModelVersion> row, ReadVersion(connection, id));
    if (!row) return Fail(ErrorCode::kNotFound, "there is no version {}", id.get());
    if (row->deleted) return Fail(ErrorCode::kNotFound, "version {} was deleted", id.get());
    return std::move(*row);
  });
}

Result<Page<ModelVersion>> SqlStore::ListVersions(const VersionQuery& query) {
  PODIUM_TRY(CheckPageLimit(query.limit));
  VersionKey after{RouteName(), WallTime::min(), ModelId()};
  if (!query.cursor.empty()) {
    PODIUM_TRY_ASSIGN(after, DecodeVersionCursor(query.cursor));
  }
  return ReadValue<Page<ModelVersion>>(
      [&](SqlConnection& connection) { return ReadVersionPage(connection, query, after); });
}

Result<Page<Promotion>> SqlStore::ListPromotions(const PromotionQuery& query) {
  PODIUM_TRY(CheckPageLimit(query.limit));
  Revision before(std::numeric_limits<std::int64_t>::max());
  if (!query.cursor.empty()) {
    PODIUM_TRY_ASSIGN(before, DecodePromotionCursor(query.cursor));
  }
  return ReadValue<Page<Promotion>>(
      [&](SqlConnection& connection) { return ReadPromotionPage(connection, query, before); });
}

Result<bool> SqlStore::RaiseEpoch(const SeenHistory& seen, const std::string& by) {
  bool raised = false;
  Writing writing;
  writing.turn = WriteTurn::kRegistry;
  // Run again after a commit whose answer was lost, it finds the later epoch and is content.
  writing.work = [&](SqlConnection& connection) -> Result<bool> {
    PODIUM_TRY_ASSIGN(const Head head, ReadHead(connection));
    PODIUM_TRY_ASSIGN(const std::string audit_then, ReadAuditAt(connection, seen.revision));
    raised = HasLost(head, audit_then, seen);
    if (!raised) return false;
    PODIUM_TRY_ASSIGN(const WallTime now, Now(connection));
    const RaisedEpoch next = RaiseAbove(head, seen, by, now);
    PODIUM_TRY(WriteEvent(connection, next.event));
    PODIUM_TRY(MoveHead(connection, next.head));
    return true;
  };
  PODIUM_TRY(Write(writing));
  return raised;
}

Result<std::int64_t> SqlStore::ReadNewestEvent() {
  return ReadValue<std::int64_t>([](SqlConnection& connection) -> Result<std::int64_t> {
    Query row(connection, sql::kNewestEvent);
    PODIUM_TRY(row.Next());
    return row.Int(0);
  });
}

Result<std::vector<OutboxEvent>> SqlStore::ReadOutbox(std::int64_t after, int limit) {
  PODIUM_TRY(CheckPageLimit(limit));
  return ReadValue<std::vector<OutboxEvent>>(
      [=](SqlConnection& connection) { return ReadEvents(connection, after, limit); });
}

Result<std::size_t> SqlStore::DropEvents(WallTime before) {
  std::size_t dropped = 0;
  Writing writing;
  writing.turn = WriteTurn::kRecords;
  writing.work = [&](SqlConnection& connection) -> Result<bool> {
    Query drop(connection, sql::kDropEvents);
    drop.Bind(std::int64_t{before.time_since_epoch().count()})
        .Bind(std::int64_t{limits::kDropBatch});
    PODIUM_TRY_ASSIGN(dropped, CountRows(drop));
    return dropped > 0;
  };
  PODIUM_TRY(Write(writing));
  return dropped;
}

Result<AuditVerdict> SqlStore::VerifyAudit() {
  return ReadValue<AuditVerdict>([](SqlConnection& connection) -> Result<AuditVerdict> {
    PODIUM_TRY_ASSIGN(const Transaction view, Transaction::Begin(connection, Kind::kRead));
    return WalkAudit(connection, nullptr);
  });
}

}  // namespace podium::store
