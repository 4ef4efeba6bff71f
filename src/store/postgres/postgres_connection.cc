#include "store/postgres/postgres_connection.h"

#include <poll.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <utility>
#include <vector>

#include "base/assert.h"
#include "base/digest.h"

namespace podium::store {
namespace {

/// How long the server has to end an overdue statement itself, which keeps the connection usable.
constexpr std::chrono::milliseconds kGrace{2000};

/// libpq's sentence: its first line, without what it puts before it.
std::string FirstLine(const char* text) {
  std::string line(text == nullptr ? "" : text);
  line.erase(std::min(line.find('\n'), line.size()));
  return line.empty() ? "no answer" : line;
}

/// Of what libpq says of all addresses that it has tried, the sentence on the last one: without
/// the lines that only explain another.
std::string LastLine(std::string_view text) {
  std::string_view last;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    const bool explains = line.starts_with('\t') || line.starts_with("LOCATION:") ||
                          line.starts_with("DETAIL:") || line.starts_with("HINT:");
    if (!line.empty() && !explains) last = line;
  }
  return std::string(last.empty() ? "no answer" : last);
}

/// "FATAL:  28P01: what it said" within a line, as libpq writes when asked for all.
struct Coded {
  std::string code;  ///< Empty when the server has said nothing.
  std::string text;
};
Coded CodedPart(const std::string& line) {
  constexpr std::string_view kBefore = ":  ";
  constexpr std::size_t kLength = 5;
  const std::size_t at = line.find(kBefore);
  if (at == std::string::npos) return {"", line};
  const std::string rest = line.substr(at + kBefore.size());
  const bool coded = rest.size() > kLength && rest[kLength] == ':' &&
                     std::all_of(rest.begin(), rest.begin() + kLength,
                                 [](unsigned char c) { return std::isalnum(c) != 0; });
  if (!coded) return {"", line};
  return {rest.substr(0, kLength), rest.substr(std::min(kLength + 2, rest.size()))};
}

/// Time does not mend these: the user, the database, the right to come in.
bool IsNotLetIn(std::string_view code) {
  return code.starts_with("28") || code == "3D000" || code == "42501";
}

// Where a user or password holds '/', '?' or '@' as they are, libpq takes parts of them for the
// host or the database, and its messages show those.
bool IsAmbiguous(std::string_view url) {
  url.remove_prefix(url.find("//") + 2);
  const std::size_t at = url.find('@');
  if (at == std::string_view::npos) return false;
  return at > url.find('/') || url.find('@', at + 1) != std::string_view::npos;
}

struct UrlPlace {
  std::string host;
  std::string port;
  std::string database;
};
UrlPlace PlaceIn(const PQconninfoOption* parts) {
  UrlPlace place;
  for (const PQconninfoOption* part = parts; part->keyword != nullptr; ++part) {
    const std::string_view key = part->keyword;
    const std::string value = part->val == nullptr ? "" : part->val;
    if (key == "host") place.host = value;
    if (key == "port") place.port = value;
    if (key == "dbname") place.database = value;
  }
  return place;
}

Failure BadUrl() {
  return Fail(ErrorCode::kInvalidArgument,
              "the database's URL cannot be read (it is not shown: it may hold a password): write "
              "it as postgresql://USER:PASSWORD@HOST:PORT/DATABASE, with what is special in the "
              "user and the password percent-encoded ('@' as %40, '/' as %2F, '?' as %3F, ':' as "
              "%3A, '%' as %25)");
}

}  // namespace

// --- statements ---

/// Texts go as bytes with their length, so that a zero byte is the server's to refuse, not ours to
/// cut at; numbers go as text, whose width the server chooses.
class PostgresConnection::Statement final : public SqlStatement {
 public:
  Statement(PostgresConnection& connection, std::string name)
      : connection_(connection), name_(std::move(name)) {}

  void BindText(int parameter, std::string_view text) override {
    Parameter& slot = At(parameter);
    slot.bytes.assign(text);
    slot.kind = kBytes;
  }
  void BindInt(int parameter, std::int64_t number) override {
    Parameter& slot = At(parameter);
    slot.bytes = fmt::to_string(number);
    slot.kind = kNumber;
  }
  void BindNull(int parameter) override { At(parameter).kind = kNull; }

  Result<bool> Next() override {
    if (result_ == nullptr) {
      PODIUM_TRY(Run());
    } else {
      ++row_;
    }
    return row_ < PQntuples(result_.get());
  }
  void Reset() override {
    result_.reset();
    parameters_.clear();
    row_ = 0;
  }

