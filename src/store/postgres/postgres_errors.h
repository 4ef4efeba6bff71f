// What PostgreSQL's error codes mean for whoever asked: pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"

namespace podium::store {

/// What may be done after a statement that failed.
enum class SqlTrouble : std::uint8_t {
  kNone,
  kRefused,    ///< The same again will fail again.
  kCollision,  ///< With another transaction, which won: this one was undone whole. Try again.
  kLost,       ///< The connection has gone, or must go. Another one may do.
  kSilent,  ///< No answer in time: the connection was closed. Asking again would double the wait.
  kUnfit,   ///< The server cannot do it, a standby: the connection must go, not at once another.
};

/// By SQLSTATE, five characters; empty when the server has said nothing.
SqlTrouble TroubleOf(std::string_view sqlstate);

/// `where` names the database without its password; `text` is the server's own sentence.
Error MakePostgresError(std::string_view sqlstate, std::string_view where, std::string_view text);

}  // namespace podium::store
