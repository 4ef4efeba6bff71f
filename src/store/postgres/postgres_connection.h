// PostgreSQL's C library behind values: a connection whose every wait has an end.
#pragma once

#include <libpq-fe.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/clock.h"
#include "base/limits.h"
#include "base/result.h"
#include "base/secret.h"
#include "store/postgres/postgres_errors.h"
#include "store/sql_connection.h"

namespace podium::store {

/// A database as its URL names it, and how long to wait for it.
struct PostgresServer {
  Secret url;         ///< postgres:// or postgresql://, with everything that libpq knows.
  std::string where;  ///< "podium on db.example:5432", for messages; no user, no password.
  std::chrono::milliseconds connect_timeout = limits::kDatabaseConnect;
  /// Of one statement, the wait for locks included. The server ends it; a little later we do.
  std::chrono::milliseconds statement_timeout = limits::kDatabaseStatement;

  /// kInvalidArgument for what is no URL of PostgreSQL; the message does not repeat it (INV-15).
  static Result<PostgresServer> FromUrl(Secret url);
};

/// One connection. What the server says is in messages, what we sent it is not.
/// Threads: one at a time.
class PostgresConnection final : public SqlConnection {
 public:
  /// `clock` must outlive the connection.
  /// After a failure `trouble` is kRefused when the server does not let this user or database in,
  /// which time does not mend.
  static Result<std::unique_ptr<PostgresConnection>> Open(const PostgresServer& server,
                                                          const Clock& clock,
                                                          SqlTrouble* trouble = nullptr);
  ~PostgresConnection() override;

  Result<SqlStatement*> Prepare(std::string_view sql) override;
  Status Execute(const std::string& sql) override;
  /// kRead sees one moment; kWrite sees what was committed before each of its statements.
  Status Begin(Kind kind) override;
  Status Commit() override;
  void RollBack() override;

  /// Of the last call; what RollBack meets does not count.
  SqlTrouble trouble() const { return trouble_; }
  /// What the server said to the last call, five characters; empty when it did not refuse.
  const std::string& sqlstate() const { return sqlstate_; }
  /// The last Commit lost its answer: it may have been done.
  bool commit_in_doubt() const { return commit_in_doubt_; }
  /// In no transaction, and as far as one can tell without asking, still there.
  bool IsIdle();
  /// Whether the server has sent notices (LISTEN) since this was last asked; kUnavailable when the
  /// connection is lost. Does not wait: `socket` is readable when there may be some.
  Result<bool> TakeNotices();
  int socket() const { return PQsocket(connection_.get()); }
  /// Of this connection from now on; none: as long as it takes, for migrations.
  Status SetStatementTimeout(std::optional<std::chrono::milliseconds> timeout);
  /// Only how long answers are waited for here, until the next SetStatementTimeout.
  void SetPatience(std::optional<std::chrono::milliseconds> patience) { patience_ = patience; }

 private:
  class Statement;
  struct Finish {
    void operator()(PGconn* connection) const { PQfinish(connection); }
  };
  struct Clear {
    void operator()(PGresult* result) const { PQclear(result); }
  };
  using ResultPtr = std::unique_ptr<PGresult, Clear>;

  PostgresConnection(const PostgresServer& server, const Clock& clock);
  Status Connect(const PostgresServer& server);
  void StartConnecting(const PostgresServer& server);
  Failure CannotConnect();
  Status SetUpSession(const PostgresServer& server);
  /// After one of the PQsend functions: waits for its one result. Refusals are errors.
  Result<ResultPtr> Answer(int sent);
  /// Until the socket is ready for `events` of poll; false when `deadline` came first.
  bool WaitFor(short events, std::optional<SteadyTime> deadline);
  Status AwaitAnswer();
  Failure Broken();  ///< The connection is of no more use.
  Failure Refused(const PGresult* result);
  Failure Refused(std::string_view code, std::string_view text);

  const Clock& clock_;
  std::string where_;
  std::optional<std::chrono::milliseconds> patience_;
  std::unique_ptr<PGconn, Finish> connection_;
  SqlTrouble trouble_ = SqlTrouble::kNone;
  std::string sqlstate_;
  bool commit_in_doubt_ = false;
  std::unordered_map<std::string, std::unique_ptr<Statement>> prepared_;
};

}  // namespace podium::store
