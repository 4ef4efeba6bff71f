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

}  // namespace

void Connection::Close::operator()(sqlite3* database) const { sqlite3_close(database); }
void Connection::Finalize::operator()(sqlite3_stmt* statement) const {
  sqlite3_finalize(statement);
}

Result<Connection> Connection::Open(const std::string& path,
                                    std::chrono::milliseconds busy_timeout) {
  Connection connection;
  connection.path_ = path;
  sqlite3* database = nullptr;
  // NOMUTEX: each connection is used by one thread at a time, as its owner sees to.
  const int code =
      sqlite3_open_v2(path.c_str(), &database,
                      SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, nullptr);
  connection.database_.reset(database);
  if (database == nullptr) return Fail(ErrorCode::kInternal, "no memory to open {}", path);
  sqlite3_extended_result_codes(database, 1);
  if (code != SQLITE_OK) return Fail(connection.LastError());
  // SQLite falls back to reading when it may not write: better said now than at the first change.
  if (sqlite3_db_readonly(database, "main") == 1) {
    return Fail(MakeError(SQLITE_READONLY, path, ""));
  }
  connection.SetBusyTimeout(busy_timeout);
  return connection;
}

Status Connection::CheckInPlace() {
  int moved = 0;
  const int asked = sqlite3_file_control(database_.get(), "main", SQLITE_FCNTL_HAS_MOVED, &moved);
  if (asked != SQLITE_OK || moved == 0) return {};
  return Fail(
      ErrorCode::kUnavailable,
      "the registry file {} was moved or removed while in use: put it back, or restart with "
      "the right --data",
      path_);
}

Error Connection::LastError() {
  const int code = sqlite3_errcode(database_.get()) & 0xFF;
  has_bad_pages_ = has_bad_pages_ || code == SQLITE_CORRUPT || code == SQLITE_NOTADB;
  return MakeError(sqlite3_extended_errcode(database_.get()), path_,
                   sqlite3_errmsg(database_.get()));
}

void Connection::SetBusyTimeout(std::chrono::milliseconds timeout) {
  sqlite3_busy_timeout(database_.get(), static_cast<int>(timeout.count()));
}

Status Connection::Execute(const std::string& sql) {
  if (sqlite3_exec(database_.get(), sql.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK) return {};
  return Fail(LastError());
}

Result<const Connection::Prepared*> Connection::Prepare(std::string_view sql) {
  // So that a file that was mended, or read wrongly once, is good again without a restart.
  if (std::exchange(has_bad_pages_, false)) sqlite3_db_release_memory(database_.get());
  auto& slot = prepared_[std::string(sql)];
  if (slot.statement == nullptr) {
    sqlite3_stmt* statement = nullptr;
    const int code = sqlite3_prepare_v3(database_.get(), sql.data(), static_cast<int>(sql.size()),
                                        SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
    if (code != SQLITE_OK) return Fail(LastError());
    slot.statement.reset(statement);
    for (int i = 1; i <= sqlite3_bind_parameter_count(statement); ++i) {
      slot.places.push_back(sqlite3_bind_parameter_index(statement, fmt::format("${}", i).c_str()));
    }
  }
  return &slot;
}

Query::Query(Connection& connection, std::string_view sql) : connection_(connection) {
  Result<const Connection::Prepared*> prepared = connection.Prepare(sql);
  if (prepared) {
    prepared_ = *prepared;
    statement_ = prepared_->statement.get();
  } else {
    failed_ = std::move(prepared).error();
  }
}

Query::~Query() {
  if (statement_ == nullptr) return;
  sqlite3_reset(statement_);
  sqlite3_clear_bindings(statement_);
}

int Query::NextParameter() {
  PODIUM_ASSERT(bound_ < prepared_->places.size() && prepared_->places[bound_] > 0);
  return prepared_->places[bound_++];
}

Query& Query::Bind(std::string_view text) {
  if (statement_ == nullptr) return *this;
  sqlite3_bind_text64(statement_, NextParameter(), text.data(), text.size(), SQLITE_TRANSIENT,
                      SQLITE_UTF8);
  return *this;
}

Query& Query::Bind(std::int64_t number) {
  if (statement_ == nullptr) return *this;
  sqlite3_bind_int64(statement_, NextParameter(), number);
  return *this;
}

Query& Query::BindOptional(const std::optional<std::int64_t>& number) {
  if (number) return Bind(*number);
  if (statement_ != nullptr) sqlite3_bind_null(statement_, NextParameter());
  return *this;
}

Query& Query::BindOptional(const std::optional<std::string>& text) {
  if (text) return Bind(std::string_view(*text));
  if (statement_ != nullptr) sqlite3_bind_null(statement_, NextParameter());
  return *this;
}

Result<bool> Query::Next() {
  if (failed_) return Fail(*failed_);
  switch (sqlite3_step(statement_)) {
    case SQLITE_ROW:
      return true;
    case SQLITE_DONE:
      return false;
    default:
      return Fail(connection_.LastError());
  }
}

Status Query::Run() {
  while (true) {
    PODIUM_TRY_ASSIGN(const bool more, Next());
    if (!more) return {};
  }
}

std::string Query::Text(int column) const {
  const unsigned char* text = sqlite3_column_text(statement_, column);
  if (text == nullptr) return "";
  return {reinterpret_cast<const char*>(text),
          static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
}

std::optional<std::string> Query::OptionalText(int column) const {
  if (sqlite3_column_type(statement_, column) == SQLITE_NULL) return std::nullopt;
  return Text(column);
}

std::int64_t Query::Int(int column) const { return sqlite3_column_int64(statement_, column); }

std::optional<std::int64_t> Query::OptionalInt(int column) const {
  if (sqlite3_column_type(statement_, column) == SQLITE_NULL) return std::nullopt;
  return Int(column);
}

Result<Transaction> Transaction::Begin(Connection& connection, Kind kind) {
  Query begin(connection, kind == Kind::kWrite ? "BEGIN IMMEDIATE" : "BEGIN");
  PODIUM_TRY(begin.Run());
  return Transaction(connection);
}

Transaction::Transaction(Transaction&& other) noexcept
    : connection_(std::exchange(other.connection_, nullptr)) {}

Transaction::~Transaction() {
  if (connection_ == nullptr) return;
  // May fail when SQLite has rolled back by itself (disk full): then there is nothing left to do.
  const Status ignored = Query(*connection_, "ROLLBACK").Run();
  static_cast<void>(ignored);
}

Status Transaction::Commit() {
  PODIUM_TRY(Query(*connection_, "COMMIT").Run());
  connection_ = nullptr;
  return {};
}

}  // namespace podium::store
