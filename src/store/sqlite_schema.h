// The schema of a SQLite registry, and how an older file becomes a current one: forward only.
#pragma once

#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "store/migrations.h"
#include "store/sql_connection.h"

namespace podium::store {

/// The schema of the file, 0 for an empty one. Errors as below.
Result<int> ReadSqliteSchema(SqlConnection& connection, const std::string& path);

/// Brings the file to schema `target` in one transaction; safe when several processes do so at
/// once, and without a write lock when there is nothing to do.
/// kUnprocessable for a file that is newer than this binary, or not a registry at all.
Status MigrateSqlite(SqlConnection& connection, const std::string& path, const Clock& clock,
                     int target = NewestSchema());

}  // namespace podium::store
