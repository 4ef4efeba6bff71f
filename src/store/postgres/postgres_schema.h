// The schema of a PostgreSQL registry: one replica migrates, the others wait for it.
#pragma once

#include "base/clock.h"
#include "base/result.h"
#include "store/migrations.h"
#include "store/postgres/postgres_connection.h"

namespace podium::store {

/// What the database's own clock shows, within a transaction too.
Result<WallTime> ReadPostgresClock(SqlConnection& connection);

/// The schema of the database; 0 when nothing of podium is there. kUnprocessable for one that is
/// newer than this binary, or holds tables of our names that are not ours.
Result<int> ReadPostgresSchema(PostgresConnection& connection, const std::string& where);

/// Brings the database to schema `target` in one transaction, under an advisory lock that is waited
/// for up to limits::kMigrationWait; without any lock when there is nothing to do.
Status MigratePostgres(PostgresConnection& connection, const PostgresServer& server,
                       int target = NewestSchema());

}  // namespace podium::store
