// What the SQL adapters' shared code asks of a database: a connection, a query, a transaction.
// Errors come out as podium::Error with the sentence an operator needs.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace podium::store {

/// A prepared statement with what is bound to it and the row it stands on. Its connection owns it.
/// Threads: its connection's.
class SqlStatement {
 public:
  virtual ~SqlStatement() = default;

  /// Of $1, $2, … the one numbered `parameter`, from 1. Text may be given away after the call.
  virtual void BindText(int parameter, std::string_view text) = 0;
  virtual void BindInt(int parameter, std::int64_t number) = 0;
  virtual void BindNull(int parameter) = 0;

  virtual Result<bool> Next() = 0;  ///< True when there is a row, false at the end.
  virtual void Reset() = 0;         ///< To be bound and run again; what was bound is forgotten.

  virtual bool IsNull(int column) const = 0;
  virtual std::string_view Text(int column) const = 0;  ///< Until Next or Reset; "" for NULL.
  virtual std::int64_t Int(int column) const = 0;       ///< 0 for NULL and for text.
};

/// One connection with its prepared statements.
/// Threads: one at a time.
class SqlConnection {
 public:
  enum class Kind : std::uint8_t {
    kRead,   ///< One consistent view; waits for no writer.
    kWrite,  ///< Never fails half-way for another's lock that could have been waited for.
  };

  SqlConnection() = default;
  virtual ~SqlConnection() = default;
  SqlConnection(const SqlConnection&) = delete;
  SqlConnection& operator=(const SqlConnection&) = delete;

  /// Prepared once, then kept. One run of a text at a time.
  virtual Result<SqlStatement*> Prepare(std::string_view sql) = 0;
  /// Runs statements, in text, without parameters or rows.
  virtual Status Execute(const std::string& sql) = 0;

  virtual Status Begin(Kind kind) = 0;
  virtual Status Commit() = 0;
  virtual void RollBack() = 0;  ///< May find that the database has done so by itself.
};

/// One run of a prepared statement: Bind each of $1, $2, … in order, then Next until false.
/// The statement is reset when this ends.
class Query {
 public:
  Query(SqlConnection& connection, std::string_view sql);
  ~Query();
  Query(const Query&) = delete;
  Query& operator=(const Query&) = delete;

  Query& Bind(std::string_view text);
  Query& Bind(std::int64_t number);
  Query& BindOptional(const std::optional<std::int64_t>& number);
  Query& BindOptional(const std::optional<std::string>& text);

  Result<bool> Next();  ///< True when there is a row, false at the end.
  Status Run();         ///< To the end, for statements without rows.

  /// REQUIRES: of the row that Next came to.
  std::string Text(int column) const { return std::string(statement_->Text(column)); }
  std::optional<std::string> OptionalText(int column) const;
  std::int64_t Int(int column) const { return statement_->Int(column); }
  std::optional<std::int64_t> OptionalInt(int column) const;

 private:
  SqlStatement* statement_ = nullptr;  // The connection's; null when preparing failed.
  std::optional<Error> failed_;
  int bound_ = 0;
};

/// The number in the first column of the first row, for statements that always have one.
Result<std::int64_t> CountOf(SqlConnection& connection, std::string_view sql);

/// Rolls back unless committed.
class Transaction {
 public:
  using Kind = SqlConnection::Kind;
  static Result<Transaction> Begin(SqlConnection& connection, Kind kind);
  ~Transaction();
  Transaction(Transaction&& other) noexcept;
  Transaction& operator=(Transaction&&) = delete;
  Status Commit();

 private:
  explicit Transaction(SqlConnection& connection) : connection_(&connection) {}
  SqlConnection* connection_;  // Null when over.
};

}  // namespace podium::store
