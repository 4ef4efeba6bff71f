// SQLite's C interface behind values: a connection, a query, a transaction. Errors come out as
// podium::Error with the sentence an operator needs.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.h"

struct sqlite3;
struct sqlite3_stmt;

namespace podium::store {

/// One connection with its prepared statements.
/// Threads: one at a time.
class Connection {
 public:
  /// Opens or creates the file. SQLite itself waits up to `busy_timeout` for other processes.
  static Result<Connection> Open(const std::string& path, std::chrono::milliseconds busy_timeout);

  /// Runs statements without parameters or rows.
  Status Execute(const std::string& sql);
  void SetBusyTimeout(std::chrono::milliseconds timeout);
  /// kUnavailable when the file was moved or removed under us: what is written then would be lost
  /// with the process, however durable SQLite believes it to be.
  Status CheckInPlace();
  /// What the last call failed of.
  Error LastError();

 private:
  friend class Query;
  struct Close {
    void operator()(sqlite3* database) const;
  };
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const;
  };
  struct Prepared {
    std::unique_ptr<sqlite3_stmt, Finalize> statement;
    /// Of $1, $2, …: SQLite's numbers. It numbers them by first appearance, PostgreSQL by their
    /// digits, and looking one up by its name costs as much as binding it.
    std::vector<int> places;
  };
  Result<const Prepared*> Prepare(std::string_view sql);

  std::string path_;
  std::unique_ptr<sqlite3, Close> database_;
  bool has_bad_pages_ = false;  ///< SQLite has read damage, and keeps it in memory.
  // Behind database_, so that statements are finalized before it closes.
  std::unordered_map<std::string, Prepared> prepared_;
};

/// One run of a prepared statement: Bind each of $1, $2, … in order, then Next until false.
/// The statement is reset when this ends.
class Query {
 public:
  Query(Connection& connection, std::string_view sql);
  ~Query();
  Query(const Query&) = delete;
  Query& operator=(const Query&) = delete;

  Query& Bind(std::string_view text);
  Query& Bind(std::int64_t number);
  Query& BindOptional(const std::optional<std::int64_t>& number);
  Query& BindOptional(const std::optional<std::string>& text);

  Result<bool> Next();  ///< True when there is a row, false at the end.
  Status Run();         ///< To the end, for statements without rows.

  std::string Text(int column) const;
  std::optional<std::string> OptionalText(int column) const;
  std::int64_t Int(int column) const;
  std::optional<std::int64_t> OptionalInt(int column) const;

 private:
  int NextParameter();

  Connection& connection_;
  const Connection::Prepared* prepared_ = nullptr;
  sqlite3_stmt* statement_ = nullptr;  // Both the connection's; null when preparing failed.
  std::optional<Error> failed_;
  std::size_t bound_ = 0;
};

/// Rolls back unless committed.
class Transaction {
 public:
  enum class Kind : std::uint8_t {
    kRead,   ///< One consistent view; waits for no writer.
    kWrite,  ///< Takes the write lock at once, so that it never fails half-way as busy.
  };
  static Result<Transaction> Begin(Connection& connection, Kind kind);
  ~Transaction();
  Transaction(Transaction&& other) noexcept;
  Transaction& operator=(Transaction&&) = delete;
  Status Commit();

 private:
  explicit Transaction(Connection& connection) : connection_(&connection) {}
  Connection* connection_;  // Null when over.
};

}  // namespace podium::store
