// The tables of a SQLite registry, and how an older file becomes a current one: forward only.
#pragma once

#include "base/clock.h"
#include "base/result.h"
#include "store/sqlite_connection.h"

namespace podium::store {

/// The newest schema that this binary knows.
extern const int kSchemaVersion;

/// Brings the file to kSchemaVersion in one transaction; safe when several processes do so at once,
/// and without a write lock when there is nothing to do.
/// kUnprocessable for a file that is newer than this binary, or not a registry at all.
Status MigrateSqlite(Connection& connection, const std::string& path, const Clock& clock);

}  // namespace podium::store
