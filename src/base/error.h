// Errors are values that say who must act.
//
// The code chooses behaviour (one table in error.cc maps it to a status, a retry rule and a log
// level); the message tells the caller what is wrong and what to do. Nothing else in Podium invents
// HTTP statuses.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>

namespace podium {

/// One code per behaviour that a client can observe. A closed list.
enum class ErrorCode : std::uint8_t {
  kInvalidArgument,   ///< The request is wrong in itself; sending it again cannot help.
  kUnauthenticated,   ///< No or wrong credential.
  kPermissionDenied,  ///< Known caller, not allowed.
  kNotFound,          ///< The named thing does not exist.
  kMethodNotAllowed,  ///< The path exists, the verb does not.
  kConflict,          ///< The state forbids it now: re-read, then decide again.
  kRevisionMismatch,  ///< If-Match named another revision than the current one.
  kTooLarge,          ///< Body, row count or upload above its named limit.
  kUnsupportedMedia,  ///< Content type that this endpoint does not read.
  kUnprocessable,     ///< Well-formed and allowed, but it cannot be carried out (a model does not
                      ///< load).
  kTimeout,           ///< The caller was too slow.
  kLimited,           ///< Too many at once: try again after a pause.
  kUnavailable,       ///< This replica cannot do it now; another moment or replica may.
  kDeadline,          ///< The work did not end within its deadline.
  kNotImplemented,    ///< A feature of the protocol that this build does not have.
  kInternal,          ///< Our own fault.
};
inline constexpr int kErrorCodeCount = static_cast<int>(ErrorCode::kInternal) + 1;

/// What went wrong, for whom, and why.
struct Error {
  ErrorCode code = ErrorCode::kInternal;
  std::string message;  ///< One sentence for the person who must act.
  std::string where;    ///< The field, header or file position at fault; may be empty.
  std::shared_ptr<const Error> cause;  ///< The error below this one; may be null.

  /// The same error with the place at fault named.
  [[nodiscard]] Error At(std::string place) &&;
  /// A new error that keeps `this` as its cause.
  [[nodiscard]] Error Wrap(ErrorCode outer, std::string text) &&;
};

enum class ErrorLog : std::uint8_t { kDebug, kInfo, kWarning, kError };

/// The row of the one table that says how an error code behaves.
struct ErrorTraits {
  std::string_view slug;   ///< Stable name on the wire ("not_found").
  std::string_view title;  ///< Short human title of problem details.
  int http_status;
  bool retryable;  ///< The same request may succeed later.
  ErrorLog log;
};
const ErrorTraits& TraitsOf(ErrorCode code);

/// "message (at where): cause message" for logs and command lines.
std::string Describe(const Error& error);

/// What the operating system calls an errno: "No such file or directory".
inline std::string SystemReason(int number) { return std::generic_category().message(number); }

}  // namespace podium
