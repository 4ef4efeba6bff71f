#include "app/cli_exit.h"

#include <utility>

namespace podium::app {

ExitCode ExitCodeOf(ErrorCode code) {
  switch (code) {
    case ErrorCode::kUnauthenticated:
    case ErrorCode::kPermissionDenied:
      return ExitCode::kNotAllowed;
    case ErrorCode::kNotFound:
      return ExitCode::kNotFound;
    case ErrorCode::kConflict:
    case ErrorCode::kRevisionMismatch:
      return ExitCode::kConflict;
    case ErrorCode::kDeadline:
      return ExitCode::kTimedOut;
    case ErrorCode::kInvalidArgument:
    case ErrorCode::kMethodNotAllowed:
    case ErrorCode::kTooLarge:
    case ErrorCode::kUnsupportedMedia:
    case ErrorCode::kUnprocessable:
    case ErrorCode::kTimeout:
    case ErrorCode::kLimited:
    case ErrorCode::kUnavailable:
    case ErrorCode::kNotImplemented:
    case ErrorCode::kInternal:
      return ExitCode::kFailed;
  }
  return ExitCode::kFailed;
}

ErrorCode CodeOfStatus(int http_status) {
  for (int i = 0; i < kErrorCodeCount; ++i) {
    const auto code = static_cast<ErrorCode>(i);
    if (TraitsOf(code).http_status == http_status) return code;
  }
  return http_status >= 400 && http_status < 500 ? ErrorCode::kInvalidArgument
                                                 : ErrorCode::kInternal;
}

CliFailure UsageError(std::string error, std::string fix) {
  return CliFailure(CliError{ExitCode::kUsage, std::move(error), "", std::move(fix), ""});
}

CliFailure LocalError(const Error& error, std::string fix) {
  std::string cause = error.cause ? Describe(*error.cause) : "";
  return CliFailure(
      CliError{ExitCode::kFailed, error.message, std::move(cause), std::move(fix), ""});
}

std::string Render(const CliError& error) {
  std::string text = "error: " + error.error + "\n";
  if (!error.cause.empty()) text += "cause: " + error.cause + "\n";
  if (!error.fix.empty()) text += "fix: " + error.fix + "\n";
  if (!error.request_id.empty()) text += "request id: " + error.request_id + "\n";
  return text;
}

std::string_view ExitCodesHelp() {
  return "Exit codes\n"
         "    0  done\n"
         "    1  failed; `podium check`: there are mistakes\n"
         "    2  the command line or the settings are wrong; `podium check`: it could not check\n"
         "    3  declined at a prompt\n"
         "    4  not signed in, or not allowed\n"
         "    5  not found\n"
         "    6  conflict: the state forbids it now, or it has changed meanwhile\n"
         "    7  no server could be reached\n"
         "    8  waited in vain, the work may still be going on\n"
         "  130  interrupted\n";
}

}  // namespace podium::app
