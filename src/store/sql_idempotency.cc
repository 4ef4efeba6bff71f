#include "store/sql_idempotency.h"

#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/limits.h"
#include "store/rollout_verbs.h"
#include "store/sql.h"
#include "store/sql_rollouts.h"
#include "store/sql_rows.h"

namespace podium::store {
namespace {

Result<std::optional<KnownKey>> ReadKey(SqlConnection& connection, const std::string& key) {
  Query query(connection, sql::kIdempotencyKey);
  query.Bind(key);
  PODIUM_TRY_ASSIGN(const bool found, query.Next());
  if (!found) return std::optional<KnownKey>();
  return std::optional(
      KnownKey{query.Text(0), Revision(query.Int(1)), WallTime(WallTime::duration(query.Int(2)))});
}

Result<Promotion> ReadAuditRow(SqlConnection& connection, Revision revision) {
  Query query(connection, sql::kPromotionsAfter);
  query.Bind(revision.get() - 1).Bind(std::int64_t{1});
  PODIUM_TRY_ASSIGN(const bool found, query.Next());
  if (found && query.Int(0) == revision.get()) return ReadPromotionRow(query);
  return Fail(ErrorCode::kInternal, "audit row {} is missing: run podium db verify",
              revision.get());
}

}  // namespace

Result<std::optional<Committed>> ReadReplay(SqlConnection& connection, const IdempotencyKey& key,
                                            WallTime now) {
  PODIUM_TRY_ASSIGN(const std::optional<KnownKey> known, ReadKey(connection, key.key));
  PODIUM_TRY_ASSIGN(const bool is_replay, IsReplay(known, key, now));
  if (!is_replay) return std::optional<Committed>();
  PODIUM_TRY_ASSIGN(Promotion audit, ReadAuditRow(connection, known->revision));
  std::vector<RowFault> faults;
  PODIUM_TRY_ASSIGN(std::optional<Route> route, ReadRouteRow(connection, audit.route, faults));
  PODIUM_TRY_ASSIGN(std::optional<ModelVersion> version,
                    ReadVersion(connection, audit.to.value_or(ModelId())));
  const std::optional<RolloutTold> told = ToldOfRollout(audit);
  Committed replay =
      AnswerReplay(std::move(audit), std::move(route).value_or(Route{}), std::move(version));
  if (told) {
    PODIUM_TRY_ASSIGN(replay.rollout, ReadRolloutRow(connection, told->id));
  }
  return std::optional(std::move(replay));
}

Status KeepKey(SqlConnection& connection, const IdempotencyKey& key, const Promotion& audit) {
  PODIUM_TRY(Query(connection, sql::kDropOldKeys).Bind(MicrosOf(OldestKept(audit.at))).Run());
  PODIUM_TRY(Query(connection, sql::kDropSurplusKeys)
                 .Bind(std::int64_t{limits::kMaxIdempotencyKeys} - 1)
                 .Run());
  return Query(connection, sql::kInsertKey)
      .Bind(key.key)
      .Bind(key.fingerprint)
      .Bind(audit.revision.get())
      .Bind(MicrosOf(audit.at))
      .Run();
}

}  // namespace podium::store
