#include "store/sqlite_backup.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <system_error>
#include <utility>

#include "store/migrations.h"
#include "store/sqlite_connection.h"
#include "store/sqlite_file.h"
#include "store/sqlite_schema.h"

namespace podium::store {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::seconds kPatience{5};

Failure CannotWrite(const std::string& path, const std::error_code& why) {
  return Fail(ErrorCode::kUnavailable, "{} cannot be written: {}", path, why.message());
}

Failure IsThere(const std::string& path) {
  return Fail(ErrorCode::kConflict, "{} is there already: name a new file", path);
}

/// A file that is gone again unless it was given its real name.
class DraftFile {
 public:
  /// In the directory of `target`, so that a rename is all it takes.
  static Result<DraftFile> Make(const std::string& target) {
    std::string name = target + ".XXXXXX";
    const int file = ::mkstemp(name.data());  // Mode 0600.
    if (file < 0) {
      return CannotWrite(target, std::error_code(errno, std::generic_category()));
    }
    ::close(file);
    return DraftFile(std::move(name));
  }
  DraftFile(DraftFile&& other) noexcept : name_(std::exchange(other.name_, "")) {}
  DraftFile& operator=(DraftFile&&) = delete;
  ~DraftFile() {
    if (name_.empty()) return;
    std::error_code ignored;
    for (const char* end : {"", "-wal", "-shm", "-journal"}) fs::remove(name_ + end, ignored);
  }
  const std::string& name() const { return name_; }

  /// Durable under `target` from now on, in the place of whatever was there.
  Status Replace(const std::string& target) && {
    PODIUM_TRY(Sync(name_));
    std::error_code failed;
    fs::rename(name_, target, failed);
    if (failed) return CannotWrite(target, failed);
    // Whoever has only read it may have left an empty log.
    for (const char* end : {"-wal", "-shm"}) fs::remove(name_ + end, failed);
    name_.clear();
    return SyncDirectoryOf(target);
  }
  /// The same, but kConflict when something has come to be there: a link, unlike a rename, replaces
  /// nothing.
  Status PublishNew(const std::string& target) && {
    PODIUM_TRY(Sync(name_));
    std::error_code failed;
    fs::create_hard_link(name_, target, failed);
    if (failed == std::errc::file_exists) return IsThere(target);
    if (failed) return CannotWrite(target, failed);
    return SyncDirectoryOf(target);
  }

 private:
  explicit DraftFile(std::string name) : name_(std::move(name)) {}

  static Status SyncDirectoryOf(const std::string& path) {
    const fs::path directory = fs::path(path).parent_path();
    return Sync(directory.empty() ? "." : directory.string());
  }
  static Status Sync(const std::string& path) {
    const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    const bool synced = file >= 0 && ::fsync(file) == 0;
    const std::error_code why(errno, std::generic_category());
    if (file >= 0) ::close(file);
    if (synced) return {};
    return Fail(ErrorCode::kUnavailable, "{} cannot be made durable: {}", path, why.message());
  }

