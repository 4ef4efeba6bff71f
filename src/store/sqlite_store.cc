#include "store/sqlite_store.h"

#include <algorithm>
#include <utility>

#include "store/sql_rows.h"
#include "store/sqlite_change_watch.h"
#include "store/sqlite_schema.h"

namespace podium::store {

Result<std::unique_ptr<SqliteStore>> SqliteStore::Open(const std::string& path, const Clock& clock,
                                                       Rng& rng, const SqliteOptions& options) {
  PODIUM_TRY(CreateRegistryFile(path));
  PODIUM_TRY_ASSIGN(std::unique_ptr<SqliteConnection> writer,
                    OpenWriter(path, options.busy_timeout));
  PODIUM_TRY(MigrateSqlite(*writer, path, clock));
  // What a statement of many rows may have to undo stays in memory instead of a file of its own.
  // Not for migrations: an index of a large table is sorted there, too.
  PODIUM_TRY(writer->Execute("PRAGMA temp_store = MEMORY"));
  std::vector<std::unique_ptr<SqliteConnection>> readers;
  for (int i = 0; i < std::max(1, options.readers); ++i) {
    PODIUM_TRY_ASSIGN(std::unique_ptr<SqliteConnection> reader,
                      OpenReader(path, options.busy_timeout));
    readers.push_back(std::move(reader));
  }
  return std::unique_ptr<SqliteStore>(
      new SqliteStore(path, std::move(writer), std::move(readers), clock, rng, options));
}

SqliteStore::SqliteStore(const std::string& path, std::unique_ptr<SqliteConnection> writer,
                         std::vector<std::unique_ptr<SqliteConnection>> readers, const Clock& clock,
                         Rng& rng, const SqliteOptions& options)
    : SqlStore(clock, rng),
      path_(path),
      options_(options),
      writer_(std::move(writer)),
      readers_(std::move(readers)),
      wal_(path) {}

Result<std::unique_lock<std::timed_mutex>> SqliteStore::TakeTurn() {
  const SteadyTime asked = clock_.SteadyNow();
  std::unique_lock lock(writing_, options_.busy_timeout);
  if (!lock.owns_lock()) {
    return Fail(ErrorCode::kUnavailable, "the registry was busy with other changes: try again");
  }
  // What is left of the caller's patience after the wait for this process's own writers.
  const auto waited =
      std::chrono::duration_cast<std::chrono::milliseconds>(clock_.SteadyNow() - asked);
  writer_->SetBusyTimeout(std::max(options_.busy_timeout - waited, std::chrono::milliseconds(1)));
  return lock;
}

// REQUIRES: it is the caller's turn.
Result<Transaction> SqliteStore::BeginWrite() {
  PODIUM_TRY_ASSIGN(Transaction transaction,
                    Transaction::Begin(*writer_, Transaction::Kind::kWrite));
  PODIUM_TRY(writer_->CheckInPlace());
  PODIUM_TRY(wal_.CheckInPlace());
  return transaction;
}

Status SqliteStore::Read(const Reading& reading) {
  const ReaderPool::Lease reader = readers_.Take();
  return reading(*reader);
}

Status SqliteStore::Write(const Writing& writing) {
  PODIUM_TRY_ASSIGN(const std::unique_lock turn, TakeTurn());
  PODIUM_TRY_ASSIGN(Transaction transaction, BeginWrite());
  PODIUM_TRY_ASSIGN(const bool changed, writing.work(*writer_));
  if (!changed) return {};
  return transaction.Commit();
}

Result<WallTime> SqliteStore::Now(SqlConnection& /*connection*/) { return clock_.Now(); }

std::unique_ptr<ChangeWatch> SqliteStore::WatchChanges() {
  return std::make_unique<SqliteChangeWatch>(path_);
}

Result<Revision> SqliteStore::ReadRevision() {
  const ReaderPool::Lease reader = readers_.Take();
  PODIUM_TRY((*reader).CheckInPlace());
  PODIUM_TRY(wal_.CheckInPlace());
  PODIUM_TRY_ASSIGN(const Head head, ReadHead(*reader));
  return head.revision;
}

}  // namespace podium::store
