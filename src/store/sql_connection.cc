#include "store/sql_connection.h"

#include <utility>

namespace podium::store {

Query::Query(SqlConnection& connection, std::string_view sql) {
  Result<SqlStatement*> prepared = connection.Prepare(sql);
  if (prepared) {
    statement_ = *prepared;
  } else {
    failed_ = std::move(prepared).error();
  }
}

Query::~Query() {
  if (statement_ != nullptr) statement_->Reset();
}

Query& Query::Bind(std::string_view text) {
  if (statement_ != nullptr) statement_->BindText(++bound_, text);
  return *this;
}

Query& Query::Bind(std::int64_t number) {
  if (statement_ != nullptr) statement_->BindInt(++bound_, number);
  return *this;
}

Query& Query::BindOptional(const std::optional<std::int64_t>& number) {
  if (number) return Bind(*number);
  if (statement_ != nullptr) statement_->BindNull(++bound_);
  return *this;
}

Query& Query::BindOptional(const std::optional<std::string>& text) {
  if (text) return Bind(std::string_view(*text));
  if (statement_ != nullptr) statement_->BindNull(++bound_);
  return *this;
}

Result<bool> Query::Next() {
  if (failed_) return Fail(*failed_);
  return statement_->Next();
}

Status Query::Run() {
  while (true) {
    PODIUM_TRY_ASSIGN(const bool more, Next());
    if (!more) return {};
  }
}

std::optional<std::string> Query::OptionalText(int column) const {
  if (statement_->IsNull(column)) return std::nullopt;
  return Text(column);
}

std::optional<std::int64_t> Query::OptionalInt(int column) const {
  if (statement_->IsNull(column)) return std::nullopt;
  return Int(column);
}

Result<std::int64_t> CountOf(SqlConnection& connection, std::string_view sql) {
  Query query(connection, sql);
  PODIUM_TRY(query.Next());
  return query.Int(0);
}

Result<Transaction> Transaction::Begin(SqlConnection& connection, Kind kind) {
  PODIUM_TRY(connection.Begin(kind));
  return Transaction(connection);
}

Transaction::Transaction(Transaction&& other) noexcept
    : connection_(std::exchange(other.connection_, nullptr)) {}

Transaction::~Transaction() {
  if (connection_ != nullptr) connection_->RollBack();
}

Status Transaction::Commit() {
  PODIUM_TRY(connection_->Commit());
  connection_ = nullptr;
  return {};
}

}  // namespace podium::store
