// Where a command reads and writes: data on `out`, everything said to people on `err`.
#pragma once

#include <istream>
#include <ostream>
#include <string>
#include <string_view>

#include "app/cli_exit.h"
#include "base/json.h"

namespace podium::app {

enum class OutputFormat { kTable, kJson };

struct Console {
  std::ostream& out;
  std::ostream& err;
  std::istream& in;
  bool out_is_terminal = false;
  bool err_is_terminal = false;
  bool in_is_terminal = false;
};

/// May the command go on without somebody at a terminal to ask?
enum class Unattended { kGoesOn, kNeedsYes };

/// Shows `effect` and asks on a terminal; anything but y or yes is kDeclined. Without a terminal
/// scripts mean what they say, unless data would be lost: then only `yes` will do (kUsage).
CliStatus Confirm(Console& console, std::string_view effect, bool yes, Unattended unattended);

/// Text from outside as it may be printed: control characters, which could steer the terminal,
/// become question marks. Line ends and tabs too: one value is one line.
std::string Printable(std::string_view text);

/// "2026-03-09T14:31:07.123456Z" as "2026-03-09 14:31:07".
std::string ShowTime(std::string_view rfc3339);

/// On `out`, indented.
void PrintJson(Console& console, const Json& value);

}  // namespace podium::app