  bool IsNull(int column) const override { return PQgetisnull(result_.get(), row_, column) == 1; }
  std::string_view Text(int column) const override {
    return {PQgetvalue(result_.get(), row_, column),
            static_cast<std::size_t>(PQgetlength(result_.get(), row_, column))};
  }
  std::int64_t Int(int column) const override {
    const std::string_view text = Text(column);
    std::int64_t number = 0;
    std::from_chars(text.data(), text.data() + text.size(), number);
    return number;
  }

 private:
  enum Kind : std::uint8_t { kNull, kNumber, kBytes };
  struct Parameter {
    std::string bytes;
    Kind kind = kNull;
  };

  Parameter& At(int parameter) {
    const auto index = static_cast<std::size_t>(parameter) - 1;
    if (index >= parameters_.size()) parameters_.resize(index + 1);
    return parameters_[index];
  }

  Status Run() {
    std::vector<const char*> values;
    std::vector<int> lengths;
    std::vector<int> formats;
    for (const Parameter& parameter : parameters_) {
      values.push_back(parameter.kind == kNull ? nullptr : parameter.bytes.c_str());
      lengths.push_back(static_cast<int>(parameter.bytes.size()));
      formats.push_back(parameter.kind == kBytes ? 1 : 0);
    }
    PODIUM_TRY_ASSIGN(
        result_, connection_.Answer(PQsendQueryPrepared(
                     connection_.connection_.get(), name_.c_str(), static_cast<int>(values.size()),
                     values.data(), lengths.data(), formats.data(), /*resultFormat=*/0)));
    row_ = 0;
    return {};
  }

  PostgresConnection& connection_;
  const std::string name_;
  std::vector<Parameter> parameters_;
  ResultPtr result_;
  int row_ = 0;
};

// --- connecting ---

Result<PostgresServer> PostgresServer::FromUrl(Secret url) {
  char* ignored = nullptr;  // It repeats the URL, and with it the password.
  const std::unique_ptr<PQconninfoOption, void (*)(PQconninfoOption*)> parts(
      PQconninfoParse(url.Reveal().c_str(), &ignored), PQconninfoFree);
  PQfreemem(ignored);
  const bool is_url =
      url.Reveal().starts_with("postgres://") || url.Reveal().starts_with("postgresql://");
  if (!is_url || parts == nullptr || IsAmbiguous(url.Reveal())) return BadUrl();
  const auto [host, port, database] = PlaceIn(parts.get());
  if ((host + database).find('@') != std::string::npos ||
      port.find_first_not_of("0123456789,") != std::string::npos) {
    return BadUrl();
  }
  PostgresServer server;
  server.url = std::move(url);
  server.where = fmt::format("{} on {}{}", database.empty() ? "(the user's own)" : database,
                             host.empty() ? "this machine" : host, port.empty() ? "" : ":" + port);
  return server;
}

PostgresConnection::PostgresConnection(const PostgresServer& server, const Clock& clock)
    : clock_(clock), where_(server.where), patience_(server.statement_timeout) {}

PostgresConnection::~PostgresConnection() = default;

Result<std::unique_ptr<PostgresConnection>> PostgresConnection::Open(const PostgresServer& server,
                                                                     const Clock& clock,
                                                                     SqlTrouble* trouble) {
  // A connection that is lost while it is set up is as any other: another one may do. One that
  // cannot be had is not asked for again: the caller may have waited for long already.
  for (int attempt = 1; true; ++attempt) {
    std::unique_ptr<PostgresConnection> connection(new PostgresConnection(server, clock));
    const Status connected = connection->Connect(server);
    if (!connected && trouble != nullptr) *trouble = connection->trouble();
    PODIUM_TRY(connected);
    Status ready = connection->SetUpSession(server);
    if (ready) return connection;
    const bool again = connection->trouble() == SqlTrouble::kLost;
    if (!again || attempt == limits::kDatabaseAttempts) return Fail(std::move(ready).error());
  }
}

Status PostgresConnection::Connect(const PostgresServer& server) {
  const SteadyTime deadline = clock_.SteadyNow() + server.connect_timeout;
  StartConnecting(server);
  PostgresPollingStatusType state = PGRES_POLLING_WRITING;
  while (connection_ != nullptr && PQstatus(connection_.get()) != CONNECTION_BAD &&
         state != PGRES_POLLING_OK && state != PGRES_POLLING_FAILED) {
    if (!WaitFor(state == PGRES_POLLING_READING ? POLLIN : POLLOUT, deadline)) {
      trouble_ = SqlTrouble::kLost;
      return Fail(ErrorCode::kUnavailable,
                  "the database {} did not answer within {} ms (database.connect_timeout): check "
                  "that it runs and can be reached",
                  where_, server.connect_timeout.count());
    }
    state = PQconnectPoll(connection_.get());
  }
  if (connection_ == nullptr || PQstatus(connection_.get()) != CONNECTION_OK) {
    return CannotConnect();
  }
  PQsetErrorVerbosity(connection_.get(), PQERRORS_DEFAULT);
  PQsetnonblocking(connection_.get(), 1);
  PQsetNoticeProcessor(connection_.get(), [](void*, const char*) {}, nullptr);
  return {};
}

