#include "store/sql_audit.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "base/json.h"
#include "base/limits.h"
#include "store/migrations.h"
#include "store/sql.h"
#include "store/sql_model_audit.h"
#include "store/sql_rows.h"

namespace podium::store {
namespace {

// Reads one piece above `last` into the walk, and moves `last`. The number of rows that it had.
Result<int> WalkPiece(SqlConnection& connection, ChainWalk& walk, Revision& last) {
  Query rows(connection, sql::kPromotionsAfter);
  rows.Bind(last.get()).Bind(std::int64_t{limits::kAuditWalkRows});
  for (int seen = 0; true; ++seen) {
    PODIUM_TRY_ASSIGN(const bool found, rows.Next());
    if (!found) return seen;
    last = Revision(rows.Int(0));
    if (Result<Promotion> row = ReadPromotionRow(rows)) {
      walk.Add(LinkOf(*row));
    } else {
      walk.AddUnreadable(last.get(), row.error().message);
    }
  }
}

// Trail and head may have been cut back together; what went out was not.
Status CompareWithEvents(SqlConnection& connection, const Head& head, AuditVerdict& verdict) {
  Query newest(connection, sql::kNewestEventRevision);
  PODIUM_TRY_ASSIGN(const bool found, newest.Next());
  if (!found || !verdict.intact() || newest.Int(0) <= head.revision.get()) return {};
  verdict.first_broken = Revision(head.revision.get() + 1);
  verdict.problem = fmt::format(
      "the trail and its head end at revision {}, but the outbox tells of revision {}: the rows "
      "between were cut off",
      head.revision.get(), newest.Int(0));
  return {};
}

// The chain of MLflow's registry, once the schema has one.
Status AddModelAudit(SqlConnection& connection, AuditVerdict& verdict) {
  PODIUM_TRY_ASSIGN(const int schema, ReadSchema(connection, "the registry"));
  if (schema < NumberOf(kModelsMigration)) return {};
  PODIUM_TRY_ASSIGN(AuditVerdict models, WalkModelAudit(connection));
  verdict.model_rows = models.rows;
  if (verdict.intact()) verdict.problem = std::move(models.problem);
  return {};
}

}  // namespace

Result<RegistryFacts> ReadFacts(SqlConnection& connection, int schema) {
  RegistryFacts facts;
  facts.schema = schema;
  PODIUM_TRY_ASSIGN(facts.head, ReadHead(connection));
  PODIUM_TRY_ASSIGN(facts.routes, CountOf(connection, "SELECT count(*) FROM routes"));
  PODIUM_TRY_ASSIGN(facts.versions,
                    CountOf(connection, "SELECT count(*) FROM model_registry WHERE deleted = 0"));
  PODIUM_TRY_ASSIGN(facts.events, CountOf(connection, "SELECT count(*) FROM event_outbox"));
  return facts;
}

Result<AuditVerdict> WalkAudit(SqlConnection& connection, const WorkProgress& progress) {
  PODIUM_TRY_ASSIGN(const Head head, ReadHead(connection));
  ChainWalk walk;
  Revision last(std::numeric_limits<std::int64_t>::min());
  std::int64_t done = 0;
  while (true) {
    PODIUM_TRY_ASSIGN(const int seen, WalkPiece(connection, walk, last));
    done += seen;
    if (progress) progress(done, std::max(done, head.chain.count));
    if (seen < limits::kAuditWalkRows) break;
  }
  AuditVerdict verdict = std::move(walk).Finish(head.chain);
  PODIUM_TRY(CompareWithEvents(connection, head, verdict));
  PODIUM_TRY(AddModelAudit(connection, verdict));
  return verdict;
}

Result<Head> RaiseEpoch(SqlConnection& connection, std::uint32_t above, const std::string& reason,
                        WallTime now) {
  PODIUM_TRY_ASSIGN(Head head, ReadHead(connection));
  const std::uint32_t highest = std::max(head.epoch, above);
  if (highest >= kMaxEpoch) {
    return Fail(ErrorCode::kInvalidArgument, "the epoch {} is the last one there is", highest);
  }
  const std::uint32_t before = head.epoch;
  head.epoch = highest + 1;
  head.at = std::max(now, head.at);
  PODIUM_TRY(MoveHead(connection, head));
  Json data = Json::object();
  data["epoch_before"] = before;
  data["epoch"] = head.epoch;
  data["revision"] = head.revision.get();
  data["reason"] = reason;
  data["at"] = FormatUtc(head.at);
  data["head_hash"] = head.chain.hash;
  data["audit_count"] = head.chain.count;
  PODIUM_TRY(WriteEvent(connection, OutboxEvent{0, head.revision, "podium.registry.restored",
                                                DumpJson(data), head.at}));
  return head;
}

}  // namespace podium::store
