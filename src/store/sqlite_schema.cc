#include "store/sqlite_schema.h"

#include "store/migrations.h"

namespace podium::store {

Result<int> ReadSqliteSchema(SqlConnection& connection, const std::string& path) {
  PODIUM_TRY_ASSIGN(
      const std::int64_t tracked,
      CountOf(connection, "SELECT count(*) FROM sqlite_schema WHERE name = 'schema_migrations'"));
  if (tracked > 0) return ReadSchema(connection, "the registry file " + path);
  PODIUM_TRY_ASSIGN(const std::int64_t others,
                    CountOf(connection, "SELECT count(*) FROM sqlite_schema"));
  if (others == 0) return 0;
  return Fail(ErrorCode::kUnprocessable,
              "{} is a SQLite database of something else than podium: name another file", path);
}

Status MigrateSqlite(SqlConnection& connection, const std::string& path, const Clock& clock,
                     int target) {
  {
    // One view for all that is read: between two reads another process may migrate.
    PODIUM_TRY_ASSIGN(const Transaction view,
                      Transaction::Begin(connection, Transaction::Kind::kRead));
    PODIUM_TRY_ASSIGN(const int seen, ReadSqliteSchema(connection, path));
    if (seen >= target) return {};
  }
  PODIUM_TRY_ASSIGN(Transaction transaction,
                    Transaction::Begin(connection, Transaction::Kind::kWrite));
  // Read again under the lock: another process may have been quicker.
  PODIUM_TRY_ASSIGN(const int current, ReadSqliteSchema(connection, path));
  PODIUM_TRY(connection.Execute(
      "CREATE TABLE IF NOT EXISTS schema_migrations (version INTEGER PRIMARY KEY, "
      "name TEXT NOT NULL, applied_at INTEGER NOT NULL) STRICT"));
  PODIUM_TRY(RunMigrations(connection, SqlDialect::kSqlite, current, target, clock.Now()));
  return transaction.Commit();
}

}  // namespace podium::store
