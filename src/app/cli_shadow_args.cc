#include "app/cli_shadow_args.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <charconv>

namespace podium::app {
namespace {

// "2.5" and nothing behind it.
CliResult<double> ParseAmount(const std::string& flag, const std::string& text) {
  double number = -1;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (failed == std::errc() && end == text.data() + text.size() && number >= 0) return number;
  return UsageError(fmt::format("{} is a number, 0 or more, not \"{}\"", flag, text), "");
}

}  // namespace

void AddShadowOptions(CLI::App& verb, ShadowWords& words) {
  ShadowArgs& args = words.args;
  verb.add_option("ROUTE", args.route, "whose traffic is copied")->required();
  verb.add_option("PERCENT", words.rate, "of the primary's calls, 0 to 100")->required();
  verb.add_option("VERSION", args.versions,
                  "ids that get copies (default: every version in the role of a shadow)")
      ->option_text("[ID...]");
  verb.add_option("--cap", args.cap, "dollars that copies to providers may cost in a day")
      ->option_text("USD");
  verb.add_option("--tolerance", words.tolerance,
                  "by which numbers may differ and still agree, of the primary's (default 0.001)")
      ->option_text("PART");
}

void AddChallengerOptions(CLI::App& verb, ChallengerWords& words) {
  ChallengerArgs& args = words.args;
  verb.add_option("ROUTE", args.route, "whose primary is challenged")->required();
  verb.add_option("ID", args.challenger, "a shadow of the route, or one on standby")->required();
  verb.add_option("--weight", words.weight, "its answer is given so often (default 10)")
      ->option_text("PERCENT");
  verb.add_flag("--sticky", args.sticky, "the same choice for the same session");
  verb.add_option("--deadline", args.deadline, "after which the champion answers")
      ->option_text("200ms");
  verb.add_flag("--off", args.off, "keep it loaded, and call it no more");
}

CliResult<ShadowArgs> ReadShadowWords(const ShadowWords& words) {
  ShadowArgs args = words.args;
  CLI_TRY_ASSIGN(args.percent, ParsePercent(words.rate));
  if (!args.cap.empty()) {
    CLI_TRY_ASSIGN(const double dollars, ParseAmount("--cap", args.cap));
    args.cap_usd = dollars;
  }
  if (words.tolerance.empty()) return args;
  CLI_TRY_ASSIGN(const double tolerance, ParseAmount("--tolerance", words.tolerance));
  args.tolerance = tolerance;
  return args;
}

CliResult<ChallengerArgs> ReadChallengerWords(const ChallengerWords& words) {
  ChallengerArgs args = words.args;
  if (words.weight.empty()) return args;
  CLI_TRY_ASSIGN(args.weight, ParsePercent(words.weight));
  return args;
}

}  // namespace podium::app
