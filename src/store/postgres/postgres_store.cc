#include "store/postgres/postgres_store.h"

#include <utility>

#include "store/postgres/postgres_change_watch.h"
#include "store/postgres/postgres_schema.h"
#include "store/sql.h"

namespace podium::store {
namespace {

// What the first statement of a write waits for, until its transaction ends.
constexpr std::string_view kTakeRegistry =
    "SELECT 1 FROM registry_revision WHERE id = 1 FOR UPDATE";
constexpr std::string_view kTakePrices = "LOCK TABLE prices IN SHARE ROW EXCLUSIVE MODE";

Error Doubtful(Error lost) {
  return std::move(lost).Wrap(
      ErrorCode::kUnavailable,
      "the database went away while this change was committed: see whether it is there (podium "
      "status) before you try again");
}

}  // namespace

Result<std::unique_ptr<PostgresStore>> PostgresStore::Open(const PostgresServer& server,
                                                           const Clock& clock, Rng& rng,
                                                           const PostgresOptions& options) {
  SqlTrouble trouble = SqlTrouble::kNone;
  auto first = PostgresConnection::Open(server, clock, &trouble);
  if (!first) {
    Error error = std::move(first).error();
    // Not a matter of waiting: whoever starts is to hear of it at once.
    if (trouble == SqlTrouble::kRefused) error.code = ErrorCode::kUnprocessable;
    return Fail(std::move(error));
  }
  PODIUM_TRY(MigratePostgres(**first, server));
  return std::unique_ptr<PostgresStore>(new PostgresStore(server, clock, rng, options));
}

PostgresStore::PostgresStore(const PostgresServer& server, const Clock& clock, Rng& rng,
                             const PostgresOptions& options)
    : SqlStore(clock, rng),
      direct_(options.direct.value_or(server)),
      options_(options),
      pool_(server, options.pool_size, clock) {}

std::unique_ptr<ChangeWatch> PostgresStore::WatchChanges() {
  return std::make_unique<PostgresChangeWatch>(direct_, clock_);
}

Status PostgresStore::Read(const Reading& reading) {
  for (int attempt = 1; true; ++attempt) {
    PODIUM_TRY_ASSIGN(const PostgresPool::Lease lease, pool_.Take());
    Status read = reading(*lease);
    const SqlTrouble trouble = (*lease).trouble();
    const bool again = trouble == SqlTrouble::kLost || trouble == SqlTrouble::kCollision;
    if (read || !again || attempt == limits::kDatabaseAttempts) return read;
  }
}

Status PostgresStore::Write(const Writing& writing) {
  std::unique_lock<std::timed_mutex> turn(changing_, std::defer_lock);
  if (writing.turn != WriteTurn::kRecords && !turn.try_lock_for(limits::kStoreBusyTimeout)) {
    return Fail(ErrorCode::kUnavailable, "the registry was busy with other changes: try again");
  }
  Progress progress;
  for (int attempt = 1; true; ++attempt) {
    Status written = WriteOnce(writing, progress);
    if (written) return written;
    if (progress.try_again && attempt < limits::kDatabaseAttempts) continue;
    return progress.in_doubt ? Fail(Doubtful(std::move(written).error())) : written;
  }
}

Status PostgresStore::WriteOnce(const Writing& writing, Progress& progress) {
  progress.try_again = false;
  PODIUM_TRY_ASSIGN(const PostgresPool::Lease lease, pool_.Take());
  Status written = WriteOn(*lease, writing, progress);
  if (written) return written;
  // What failed before its COMMIT was sent has left nothing: the server rolls it back. A COMMIT
  // without an answer may have been done; the next attempt looks.
  const SqlTrouble trouble = (*lease).trouble();
  progress.try_again = trouble == SqlTrouble::kLost || trouble == SqlTrouble::kCollision;
  progress.in_doubt = progress.in_doubt || (*lease).commit_in_doubt();
  if (trouble == SqlTrouble::kSilent && (*lease).commit_in_doubt() && writing.is_there) {
    progress.try_again = !std::exchange(progress.looked, true);
  }
  return written;
}

Status PostgresStore::WriteOn(PostgresConnection& connection, const Writing& writing,
                              Progress& progress) {
  PODIUM_TRY_ASSIGN(Transaction transaction,
                    Transaction::Begin(connection, Transaction::Kind::kWrite));
  PODIUM_TRY(TakeTurn(connection, writing.turn));
  if (progress.in_doubt && writing.is_there) {
    // It is our turn, so the transaction in doubt has ended, one way or the other: while its server
    // process still works on the COMMIT, it holds what we have just been given.
    PODIUM_TRY_ASSIGN(const bool there, writing.is_there(connection));
    if (there) return {};
  }
  progress.in_doubt = false;
  PODIUM_TRY_ASSIGN(const bool changed, writing.work(connection));
  if (!changed) return {};
  return transaction.Commit();
}

Status PostgresStore::TakeTurn(SqlConnection& connection, WriteTurn turn) {
  switch (turn) {
    case WriteTurn::kRegistry:
      return Query(connection, kTakeRegistry).Run();
    case WriteTurn::kPrices:
      return Query(connection, kTakePrices).Run();
    case WriteTurn::kRecords:
      return {};
  }
  return {};
}

// After the turn was taken, so that it is not before the last commit's by more than the clock's
// own steps; MakeStamp sees to those.
Result<WallTime> PostgresStore::Now(SqlConnection& connection) {
  if (options_.dated_by != nullptr) return options_.dated_by->Now();
  return ReadPostgresClock(connection);
}

Result<Head> RaisePostgresEpoch(PostgresConnection& connection, std::uint32_t above,
                                const std::string& reason) {
  PODIUM_TRY_ASSIGN(Transaction transaction,
                    Transaction::Begin(connection, Transaction::Kind::kWrite));
  // Before the head is read: a commit in between would be overwritten by what was read.
  PODIUM_TRY(Query(connection, kTakeRegistry).Run());
  PODIUM_TRY_ASSIGN(const WallTime now, ReadPostgresClock(connection));
  PODIUM_TRY_ASSIGN(Head head, RaiseEpoch(connection, above, reason, now));
  PODIUM_TRY(transaction.Commit());
  return head;
}

}  // namespace podium::store
