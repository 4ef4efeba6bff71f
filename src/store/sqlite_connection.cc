#include "store/sqlite_connection.h"

#include <sqlite3.h>

#include <utility>

#include "base/assert.h"

namespace podium::store {
namespace {

// A log that belongs to another file would be played into the copy, and ruin that too.
constexpr std::string_view kRestore =
    "restore it from a backup (stop podium, move the file and its -wal and -shm away, put the "
    "backup in its place)";

Error MakeError(int extended_code, const std::string& path, const char* message) {
  const auto error = [](ErrorCode code, std::string text) {
    return Error{code, std::move(text), "", nullptr};
  };
  switch (extended_code & 0xFF) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return error(
          ErrorCode::kUnavailable,
          fmt::format("the registry file {} is locked by another process: try again", path));
    case SQLITE_FULL:
      return error(
          ErrorCode::kUnavailable,
          fmt::format("the disk of the registry file {} is full: free some space, then try again",
                      path));
    case SQLITE_READONLY:
    case SQLITE_PERM:
      return error(ErrorCode::kUnavailable,
                   fmt::format("the registry file {} is read-only: make it and its directory "
                               "writable for the user that runs podium",
                               path));
    case SQLITE_IOERR:
      return error(ErrorCode::kUnavailable,
                   fmt::format("the registry file {} failed to read or write ({}, code {}): check "
                               "the disk",
                               path, message, extended_code));
    case SQLITE_CANTOPEN:
      return error(ErrorCode::kUnavailable,
                   fmt::format("the registry file {} cannot be opened: check that it is a file and "
                               "that the user that runs podium may read and write it",
                               path));
    case SQLITE_CORRUPT:
      return error(ErrorCode::kUnavailable, fmt::format("the registry file {} is damaged ({}): {}",
                                                        path, message, kRestore));
    case SQLITE_NOTADB:
      return error(
          ErrorCode::kUnavailable,
          fmt::format("the registry file {} is not a SQLite database, or its head was destroyed: "
                      "name another file, or {}",
                      path, kRestore));
    case SQLITE_CONSTRAINT:
      if (extended_code == SQLITE_CONSTRAINT_UNIQUE ||
          extended_code == SQLITE_CONSTRAINT_PRIMARYKEY) {
        return error(ErrorCode::kConflict,
                     fmt::format("the registry refused a second row in one place ({}): re-read and "
                                 "retry",
                                 message));
      }
      [[fallthrough]];
    default:
      return error(ErrorCode::kInternal, fmt::format("the registry file {} refused: {} (code {})",
                                                     path, message, extended_code));
  }
}

/// With `?7` for `$7`: SQLite takes a number as it is, and looks for a name among all that came
/// before it, which for the parameters of many rows takes longer than to store them.
std::string WithNumbers(std::string_view sql) {
  std::string text(sql);
  char quote = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (quote != 0) {
      if (text[i] == quote) quote = 0;
    } else if (text[i] == '\'' || text[i] == '"') {
      quote = text[i];
    } else if (text[i] == '$') {
      text[i] = '?';
    }
  }
  PODIUM_ASSERT(quote == 0);
  return text;
}

}  // namespace

class SqliteConnection::Statement final : public SqlStatement {
 public:
  Statement(SqliteConnection& connection, sqlite3_stmt* statement)
      : connection_(connection), statement_(statement) {}
  ~Statement() override { sqlite3_finalize(statement_); }
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  void BindText(int parameter, std::string_view text) override {
    Check(sqlite3_bind_text64(statement_, parameter, text.data(), text.size(), SQLITE_TRANSIENT,
                              SQLITE_UTF8));
  }
  void BindInt(int parameter, std::int64_t number) override {
    Check(sqlite3_bind_int64(statement_, parameter, number));
  }
  void BindNull(int parameter) override { Check(sqlite3_bind_null(statement_, parameter)); }

  Result<bool> Next() override {
    switch (sqlite3_step(statement_)) {
      case SQLITE_ROW:
        return true;
      case SQLITE_DONE:
        return false;
      default:
        return Fail(connection_.LastError());
    }
  }
  void Reset() override {
    sqlite3_reset(statement_);
    sqlite3_clear_bindings(statement_);
  }

