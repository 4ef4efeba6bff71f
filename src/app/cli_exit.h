// How a command ends: the exit codes that scripts rely on, and what people read on stderr.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace podium::app {

/// Stable. `podium help exit-codes` prints this table.
enum class ExitCode : int {
  kDone = 0,
  kFailed = 1,         ///< The server or the machine said no; `check`: there are findings.
  kUsage = 2,          ///< The command line or the settings are wrong.
  kDeclined = 3,       ///< At a prompt.
  kNotAllowed = 4,     ///< Not signed in, or not allowed (401, 403).
  kNotFound = 5,       ///< 404.
  kConflict = 6,       ///< The state forbids it now (409, 412).
  kUnreachable = 7,    ///< No server answered.
  kTimedOut = 8,       ///< Waited in vain; the work may still be going on.
  kInterrupted = 130,  ///< Ctrl-C.
};

/// Why a command did not do what it was asked to.
struct CliError {
  ExitCode exit = ExitCode::kFailed;
  std::string error;       ///< One sentence.
  std::string cause;       ///< May be empty.
  std::string fix;         ///< A command to type, or what to change; may be empty.
  std::string request_id;  ///< Of the server's answer; may be empty.
  bool again = false;      ///< The same call may be answered better later.
};

template <typename T>
using CliResult = tl::expected<T, CliError>;
using CliStatus = CliResult<void>;
using CliFailure = tl::unexpected<CliError>;

/// What an answer of the server means for the shell.
ExitCode ExitCodeOf(ErrorCode code);
/// The code that an HTTP status without a known problem document stands for.
ErrorCode CodeOfStatus(int http_status);

[[nodiscard]] CliFailure UsageError(std::string error, std::string fix = "");
/// An error of this machine (a file that cannot be read, say), as the command's own failure.
[[nodiscard]] CliFailure LocalError(const Error& error, std::string fix = "");

/// The lines `error:`, `cause:`, `fix:` and `request id:` as far as they are known.
std::string Render(const CliError& error);

/// The table of exit codes for the help.
std::string_view ExitCodesHelp();

}  // namespace podium::app

/// Leaves the function with the CliError of `expression`, if it has one.
#define CLI_TRY(expression)                                            \
  do {                                                                 \
    if (auto cli_status = (expression); !cli_status) {                 \
      return ::podium::app::CliFailure(std::move(cli_status).error()); \
    }                                                                  \
  } while (false)

/// Declares `name` as the value of `expression`, or leaves the function with its CliError.
#define CLI_TRY_ASSIGN(name, expression)                                                       \
  auto PODIUM_CONCAT(cli_result_, __LINE__) = (expression);                                    \
  if (!PODIUM_CONCAT(cli_result_, __LINE__)) {                                                 \
    return ::podium::app::CliFailure(std::move(PODIUM_CONCAT(cli_result_, __LINE__)).error()); \
  }                                                                                            \
  /* NOLINTNEXTLINE(bugprone-macro-parentheses): `name` is a declaration */                    \
  name = std::move(*PODIUM_CONCAT(cli_result_, __LINE__)) /* the caller adds the `;` */
