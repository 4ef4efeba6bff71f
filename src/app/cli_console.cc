#include "app/cli_console.h"

#include "app/terminal_text.h"

namespace podium::app {

CliStatus Confirm(Console& console, std::string_view effect, bool yes, Unattended unattended) {
  if (yes) return {};
  if (!console.in_is_terminal || !console.err_is_terminal) {
    if (unattended == Unattended::kGoesOn) return {};
    return UsageError("this deletes data, and there is no terminal to ask on",
                      "add --yes if that is what you mean");
  }
  console.err << effect << "\nGo on? [y/N] " << std::flush;
  std::string answer;
  std::getline(console.in, answer);
  if (answer == "y" || answer == "Y" || answer == "yes") return {};
  return CliFailure(CliError{ExitCode::kDeclined, "declined; nothing was changed", "", "", ""});
}

std::string Printable(std::string_view text) {
  std::string shown;
  shown.reserve(text.size());
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    shown += byte < 0x20 || byte == 0x7f ? '?' : c;
  }
  return Harmless(shown);  // There are controls above the ASCII ones.
}

std::string ShowTime(std::string_view rfc3339) {
  std::string shown = Printable(rfc3339).substr(0, 19);  // To the second.
  if (shown.size() == 19) shown[10] = ' ';
  return shown;
}

void PrintJson(Console& console, const Json& value) {
  console.out << DumpJsonPretty(value) << '\n';
}

}  // namespace podium::app
