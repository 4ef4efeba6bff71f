#include "base/log.h"

#include <spdlog/async.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <array>
#include <atomic>

#include "base/clock.h"
#include "base/utf8.h"

namespace podium {
namespace {

constexpr std::size_t kLogQueueLines = 8192;
constexpr std::array<std::string_view, 4> kLevelNames = {"debug", "info", "warning", "error"};

// Control bytes and what is not UTF-8 as \\uXXXX, characters of `quoted` behind a backslash.
std::string Escape(std::string_view text, std::string_view quoted) {
  std::string escaped;
  escaped.reserve(text.size() + 8);
  while (!text.empty()) {
    const char c = text.front();
    const auto byte = static_cast<unsigned char>(c);
    const std::size_t length = Utf8Length(text);
    if (length == 0) {
      escaped += "\\ufffd";
    } else if (byte < 0x20 || byte == 0x7F) {
      escaped += fmt::format("\\u{:04x}", byte);
    } else {
      if (quoted.find(c) != std::string_view::npos) escaped += '\\';
      escaped += text.substr(0, length);
    }
    text.remove_prefix(length == 0 ? 1 : length);
  }
  return escaped;
}

std::string EscapeControl(std::string_view text) { return Escape(text, ""); }

std::atomic<LogFormat> g_format{LogFormat::kJson};
std::atomic<ErrorLog> g_lowest{ErrorLog::kWarning};
std::atomic<bool> g_muted{false};

spdlog::logger& Logger() {
  // Built once, never destroyed: late log lines of other threads must still find it at exit.
  static auto* const logger = [] {
    auto pool = std::make_shared<spdlog::details::thread_pool>(kLogQueueLines, 1);
    auto sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
    static auto* const keep_pool = new std::shared_ptr<spdlog::details::thread_pool>(pool);
    auto built = std::make_shared<spdlog::async_logger>(
        "podium", std::move(sink), *keep_pool, spdlog::async_overflow_policy::overrun_oldest);
    built->set_pattern("%v");
    built->set_level(spdlog::level::trace);
    return new std::shared_ptr<spdlog::logger>(std::move(built));
  }();
  return **logger;
}

}  // namespace

void ConfigureLog(LogFormat format, ErrorLog lowest) {
  g_format = format;
  g_lowest = lowest;
}

void FlushLog() { Logger().flush(); }
void MuteLog() { g_muted = true; }

void Log(ErrorLog level, std::string_view message, LogFields fields) {
  if (level < g_lowest.load(std::memory_order_relaxed) || g_muted) return;
  const std::string time = FormatUtc(SystemClock().Now());
  Logger().log(spdlog::level::info, FormatLogLine(g_format.load(std::memory_order_relaxed), level,
                                                  time, message, fields));
}

std::string FormatLogLine(LogFormat format, ErrorLog level, std::string_view time,
                          std::string_view message, LogFields fields) {
  const std::string_view name = kLevelNames[static_cast<std::size_t>(level)];
  if (format == LogFormat::kText) {
    // Escaped as well: a line break in a message would forge a line, an escape would drive the
    // terminal.
    std::string line = fmt::format("{} {:<7} {}", time, name, EscapeControl(message));
    for (const LogField& field : fields) {
      line += fmt::format("  {}={}", field.key, EscapeControl(field.value));
    }
    return line;
  }
  std::string line =
      fmt::format(R"({{"ts":"{}","level":"{}","msg":"{}")", time, name, EscapeJson(message));
  for (const LogField& field : fields) {
    line += field.quoted ? fmt::format(R"(,"{}":"{}")", field.key, EscapeJson(field.value))
                         : fmt::format(R"(,"{}":{})", field.key, field.value);
  }
  line += '}';
  return line;
}

std::string EscapeJson(std::string_view text) { return Escape(text, "\"\\"); }

}  // namespace podium
