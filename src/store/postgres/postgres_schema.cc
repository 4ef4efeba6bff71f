#include "store/postgres/postgres_schema.h"

#include <utility>

#include "base/limits.h"

namespace podium::store {
namespace {

// "podium" in ASCII: a number that no other program takes by chance.
constexpr std::int64_t kMigrationLock = 0x706f6469756d;
constexpr std::string_view kLockNotAvailable = "55P03";  // After lock_timeout.

// Of this transaction alone, so that it ends with it: a lock of a session outlives a pooler's
// lease.
Status LockMigrations(PostgresConnection& connection, const PostgresServer& server) {
  PODIUM_TRY(
      connection.Execute(fmt::format("SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = {}",
                                     std::chrono::milliseconds(limits::kMigrationWait).count())));
  // Ours is a little longer, in case nobody is there to say that it is over.
  connection.SetPatience(limits::kMigrationWait);
  Status locked =
      connection.Execute(fmt::format("SELECT pg_advisory_xact_lock({})", kMigrationLock));
  connection.SetPatience(std::nullopt);
  if (connection.trouble() == SqlTrouble::kSilent) {
    return Fail(ErrorCode::kUnavailable,
                "the database {} has not said for {} s whether another podium migrates it: check "
                "that it can be reached, then start this one again",
                server.where, limits::kMigrationWait.count());
  }
  if (locked || connection.sqlstate() != kLockNotAvailable) return locked;
  return Fail(ErrorCode::kUnavailable,
              "another podium has been migrating the database {} for {} s: look at what it is "
              "doing, then start this one again",
              server.where, limits::kMigrationWait.count());
}

Status MigrateLocked(PostgresConnection& connection, const PostgresServer& server, int target) {
  PODIUM_TRY_ASSIGN(Transaction transaction,
                    Transaction::Begin(connection, Transaction::Kind::kWrite));
  PODIUM_TRY(LockMigrations(connection, server));
  // Read again under the lock: another replica may have been quicker.
  PODIUM_TRY_ASSIGN(const int current, ReadPostgresSchema(connection, server.where));
  PODIUM_TRY(connection.Execute(
      "CREATE TABLE IF NOT EXISTS schema_migrations (version BIGINT PRIMARY KEY, "
      "name TEXT NOT NULL, applied_at BIGINT NOT NULL)"));
  PODIUM_TRY_ASSIGN(const WallTime now, ReadPostgresClock(connection));
  PODIUM_TRY(RunMigrations(connection, SqlDialect::kPostgres, current, target, now));
  return transaction.Commit();
}

}  // namespace

Result<WallTime> ReadPostgresClock(SqlConnection& connection) {
  Query query(connection, "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint");
  PODIUM_TRY(query.Next());
  return WallTime(WallTime::duration(query.Int(0)));
}

Result<int> ReadPostgresSchema(PostgresConnection& connection, const std::string& where) {
  // By a scan of the catalogue: what to_regclass did not find before the lock was waited for, it
  // would go on not to find, since a session remembers that. Both counts of one moment: between
  // two, another replica may have made our tables.
  std::int64_t tracked = 0;
  std::int64_t others = 0;
  {
    Query query(connection,
                "SELECT count(*) FILTER (WHERE relname = 'schema_migrations'), "
                "count(*) FILTER (WHERE relname <> 'schema_migrations') FROM pg_class WHERE "
                "relname IN ('schema_migrations', 'routes', 'model_registry', 'registry_revision') "
                "AND pg_table_is_visible(oid)");
    PODIUM_TRY(query.Next());
    tracked = query.Int(0);
    others = query.Int(1);
  }
  if (tracked > 0) return ReadSchema(connection, "the database " + where);
  if (others == 0) return 0;
  return Fail(ErrorCode::kUnprocessable,
              "the database {} holds tables of something else than podium (routes, model_registry "
              "or registry_revision): name another database, or another schema by "
              "?options=-csearch_path%3DNAME",
              where);
}

Status MigratePostgres(PostgresConnection& connection, const PostgresServer& server, int target) {
  PODIUM_TRY_ASSIGN(const int seen, ReadPostgresSchema(connection, server.where));
  if (seen >= target) return {};
  // Ours too: a step may take as long as the tables are large.
  PODIUM_TRY(connection.SetStatementTimeout(std::nullopt));
  PODIUM_TRY(MigrateLocked(connection, server, target));
  return connection.SetStatementTimeout(server.statement_timeout);
}

}  // namespace podium::store
