#include "store/postgres/postgres_errors.h"

#include <fmt/format.h>

#include <utility>

namespace podium::store {
namespace {

struct Meaning {
  std::string_view state;  ///< The whole code, or its class: the first two characters.
  SqlTrouble trouble;
  ErrorCode code;
  std::string_view text;  ///< {0} is the database, {1} the server's sentence.
};

// The first row that fits counts.
constexpr Meaning kMeanings[] = {
    {"40001", SqlTrouble::kCollision, ErrorCode::kUnavailable,
     "the database {0} was busy with other changes: try again"},
    {"40P01", SqlTrouble::kCollision, ErrorCode::kUnavailable,
     "the database {0} was busy with other changes: try again"},
    {"55P03", SqlTrouble::kRefused, ErrorCode::kUnavailable,
     "the database {0} was busy with other changes: try again"},
    {"57014", SqlTrouble::kRefused, ErrorCode::kUnavailable,
     "the database {0} did not answer within database.statement_timeout: it is slow, or somebody "
     "holds a lock (look at pg_stat_activity), try again"},
    {"57P01", SqlTrouble::kLost, ErrorCode::kUnavailable,
     "the database {0} ended the connection: try again"},
    {"57P02", SqlTrouble::kLost, ErrorCode::kUnavailable,
     "the database {0} has crashed and is restarting: try again"},
    {"57P03", SqlTrouble::kLost, ErrorCode::kUnavailable,
     "the database {0} is starting or stopping: try again"},
    {"57P05", SqlTrouble::kLost, ErrorCode::kUnavailable,
     "the database {0} ended an idle connection: try again"},
    {"25P03", SqlTrouble::kLost, ErrorCode::kUnavailable,
     "the database {0} ended an idle transaction: try again"},
    {"08", SqlTrouble::kLost, ErrorCode::kUnavailable,
     "the connection to the database {0} broke ({1}): try again"},
    {"26000", SqlTrouble::kLost, ErrorCode::kUnavailable,
     "the database {0} has forgotten a prepared statement ({1}): name the database itself, or a "
     "pooler in session mode"},
    {"53100", SqlTrouble::kRefused, ErrorCode::kUnavailable,
     "the disk of the database {0} is full: free some space, then try again"},
    {"53300", SqlTrouble::kLost, ErrorCode::kUnavailable,
     "the database {0} has no connection free: raise its max_connections, or lower "
     "database.pool_size"},
    {"53", SqlTrouble::kRefused, ErrorCode::kUnavailable,
     "the database {0} lacks memory or disk ({1}): try again"},
    // Not kept: behind the same name the next connection may come to the new primary.
    {"25006", SqlTrouble::kUnfit, ErrorCode::kUnavailable,
     "the database {0} is read-only, as a standby is: name the primary"},
    {"28", SqlTrouble::kRefused, ErrorCode::kUnavailable,
     "the database {0} refused the user: check the name and the password ({1})"},
    {"3D000", SqlTrouble::kRefused, ErrorCode::kUnavailable,
     "the database {0} does not exist: create it (createdb), then start again"},
    {"42501", SqlTrouble::kRefused, ErrorCode::kUnavailable,
     "the database {0} does not permit it ({1}): grant the user of the URL its tables"},
    {"58", SqlTrouble::kRefused, ErrorCode::kUnavailable,
     "the database {0} failed to read or write ({1}): check its disk"},
    {"XX001", SqlTrouble::kRefused, ErrorCode::kUnavailable,
     "the database {0} is damaged ({1}): restore it from a backup"},
    {"XX002", SqlTrouble::kRefused, ErrorCode::kUnavailable,
     "an index of the database {0} is damaged ({1}): REINDEX it, or restore from a backup"},
    {"23505", SqlTrouble::kRefused, ErrorCode::kConflict,
     "the registry refused a second row in one place ({1}): re-read and retry"},
    {"22021", SqlTrouble::kRefused, ErrorCode::kInvalidArgument,
     "a text holds a zero byte or is not UTF-8, which PostgreSQL does not store"},
    {"22P05", SqlTrouble::kRefused, ErrorCode::kInvalidArgument,
     "a text holds a character that the database {0} cannot store: create it with UTF8"},
};

const Meaning* Find(std::string_view sqlstate) {
  for (const Meaning& meaning : kMeanings) {
    if (!sqlstate.empty() && sqlstate.starts_with(meaning.state)) return &meaning;
  }
  return nullptr;
}

}  // namespace

SqlTrouble TroubleOf(std::string_view sqlstate) {
  if (sqlstate.empty()) return SqlTrouble::kLost;
  const Meaning* meaning = Find(sqlstate);
  return meaning == nullptr ? SqlTrouble::kRefused : meaning->trouble;
}

Error MakePostgresError(std::string_view sqlstate, std::string_view where, std::string_view text) {
  const auto error = [](ErrorCode code, std::string message) {
    return Error{code, std::move(message), "", nullptr};
  };
  if (sqlstate.empty()) {
    return error(
        ErrorCode::kUnavailable,
        fmt::format("the connection to the database {} broke ({}): try again", where, text));
  }
  if (const Meaning* meaning = Find(sqlstate)) {
    return error(meaning->code, fmt::format(fmt::runtime(meaning->text), where, text));
  }
  return error(ErrorCode::kInternal,
               fmt::format("the database {} refused: {} (code {})", where, text, sqlstate));
}

}  // namespace podium::store