void PostgresConnection::StartConnecting(const PostgresServer& server) {
  const std::string unheard = fmt::to_string((server.statement_timeout + kGrace).count());
  // What stands before "dbname" the URL may say otherwise, and sslmode, options … too. A server
  // whose machine is gone says nothing: the kernel finds out within half a minute.
  const std::array<const char*, 9> keys = {"keepalives",
                                           "keepalives_idle",
                                           "keepalives_interval",
                                           "keepalives_count",
                                           "tcp_user_timeout",
                                           "dbname",
                                           "fallback_application_name",
                                           "client_encoding",
                                           nullptr};
  const std::array<const char*, 9> values = {
      "1", "10", "5", "3", unheard.c_str(), server.url.Reveal().c_str(), "podium", "UTF8", nullptr};
  connection_.reset(PQconnectStartParams(keys.data(), values.data(), /*expand_dbname=*/1));
  // With the code, which is in no language.
  if (connection_ != nullptr) PQsetErrorVerbosity(connection_.get(), PQERRORS_VERBOSE);
}

Failure PostgresConnection::CannotConnect() {
  const std::string line =
      LastLine(connection_ == nullptr ? "" : PQerrorMessage(connection_.get()));
  Coded said = CodedPart(line);
  // libpq itself says so when there is no password to send.
  if (connection_ != nullptr && PQconnectionNeedsPassword(connection_.get()) == 1) {
    said.code = "28P01";
  }
  if (IsNotLetIn(said.code)) {
    trouble_ = SqlTrouble::kRefused;
    return Fail(MakePostgresError(said.code, where_, said.text));
  }
  trouble_ = SqlTrouble::kLost;
  return Fail(ErrorCode::kUnavailable, "the database {} cannot be reached: {}", where_, line);
}

// In one request. The server ends what was forgotten within a transaction (of a replica that was
// stopped, or cut off): others may be waiting for its locks.
Status PostgresConnection::SetUpSession(const PostgresServer& server) {
  constexpr std::string_view kIdle = "idle_in_transaction_session_timeout";
  patience_ = server.statement_timeout;
  // Compiling a statement takes longer than any of ours, and is done by guesses of how many rows.
  std::string sets =
      fmt::format("SET statement_timeout = {}; SET jit = off", server.statement_timeout.count());
  if (server.url.Reveal().find(kIdle) == std::string::npos) {
    sets += fmt::format("; SET {} = {}", kIdle, (server.statement_timeout + kGrace).count());
  }
  return Execute(sets);
}

// --- waiting ---

bool PostgresConnection::WaitFor(short events, std::optional<SteadyTime> deadline) {
  while (true) {
    int left = -1;
    if (deadline) {
      const auto rest =
          std::chrono::ceil<std::chrono::milliseconds>(*deadline - clock_.SteadyNow());
      if (rest.count() <= 0) return false;
      left = static_cast<int>(rest.count());
    }
    pollfd socket{PQsocket(connection_.get()), events, 0};
    if (::poll(&socket, 1, left) > 0) return true;
  }
}

Status PostgresConnection::AwaitAnswer() {
  std::optional<SteadyTime> deadline;
  if (patience_) deadline = clock_.SteadyNow() + *patience_ + kGrace;
  while (true) {
    const int unsent = PQflush(connection_.get());
    if (unsent < 0) return Broken();
    if (unsent == 0 && PQisBusy(connection_.get()) == 0) return {};
    const auto events = static_cast<short>(unsent > 0 ? POLLIN | POLLOUT : POLLIN);
    if (!WaitFor(events, deadline)) {
      connection_.reset();  // Whatever it is doing, its answer must not meet another question.
      trouble_ = SqlTrouble::kSilent;
      return Fail(ErrorCode::kUnavailable,
                  "the database {} did not answer within {} ms (database.statement_timeout): try "
                  "again",
                  where_, (*patience_ + kGrace).count());
    }
    if (PQconsumeInput(connection_.get()) == 0) return Broken();
  }
}

