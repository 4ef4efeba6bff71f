// The registry in PostgreSQL 15 or later: the one that many replicas share.
//
// Whoever changes the registry holds the row of `registry_revision` FOR UPDATE until the commit, so
// the database gives the turns: between processes, and to SQL by hand (triggers take it too).
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/limits.h"
#include "base/rng.h"
#include "store/postgres/postgres_pool.h"
#include "store/sql_audit.h"
#include "store/sql_store.h"

namespace podium::store {

struct PostgresOptions {
  int pool_size = limits::kDatabasePool;
  /// Where notices are listened for, if not at the same place: a pooler that lends connections for
  /// one transaction loses them silently.
  std::optional<PostgresServer> direct = {};
  /// In place of the database's clock, for tests in virtual time; must outlive the store.
  const Clock* dated_by = nullptr;
};

/// Threads: all methods from any thread; each waits for one connection of the pool.
class PostgresStore final : public SqlStore {
 public:
  /// Connects once and migrates. `clock` and `rng` must outlive the store.
  static Result<std::unique_ptr<PostgresStore>> Open(const PostgresServer& server,
                                                     const Clock& clock, Rng& rng,
                                                     const PostgresOptions& options = {});
  std::unique_ptr<ChangeWatch> WatchChanges() override;

 private:
  PostgresStore(const PostgresServer& server, const Clock& clock, Rng& rng,
                const PostgresOptions& options);

  /// Again on another connection when one was lost: nothing was written.
  Status Read(const Reading& reading) override;
  Status Write(const Writing& writing) override;
  Result<WallTime> Now(SqlConnection& connection) override;

  /// How far a Write has come, over its attempts.
  struct Progress {
    bool in_doubt = false;   ///< A commit's answer was lost: it may be there.
    bool looked = false;     ///< After a commit without an answer in time: once is enough.
    bool try_again = false;  ///< After a failure: another attempt may do.
  };
  Status WriteOnce(const Writing& writing, Progress& progress);
  Status WriteOn(PostgresConnection& connection, const Writing& writing, Progress& progress);
  Status TakeTurn(SqlConnection& connection, WriteTurn turn);

  const PostgresServer direct_;
  const PostgresOptions options_;
  PostgresPool pool_;
  std::timed_mutex changing_;  // Held by this process's changes, so that they wait without a lease.
};

/// RaiseEpoch (sql_audit.h) in its turn among the changes of the servers that run, dated by the
/// database.
Result<Head> RaisePostgresEpoch(PostgresConnection& connection, std::uint32_t above,
                                const std::string& reason);

}  // namespace podium::store
