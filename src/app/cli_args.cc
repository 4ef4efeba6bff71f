#include "app/cli_args.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "app/cli_grammar.h"
#include "app/cli_verbs.h"

namespace podium::app {

bool ServerFlags::Has(std::string_view path) const {
  return std::any_of(values.begin(), values.end(),
                     [&](const FlagValue& flag) { return flag.path == path; });
}

CliResult<CommandLine> ParseArguments(const std::vector<std::string>& arguments) {
  Grammar grammar;
  AddServerVerbs(grammar);
  AddRegistryVerbs(grammar);
  AddTrafficVerbs(grammar);
  AddReadingVerbs(grammar);
  grammar.AddHelp();
  return grammar.Parse(arguments);
}

CliResult<double> ParsePercent(const std::string& text) {
  std::string_view number = text;
  if (number.ends_with('%')) number.remove_suffix(1);
  double value = 0;
  const char* end = number.data() + number.size();
  const auto [stop, error] = std::from_chars(number.data(), end, value, std::chars_format::fixed);
  if (number.empty() || error != std::errc{} || stop != end) {
    return UsageError(fmt::format("\"{}\" is no share: write percent, as in 5 or 0.25", text));
  }
  if (!(value >= 0 && value <= 100)) {
    return UsageError(fmt::format("a share is 0 to 100 percent, not {}", text));
  }
  return value;
}

std::optional<std::pair<std::string, std::string>> SplitAt(const std::string& target) {
  const std::size_t at = target.find('@');
  if (at == std::string::npos) return std::nullopt;
  return std::pair(target.substr(0, at), target.substr(at + 1));
}

}  // namespace podium::app
