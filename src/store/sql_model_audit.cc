#include "store/sql_model_audit.h"

#include <string_view>
#include <utility>

#include "base/limits.h"
#include "store/cursor.h"

namespace podium::store {
namespace {

#define PODIUM_MODEL_AUDIT_COLUMNS                                                             \
  "number, model, version, kind, before_change, after_change, actor, origin, request_id, at, " \
  "previous_hash, hash"
constexpr std::string_view kInsert = "INSERT INTO model_audit (" PODIUM_MODEL_AUDIT_COLUMNS
                                     ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)";
constexpr std::string_view kMoveHead =
    "UPDATE model_audit_head SET hash = $1, count = $2 WHERE id = 1";
constexpr std::string_view kHead = "SELECT hash, count FROM model_audit_head WHERE id = 1";
constexpr std::string_view kHashOfRow = "SELECT hash FROM model_audit WHERE number = $1";
constexpr std::string_view kPage = "SELECT " PODIUM_MODEL_AUDIT_COLUMNS
                                   " FROM model_audit WHERE number < $1"
                                   " ORDER BY number DESC LIMIT $2";
constexpr std::string_view kPageOfModel = "SELECT " PODIUM_MODEL_AUDIT_COLUMNS
                                          " FROM model_audit WHERE model = $1 AND number < $2"
                                          " ORDER BY number DESC LIMIT $3";
constexpr std::string_view kAfter = "SELECT " PODIUM_MODEL_AUDIT_COLUMNS
                                    " FROM model_audit WHERE number > $1"
                                    " ORDER BY number LIMIT $2";
#undef PODIUM_MODEL_AUDIT_COLUMNS

ModelAudit RowOf(const Query& row) {
  ModelAudit audit;
  audit.number = row.Int(0);
  audit.model = row.Text(1);
  audit.version = row.Int(2);
  audit.kind = row.Text(3);
  audit.before = row.Text(4);
  audit.after = row.Text(5);
  audit.actor = row.Text(6);
  audit.origin = row.Text(7);
  audit.request_id = row.Text(8);
  audit.at = WallTime(WallTime::duration(row.Int(9)));
  audit.previous_hash = row.Text(10);
  audit.hash = row.Text(11);
  return audit;
}

// Reads one piece above `last` into the walk, and moves `last`. The number of rows that it had.
Result<int> WalkPiece(SqlConnection& connection, ChainWalk& walk, std::int64_t& last) {
  Query rows(connection, kAfter);
  rows.Bind(last).Bind(std::int64_t{limits::kAuditWalkRows});
  for (int seen = 0; true; ++seen) {
    PODIUM_TRY_ASSIGN(const bool found, rows.Next());
    if (!found) return seen;
    last = rows.Int(0);
    walk.Add(LinkOf(RowOf(rows)));
  }
}

}  // namespace

Result<ChainHead> ReadModelAuditHead(SqlConnection& connection) {
  Query query(connection, kHead);
  PODIUM_TRY_ASSIGN(const bool found, query.Next());
  if (found) return ChainHead{query.Text(0), query.Int(1)};
  return Fail(ErrorCode::kUnavailable,
              "the registry has lost the head of its model audit: restore it from a backup");
}

Status WriteModelAudit(SqlConnection& connection, const ModelAudit& row) {
  PODIUM_TRY(Query(connection, kInsert)
                 .Bind(row.number)
                 .Bind(row.model)
                 .Bind(row.version)
                 .Bind(row.kind)
                 .Bind(row.before)
                 .Bind(row.after)
                 .Bind(row.actor)
                 .Bind(row.origin)
                 .Bind(row.request_id)
                 .Bind(std::int64_t{row.at.time_since_epoch().count()})
                 .Bind(row.previous_hash)
                 .Bind(row.hash)
                 .Run());
  return Query(connection, kMoveHead).Bind(row.hash).Bind(row.number).Run();
}

Result<bool> HasModelAudit(SqlConnection& connection, const ModelAudit& row) {
  Query query(connection, kHashOfRow);
  query.Bind(row.number);
  PODIUM_TRY_ASSIGN(const bool found, query.Next());
  return found && query.Text(0) == row.hash;
}

Result<Page<ModelAudit>> ReadModelAuditPage(SqlConnection& connection, const ModelAuditQuery& query,
                                            std::int64_t before) {
  Query rows(connection, query.model.empty() ? kPage : kPageOfModel);
  if (!query.model.empty()) rows.Bind(query.model);
  rows.Bind(before).Bind(std::int64_t{query.limit} + 1);
  Page<ModelAudit> page;
  while (true) {
    PODIUM_TRY_ASSIGN(const bool found, rows.Next());
    if (!found) return page;
    if (page.items.size() == static_cast<std::size_t>(query.limit)) {
      page.next_cursor = EncodeModelAuditCursor(page.items.back().number);
      return page;
    }
    page.items.push_back(RowOf(rows));
  }
}

Result<AuditVerdict> WalkModelAudit(SqlConnection& connection) {
  PODIUM_TRY_ASSIGN(const ChainHead head, ReadModelAuditHead(connection));
  ChainWalk walk("model audit row");
  std::int64_t last = 0;
  while (true) {
    PODIUM_TRY_ASSIGN(const int seen, WalkPiece(connection, walk, last));
    if (seen < limits::kAuditWalkRows) return std::move(walk).Finish(head);
  }
}

}  // namespace podium::store
