// The registry's tables as a list of steps, for all databases that speak SQL.
//
// Forward only. A step that replicas of the release before must survive expands: it adds tables,
// columns with defaults, indexes. What nobody reads any more is contracted a release later.
// A new step: a file migration_<what>.cc, its declaration here, its place at the end of the list in
// migrations.cc, and a test that upgrades a registry of the step before.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "store/sql_connection.h"

namespace podium::store {

enum class SqlDialect : std::uint8_t { kSqlite, kPostgres };

/// Brings schema n-1 to n, where n is its place in the list, from 1.
struct Migration {
  const char* name;
  const char* sqlite;    ///< Statements for SQLite.
  const char* postgres;  ///< The same tables for PostgreSQL.
  /// What SQL alone cannot say. Runs when the tables are as this binary knows them, since it reads
  /// them as such: behind the statements of every step.
  Status (*fill)(SqlConnection&) = nullptr;
};

extern const Migration kSpineMigration;
extern const Migration kHistoryMigration;
extern const Migration kCostsMigration;
extern const Migration kReplicasMigration;
extern const Migration kModelsMigration;
extern const Migration kIdempotencyMigration;
extern const Migration kFollowMigration;
extern const Migration kRolloutsMigration;
extern const Migration kShadowMigration;
extern const Migration kPredictionsMigration;
extern const Migration kRolloutVersionsMigration;
extern const Migration kChallengersMigration;

std::span<const Migration* const> Migrations();
/// The schema that `step` brings. REQUIRES: it is in the list.
int NumberOf(const Migration& step);

/// The newest schema that this binary knows.
int NewestSchema();

/// The schema of a registry that has the table schema_migrations. kUnprocessable, with both
/// numbers, for one that is newer than this binary; `where` names the database.
Result<int> ReadSchema(SqlConnection& connection, std::string_view where);

/// Runs the steps above `current` up to `target`, and notes each. Callers own the transaction, with
/// a lock that keeps others from migrating meanwhile. The error names the step that failed.
Status RunMigrations(SqlConnection& connection, SqlDialect dialect, int current, int target,
                     WallTime now);

}  // namespace podium::store