  std::string name_;
};

Result<std::unique_ptr<SqliteConnection>> OpenExisting(const std::string& path) {
  std::error_code ignored;
  if (!fs::is_regular_file(path, ignored)) {
    return Fail(ErrorCode::kNotFound, "there is no registry file {}", path);
  }
  return OpenReader(path, kPatience);
}

Result<int> SchemaOf(SqlConnection& connection, const std::string& path) {
  PODIUM_TRY_ASSIGN(const int schema, ReadSqliteSchema(connection, path));
  if (schema > 0) return schema;
  return Fail(ErrorCode::kUnprocessable, "{} is empty: it is no registry yet", path);
}

Result<std::string> FirstLineOf(SqlConnection& connection, std::string_view sql) {
  Query query(connection, sql);
  PODIUM_TRY_ASSIGN(const bool found, query.Next());
  return found ? query.Text(0) : "";
}

Result<SqliteReport> Check(SqlConnection& connection, const std::string& path,
                           const WorkProgress& progress) {
  SqliteReport report;
  PODIUM_TRY_ASSIGN(const Transaction view,
                    Transaction::Begin(connection, Transaction::Kind::kRead));
  PODIUM_TRY_ASSIGN(const int schema, SchemaOf(connection, path));
  PODIUM_TRY_ASSIGN(report.facts, ReadFacts(connection, schema));
  PODIUM_TRY_ASSIGN(std::string found, FirstLineOf(connection, "PRAGMA integrity_check(1)"));
  if (found != "ok") report.damage = std::move(found);
  PODIUM_TRY_ASSIGN(report.audit, WalkAudit(connection, progress));
  std::error_code ignored;
  report.bytes = static_cast<std::int64_t>(fs::file_size(path, ignored));
  return report;
}

Status RefuseUnlessSound(const std::string& path, const SqliteReport& report) {
  if (!report.damage.empty()) {
    return Fail(ErrorCode::kUnprocessable, "{} is damaged: {}", path, report.damage);
  }
  if (!report.audit.intact()) {
    return Fail(ErrorCode::kUnprocessable, "the audit trail in {} is broken: {}", path,
                report.audit.problem);
  }
  return {};
}

bool Says(const Error& error, std::string_view words) {
  return error.message.find(words) != std::string::npos;
}

// By the lock that SQLite holds on a file in WAL mode for as long as it has it open.
bool IsOpenElsewhere(const std::string& path) {
  constexpr off_t kSharedFirst = 0x40000002;  // Of SQLite's file format, as the size.
  constexpr off_t kSharedSize = 510;
  const int file = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
  if (file < 0) return false;
  struct flock lock{};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  lock.l_start = kSharedFirst;
  lock.l_len = kSharedSize;
  const bool held = ::fcntl(file, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
  ::close(file);
  return held;
}

Result<std::string> LeaveLog(const std::string& path) {
  PODIUM_TRY_ASSIGN(const std::unique_ptr<SqliteConnection> connection,
                    SqliteConnection::Open(path, std::chrono::milliseconds(0)));
  return FirstLineOf(*connection, "PRAGMA journal_mode = DELETE");
}

// Nobody else may have it open: SQLite leaves its log only when it is alone with the file. What the
// log held is in the file afterwards. A damaged file keeps its log.
Status TakeForOurselves(const std::string& path) {
  const Result<std::string> mode = LeaveLog(path);
  if (mode && *mode == "delete") return {};
  if (!mode && !Says(mode.error(), "is locked by another process")) {
    const bool damaged =
        Says(mode.error(), "is damaged (") || Says(mode.error(), "is not a SQLite database");
    if (!damaged) return Fail(mode.error());
    if (!IsOpenElsewhere(path)) return {};
  }
  return Fail(ErrorCode::kConflict,
              "the registry file {} is in use: stop the podium that has it open, then try again",
              path);
}

// "podium.db.replaced-7-412": by the epoch and revision that it has, or by the time where it cannot
// be read.
std::string NameOfReplaced(const std::string& path, const Result<RegistryFacts>& facts,
                           const Clock& clock) {
  std::error_code ignored;
  if (facts) {
    const Head& head = facts->head;
    const std::string kept =
        fmt::format("{}.replaced-{}-{}", path, head.epoch, head.revision.get());
    // From a restore that failed later on it may be there already.
    if (!fs::exists(kept, ignored) || fs::equivalent(kept, path, ignored)) return kept;
  }
  return fmt::format("{}.replaced-at-{}", path, clock.Now().time_since_epoch().count());
}

// With its log, if that could not be written into it. Nothing for an empty file, as made just now.
Result<std::string> KeepReplaced(const std::string& path, const Result<RegistryFacts>& facts,
                                 const Clock& clock) {
  std::error_code failed;
  if (fs::file_size(path, failed) == 0) return std::string();
  std::string kept = NameOfReplaced(path, facts, clock);
  for (const char* end : {"", "-wal"}) {
    if (!fs::exists(path + end, failed) || fs::equivalent(path + end, kept + end, failed)) continue;
    fs::create_hard_link(path + end, kept + end, failed);
    if (failed) {
      return Fail(ErrorCode::kUnavailable, "the registry file {} cannot be kept as {}: {}", path,
                  kept + end, failed.message());
    }
  }
  return kept;
}

// The log of a damaged file would be played into what takes its place.
void RemoveLogsOf(const std::string& path) {
  std::error_code ignored;
  for (const char* end : {"-wal", "-shm", "-journal"}) fs::remove(path + end, ignored);
}

Status RaiseEpochIn(const std::string& path, std::uint32_t above, const std::string& reason,
                    const Clock& clock) {
  PODIUM_TRY_ASSIGN(const std::unique_ptr<SqliteConnection> connection,
                    OpenWriter(path, kPatience));
  PODIUM_TRY(MigrateSqlite(*connection, path, clock));
  PODIUM_TRY_ASSIGN(Transaction transaction,
                    Transaction::Begin(*connection, Transaction::Kind::kWrite));
  PODIUM_TRY(RaiseEpoch(*connection, above, reason, clock.Now()));
  PODIUM_TRY(transaction.Commit());
  // Without a log beside it, so that a rename takes all of it along.
  PODIUM_TRY(FirstLineOf(*connection, "PRAGMA journal_mode = DELETE"));
  return {};
}

}  // namespace

Result<RegistryFacts> ReadSqliteFacts(const std::string& path) {
  PODIUM_TRY_ASSIGN(const std::unique_ptr<SqliteConnection> connection, OpenExisting(path));
  PODIUM_TRY_ASSIGN(const Transaction view,
                    Transaction::Begin(*connection, Transaction::Kind::kRead));
  PODIUM_TRY_ASSIGN(const int schema, SchemaOf(*connection, path));
  return ReadFacts(*connection, schema);
}

Result<SqliteReport> CheckSqlite(const std::string& path, const WorkProgress& progress) {
  PODIUM_TRY_ASSIGN(const std::unique_ptr<SqliteConnection> connection, OpenExisting(path));
  return Check(*connection, path, progress);
}

Result<SqliteReport> BackUpSqlite(const std::string& from, const std::string& to,
                                  const WorkProgress& progress) {
  std::error_code ignored;
  if (fs::exists(to, ignored)) return IsThere(to);
  PODIUM_TRY_ASSIGN(const std::unique_ptr<SqliteConnection> source, OpenExisting(from));
  PODIUM_TRY(SchemaOf(*source, from));
  PODIUM_TRY_ASSIGN(DraftFile draft, DraftFile::Make(to));
  PODIUM_TRY(source->CopyTo(draft.name(), progress));
  PODIUM_TRY_ASSIGN(SqliteReport report, CheckSqlite(draft.name(), nullptr));
  PODIUM_TRY(RefuseUnlessSound(from, report));
  PODIUM_TRY(std::move(draft).PublishNew(to));
  return report;
}

Result<SqliteRestored> RestoreSqlite(const std::string& backup, const std::string& to,
                                     const Clock& clock, const WorkProgress& progress) {
  PODIUM_TRY_ASSIGN(const SqliteReport report, CheckSqlite(backup, nullptr));
  PODIUM_TRY(RefuseUnlessSound(backup, report));
  PODIUM_TRY(CreateRegistryFile(to));  // Its directory too, where nothing is yet.
  PODIUM_TRY(TakeForOurselves(to));
  SqliteRestored restored;
  std::uint32_t above = report.facts.head.epoch;
  // One that is empty, or no longer readable, has no epoch to keep up with.
  const Result<RegistryFacts> before = ReadSqliteFacts(to);
  if (before) above = std::max(above, before->head.epoch);
  PODIUM_TRY_ASSIGN(restored.replaced, KeepReplaced(to, before, clock));
  PODIUM_TRY_ASSIGN(const std::unique_ptr<SqliteConnection> source, OpenExisting(backup));
  PODIUM_TRY_ASSIGN(DraftFile draft, DraftFile::Make(to));
  PODIUM_TRY(source->CopyTo(draft.name(), progress));
  PODIUM_TRY(RaiseEpochIn(draft.name(), above, "restored from a backup", clock));
  PODIUM_TRY_ASSIGN(restored.facts, ReadSqliteFacts(draft.name()));
  RemoveLogsOf(to);
  PODIUM_TRY(std::move(draft).Replace(to));
  return restored;
}

}  // namespace podium::store