  bool IsNull(int column) const override {
    return sqlite3_column_type(statement_, column) == SQLITE_NULL;
  }
  std::string_view Text(int column) const override {
    const unsigned char* text = sqlite3_column_text(statement_, column);
    if (text == nullptr) return "";
    return {reinterpret_cast<const char*>(text),
            static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
  }
  std::int64_t Int(int column) const override { return sqlite3_column_int64(statement_, column); }

 private:
  /// A statement that has no such parameter is a mistake of ours.
  static void Check(int bound) { PODIUM_ASSERT(bound != SQLITE_RANGE); }

  SqliteConnection& connection_;
  sqlite3_stmt* statement_;
};

void SqliteConnection::Close::operator()(sqlite3* database) const { sqlite3_close(database); }

SqliteConnection::SqliteConnection() = default;
SqliteConnection::~SqliteConnection() = default;

Result<std::unique_ptr<SqliteConnection>> SqliteConnection::Open(
    const std::string& path, std::chrono::milliseconds busy_timeout) {
  std::unique_ptr<SqliteConnection> connection(new SqliteConnection);
  connection->path_ = path;
  sqlite3* database = nullptr;
  // NOMUTEX: each connection is used by one thread at a time, as its owner sees to.
  const int code =
      sqlite3_open_v2(path.c_str(), &database,
                      SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, nullptr);
  connection->database_.reset(database);
  if (database == nullptr) return Fail(ErrorCode::kInternal, "no memory to open {}", path);
  sqlite3_extended_result_codes(database, 1);
  if (code != SQLITE_OK) return Fail(connection->LastError());
  // SQLite falls back to reading when it may not write: better said now than at the first change.
  if (sqlite3_db_readonly(database, "main") == 1) {
    return Fail(MakeError(SQLITE_READONLY, path, ""));
  }
  connection->SetBusyTimeout(busy_timeout);
  return connection;
}

Status SqliteConnection::CheckInPlace() {
  int moved = 0;
  const int asked = sqlite3_file_control(database_.get(), "main", SQLITE_FCNTL_HAS_MOVED, &moved);
  if (asked != SQLITE_OK || moved == 0) return {};
  return Fail(
      ErrorCode::kUnavailable,
      "the registry file {} was moved or removed while in use: put it back, or restart with "
      "the right --data",
      path_);
}

// Through SQLite's own mapping: to open and close the file of it beside SQLite would drop the locks
// that this process holds there. The layout of the head is fixed (sqlite.org/walformat.html, 2.1).
// Other threads write there while we read, as other processes do: a torn head is allowed for.
__attribute__((no_sanitize("thread"))) std::optional<SqliteWalHead>
SqliteConnection::PeekWalHead() {
  constexpr int kFirstPage = 0;
  constexpr int kPageBytes = 32'768;
  sqlite3_file* file = nullptr;
  const int asked = sqlite3_file_control(database_.get(), "main", SQLITE_FCNTL_FILE_POINTER,
                                         static_cast<void*>(&file));
  if (asked != SQLITE_OK || file == nullptr || file->pMethods == nullptr ||
      file->pMethods->iVersion < 2 || file->pMethods->xShmMap == nullptr) {
    return std::nullopt;
  }
  void volatile* page = nullptr;
  const int mapped = file->pMethods->xShmMap(file, kFirstPage, kPageBytes, 0, &page);
  if (mapped != SQLITE_OK || page == nullptr) return std::nullopt;
  const auto* words = static_cast<const volatile std::uint32_t*>(page);
  SqliteWalHead head;
  for (std::size_t i = 0; i < head.size(); ++i) head[i] = words[i];
  return head;
}

Error SqliteConnection::LastError() {
  const int code = sqlite3_errcode(database_.get()) & 0xFF;
  has_bad_pages_ = has_bad_pages_ || code == SQLITE_CORRUPT || code == SQLITE_NOTADB;
  return MakeError(sqlite3_extended_errcode(database_.get()), path_,
                   sqlite3_errmsg(database_.get()));
}

void SqliteConnection::SetBusyTimeout(std::chrono::milliseconds timeout) {
  sqlite3_busy_timeout(database_.get(), static_cast<int>(timeout.count()));
}

Status SqliteConnection::Execute(const std::string& sql) {
  if (sqlite3_exec(database_.get(), sql.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK) return {};
  return Fail(LastError());
}

Result<SqlStatement*> SqliteConnection::Prepare(std::string_view sql) {
  // So that a file that was mended, or read wrongly once, is good again without a restart.
  if (std::exchange(has_bad_pages_, false)) sqlite3_db_release_memory(database_.get());
  auto& slot = prepared_[std::string(sql)];
  if (slot == nullptr) {
    sqlite3_stmt* statement = nullptr;
    const std::string text = WithNumbers(sql);
    const int code = sqlite3_prepare_v3(database_.get(), text.data(), static_cast<int>(text.size()),
                                        SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
    if (code != SQLITE_OK) return Fail(LastError());
    slot = std::make_unique<Statement>(*this, statement);
  }
  return slot.get();
}

Status SqliteConnection::CopyTo(const std::string& path,
                                const std::function<void(std::int64_t, std::int64_t)>& progress) {
  constexpr int kPages = 1000;
  PODIUM_TRY_ASSIGN(const std::unique_ptr<SqliteConnection> target,
                    Open(path, std::chrono::milliseconds(0)));
  // In one view: a copy that began anew with every change of another process might never end.
  PODIUM_TRY_ASSIGN(const Transaction view, Transaction::Begin(*this, Kind::kRead));
  PODIUM_TRY(Query(*this, "SELECT count(*) FROM sqlite_schema").Run());
  sqlite3_backup* backup =
      sqlite3_backup_init(target->database_.get(), "main", database_.get(), "main");
  if (backup == nullptr) return Fail(target->LastError());
  int code = SQLITE_OK;
  while (code == SQLITE_OK) {
    code = sqlite3_backup_step(backup, kPages);
    const std::int64_t total = sqlite3_backup_pagecount(backup);
    if (progress) progress(total - sqlite3_backup_remaining(backup), total);
  }
  sqlite3_backup_finish(backup);
  if (code == SQLITE_DONE) return {};
  return Fail(MakeError(code, path_, sqlite3_errstr(code)));
}

Status SqliteConnection::Begin(Kind kind) {
  return Query(*this, kind == Kind::kWrite ? "BEGIN IMMEDIATE" : "BEGIN").Run();
}

Status SqliteConnection::Commit() { return Query(*this, "COMMIT").Run(); }

void SqliteConnection::RollBack() {
  // May fail when SQLite has rolled back by itself (disk full): then there is nothing left to do.
  const Status ignored = Query(*this, "ROLLBACK").Run();
  static_cast<void>(ignored);
}

}  // namespace podium::store
