// A SQLite registry copied while it is in use, and put back from such a copy.
#pragma once

#include <cstdint>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "store/sql_audit.h"

namespace podium::store {

/// What is in a file that was read without changing it.
struct SqliteReport {
  RegistryFacts facts;
  std::int64_t bytes = 0;
  std::string damage;  ///< What SQLite's own check found first; empty: nothing.
  AuditVerdict audit;
};

/// kNotFound when there is no file (none is made); kUnprocessable for one that is no registry, or
/// is newer than this binary.
Result<RegistryFacts> ReadSqliteFacts(const std::string& path);
/// SQLite's check of the file and the walk along the audit chain.
Result<SqliteReport> CheckSqlite(const std::string& path, const WorkProgress& progress);

/// Copies the registry, as it is at one moment, to a new file for its owner's eyes only; servers
/// may use it meanwhile. What stands at `to` is checked before it gets that name. kConflict when
/// there is something already.
Result<SqliteReport> BackUpSqlite(const std::string& from, const std::string& to,
                                  const WorkProgress& progress);

struct SqliteRestored {
  RegistryFacts facts;
  /// Where the file of before is now, damaged or not; empty: there was none.
  std::string replaced;
};
/// Puts a backup in the place of the registry at `to`, migrated, with an epoch above that of both.
/// The backup stays as it is. kConflict while a server has the registry open; kUnprocessable when
/// the backup is damaged or its audit chain is broken.
Result<SqliteRestored> RestoreSqlite(const std::string& backup, const std::string& to,
                                     const Clock& clock, const WorkProgress& progress);

}  // namespace podium::store