Result<PostgresConnection::ResultPtr> PostgresConnection::Answer(int sent) {
  if (sent == 0) return Broken();
  trouble_ = SqlTrouble::kNone;
  sqlstate_.clear();
  ResultPtr last;
  ResultPtr refusal;
  while (true) {
    PODIUM_TRY(AwaitAnswer());
    ResultPtr next(PQgetResult(connection_.get()));
    if (next == nullptr) break;
    const ExecStatusType status = PQresultStatus(next.get());
    const bool good = status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;
    if (!good && refusal == nullptr) {
      refusal = std::move(next);
    } else {
      last = std::move(next);
    }
  }
  if (refusal != nullptr) return Refused(refusal.get());
  if (last == nullptr) return Broken();
  return last;
}

Failure PostgresConnection::Broken() {
  trouble_ = SqlTrouble::kLost;
  sqlstate_.clear();
  const std::string why = FirstLine(connection_ ? PQerrorMessage(connection_.get()) : nullptr);
  connection_.reset();
  return Fail(MakePostgresError("", where_, why));
}

Failure PostgresConnection::Refused(const PGresult* result) {
  const char* state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
  const char* text = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
  // Without a code it is libpq that speaks: the connection has broken.
  return Refused(state == nullptr ? "" : state,
                 text == nullptr ? FirstLine(PQresultErrorMessage(result)) : text);
}

Failure PostgresConnection::Refused(std::string_view code, std::string_view text) {
  trouble_ = TroubleOf(code);
  sqlstate_ = code;
  const Error error = MakePostgresError(code, where_, text);
  if (trouble_ == SqlTrouble::kLost || trouble_ == SqlTrouble::kUnfit) connection_.reset();
  return Fail(error);
}

// --- the port ---

Result<SqlStatement*> PostgresConnection::Prepare(std::string_view sql) {
  if (connection_ == nullptr) return Broken();
  const auto known = prepared_.find(std::string(sql));
  if (known != prepared_.end()) return known->second.get();
  // Named by its text: should a pooler hand us somebody else's session, what runs under the name is
  // still this statement, or nothing.
  const std::string name = "podium_" + Sha256Hex(sql).substr(0, 32);
  PODIUM_TRY(
      Answer(PQsendPrepare(connection_.get(), name.c_str(), std::string(sql).c_str(), 0, nullptr)));
  auto statement = std::make_unique<Statement>(*this, name);
  return prepared_.emplace(std::string(sql), std::move(statement)).first->second.get();
}

Status PostgresConnection::Execute(const std::string& sql) {
  if (connection_ == nullptr) return Broken();
  PODIUM_TRY(Answer(PQsendQuery(connection_.get(), sql.c_str())));
  return {};
}

Status PostgresConnection::Begin(Kind kind) {
  commit_in_doubt_ = false;
  Status begun = Execute(kind == Kind::kRead ? "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
                                             : "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE");
  // All that a server may not support of these is READ WRITE, on a standby.
  if (!begun && sqlstate_ == "0A000") return Refused("25006", "");
  return begun;
}

Status PostgresConnection::Commit() {
  if (connection_ == nullptr) return Broken();
  Result<ResultPtr> done = Answer(PQsendQuery(connection_.get(), "COMMIT"));
  if (!done) {
    // What the server says of a COMMIT that it refuses is final; silence is not.
    commit_in_doubt_ = trouble_ == SqlTrouble::kLost || trouble_ == SqlTrouble::kSilent;
    return Fail(std::move(done).error());
  }
  if (std::string_view(PQcmdStatus(done->get())) == "COMMIT") return {};
  trouble_ = SqlTrouble::kRefused;
  return Fail(ErrorCode::kInternal, "the database {} rolled back what it was to commit", where_);
}

void PostgresConnection::RollBack() {
  if (connection_ == nullptr) return;  // The server does so by itself.
  const SqlTrouble before = trouble_;
  if (!Execute("ROLLBACK")) connection_.reset();
  trouble_ = before;
}

bool PostgresConnection::IsIdle() {
  if (connection_ == nullptr || PQtransactionStatus(connection_.get()) != PQTRANS_IDLE)
    return false;
  // An idle server sends nothing but its farewell. Should it be something else, nothing is lost.
  pollfd socket{PQsocket(connection_.get()), POLLIN, 0};
  return ::poll(&socket, 1, 0) == 0;
}

Result<bool> PostgresConnection::TakeNotices() {
  if (PQconsumeInput(connection_.get()) == 0) return Broken();
  bool any = false;
  while (PGnotify* notice = PQnotifies(connection_.get())) {
    PQfreemem(notice);
    any = true;
  }
  return any;
}

Status PostgresConnection::SetStatementTimeout(std::optional<std::chrono::milliseconds> timeout) {
  patience_ = timeout;
  return Execute(fmt::format("SET statement_timeout = {}", timeout ? timeout->count() : 0));
}

}  // namespace podium::store
