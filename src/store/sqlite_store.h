// The registry in one SQLite file: the embedded default, no other process needed.
//
// One connection writes, a few read; several processes may share the file. Durable: WAL with
// synchronous=FULL, so a commit that was answered survives a power cut.
#pragma once

#include <chrono>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/limits.h"
#include "base/rng.h"
#include "store/sql_store.h"
#include "store/sqlite_connection.h"
#include "store/sqlite_file.h"
#include "store/sqlite_readers.h"

namespace podium::store {

struct SqliteOptions {
  /// How long a mutation waits for the write lock, here and in other processes.
  std::chrono::milliseconds busy_timeout = limits::kStoreBusyTimeout;
  int readers = limits::kControlThreads;
};

/// Threads: all methods from any thread.
class SqliteStore final : public SqlStore {
 public:
  /// Opens or creates the file (for its owner's eyes only) and its directory, and migrates it.
  /// `clock` and `rng` must outlive the store.
  static Result<std::unique_ptr<SqliteStore>> Open(const std::string& path, const Clock& clock,
                                                   Rng& rng, const SqliteOptions& options = {});

  Result<Revision> ReadRevision() override;
  std::unique_ptr<ChangeWatch> WatchChanges() override;

 private:
  SqliteStore(const std::string& path, std::unique_ptr<SqliteConnection> writer,
              std::vector<std::unique_ptr<SqliteConnection>> readers, const Clock& clock, Rng& rng,
              const SqliteOptions& options);
  Status Read(const Reading& reading) override;
  Status Write(const Writing& writing) override;
  /// The machine's clock: all who share the file are on one machine.
  Result<WallTime> Now(SqlConnection& connection) override;
  /// The writer's turn; kUnavailable when it does not come within the busy timeout.
  Result<std::unique_lock<std::timed_mutex>> TakeTurn();
  Result<Transaction> BeginWrite();

  const std::string path_;
  const SqliteOptions options_;
  std::timed_mutex writing_;
  std::unique_ptr<SqliteConnection> writer_;  // Protected by writing_.
  ReaderPool readers_;
  const WalFile wal_;
};

}  // namespace podium::store
