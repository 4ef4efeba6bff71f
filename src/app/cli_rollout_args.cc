#include "app/cli_rollout_args.h"

#include <limits>

namespace podium::app {
namespace {

constexpr int kMostRollouts = 100'000;

}  // namespace

void AddRolloutEvidenceOptions(CLI::App& verb, RolloutEvidenceArgs& args) {
  verb.add_option("-f,--file", args.file, "a file with them; - is standard input")
      ->option_text("FILE")
      ->required();
}

void AddRolloutSimulateOptions(CLI::App& verb, RolloutSimulateWords& words) {
  verb.add_option("--unit", words.unit, "what keeps its version: request (default) or sticky")
      ->check(CLI::IsMember({"request", "sticky"}));
  verb.add_option("--keys", words.keys,
                  "sticky: how many sessions or users there are (default 2000)")
      ->option_text("500|2000|20000|200000")
      ->check(CLI::IsMember({500U, 2'000U, 20'000U, 200'000U}));
  verb.add_option("--errors", words.errors,
                  "sticky: everywhere (default), or concentrated in a tenth of the keys")
      ->check(CLI::IsMember({"everywhere", "concentrated"}));
  verb.add_option("--scenario", words.args.scenario, "one of them (default: all)")
      ->option_text("NAME");
  verb.add_option("--rollouts", words.args.rollouts, "in each cell (default 100)")
      ->option_text("NUMBER")
      ->check(CLI::Range(1, kMostRollouts));
  verb.add_option("--seed", words.args.seed, "the same one gives the same figures (default 1)")
      ->option_text("NUMBER")
      ->check(CLI::Range(std::int64_t{0}, std::numeric_limits<std::int64_t>::max()));
}

CliResult<RolloutSimulateArgs> ReadRolloutSimulateWords(const RolloutSimulateWords& words) {
  RolloutSimulateArgs args = words.args;
  const bool says_keys = words.keys || !words.errors.empty();
  if (words.unit == "request" && says_keys) {
    return UsageError("--keys and --errors are for --unit sticky: a request has no key");
  }
  args.sticky = words.unit == "sticky" || says_keys;
  args.keys = words.keys.value_or(args.keys);
  args.concentrated = words.errors == "concentrated";
  return args;
}

}  // namespace podium::app
