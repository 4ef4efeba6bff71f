// Structured logs: one JSON object per line on stderr, or plain text on a terminal.
#pragma once

#include <fmt/format.h>

#include <cmath>
#include <initializer_list>
#include <string>
#include <string_view>
#include <type_traits>

#include "base/error.h"

namespace podium {

enum class LogFormat : std::uint8_t { kJson, kText };

/// One field of a log line. Numbers and booleans stay bare in JSON.
struct LogField {
  LogField(std::string_view name, std::string_view text) : key(name), value(text) {}
  LogField(std::string_view name, const char* text) : key(name), value(text) {}
  LogField(std::string_view name, const std::string& text) : key(name), value(text) {}
  LogField(std::string_view name, bool flag)
      : key(name), value(flag ? "true" : "false"), quoted(false) {}
  template <typename Number>
    requires(std::is_arithmetic_v<Number> && !std::is_same_v<Number, bool>)
  LogField(std::string_view name, Number number) : key(name), value(fmt::format("{}", number)) {
    // JSON has no NaN and no infinity: those go out as text.
    if constexpr (std::is_floating_point_v<Number>) {
      quoted = !std::isfinite(number);
    } else {
      quoted = false;
    }
  }

  std::string_view key;
  std::string value;
  bool quoted = true;
};
using LogFields = std::initializer_list<LogField>;

/// Called once by main before anything logs; without it, warnings and errors go out as JSON.
/// `lowest` is the least severe level shown.
void ConfigureLog(LogFormat format, ErrorLog lowest);
void FlushLog();
/// From here on nothing is written: for simulations, which provoke what would be logged.
void MuteLog();

/// Threads: any. The line is queued and written by a thread of its own; when that queue is full the
/// oldest lines are dropped rather than the caller delayed.
void Log(ErrorLog level, std::string_view message, LogFields fields = {});
inline void LogDebug(std::string_view m, LogFields f = {}) { Log(ErrorLog::kDebug, m, f); }
inline void LogInfo(std::string_view m, LogFields f = {}) { Log(ErrorLog::kInfo, m, f); }
inline void LogWarning(std::string_view m, LogFields f = {}) { Log(ErrorLog::kWarning, m, f); }
inline void LogError(std::string_view m, LogFields f = {}) { Log(ErrorLog::kError, m, f); }

/// The line without its end, as Log would write it: exposed for tests. `time` is RFC 3339.
std::string FormatLogLine(LogFormat format, ErrorLog level, std::string_view time,
                          std::string_view message, LogFields fields);
/// `text` as the inside of a JSON string: quotes, backslashes, control bytes and what is not UTF-8
/// escaped.
std::string EscapeJson(std::string_view text);

}  // namespace podium
