#include "app/cli_log_args.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <limits>

namespace podium::app {

void AddLogFilters(CLI::App& verb, LogArgs& args, std::size_t usual, std::size_t most) {
  verb.add_option("ROUTE", args.route, "of one route only");
  verb.add_option("--version", args.version, "assigned to or served by: an id, or ROUTE@VERSION");
  verb.add_option("--outcome", args.outcome, "ok, refused, timeout or error")
      ->check(CLI::IsMember({"ok", "refused", "timeout", "error"}));
  verb.add_option("--unit", args.unit, "of one session, user or request")->option_text("ID");
  verb.add_option("--request", args.request, "by x-request-id")->option_text("ID");
  verb.add_option("--since", args.since, "a time in UTC, or an age as in 24h")->option_text("TIME");
  verb.add_option("--until", args.until, "the same")->option_text("TIME");
  verb.add_option("--limit", args.most, fmt::format("at most so many (default {})", usual))
      ->check(CLI::Range(std::size_t{1}, most));
}

void AddFeedbackOptions(CLI::App& verb, FeedbackArgs& args) {
  verb.add_option("ROUTE", args.route, "whose prediction");
  verb.add_option("REQUEST", args.request, "its x-request-id");
  verb.add_option("--row", args.row, "of a request with several rows, from 0")
      ->option_text("NUMBER")
      ->check(CLI::Range(std::int64_t{0}, std::numeric_limits<std::int64_t>::max()));
  verb.add_option("--label", args.label, "what was true: 0 or 1, a class, or a quantity")
      ->option_text("NUMBER");
  verb.add_option("--score", args.score, "what the answer was worth, on your own scale")
      ->option_text("NUMBER");
  verb.add_option("--prediction", args.prediction,
                  "what the caller was told, where the answer has no number")
      ->option_text("NUMBER");
  verb.add_option("-f,--file", args.file, "many at once, as NDJSON; - is standard input")
      ->option_text("FILE");
}

void AddCompareOptions(CLI::App& verb, CompareArgs& args) {
  verb.add_option("ROUTE", args.route, "whose versions")->required();
  verb.add_option("--since", args.since, "a time in UTC, or an age (default 24h)")
      ->option_text("TIME");
  verb.add_option("--until", args.until, "the same (default: now)")->option_text("TIME");
  verb.add_option("--threshold", args.threshold,
                  "the score from which on a row counts as 1 (default 0.5)")
      ->option_text("NUMBER");
}

void AddEvaluateOptions(CLI::App& verb, EvaluateArgs& args) {
  verb.add_option("ROUTE", args.route, "whose log")->required();
  verb.add_option("--policy", args.policy,
                  "what each version gets, in percent: 2=100, or 1=50,2=50")
      ->option_text("VERSION=PERCENT,…")
      ->required();
  verb.add_option("--reward", args.reward,
                  "what a call is worth: success (default), score or label of its feedback")
      ->check(CLI::IsMember({"success", "score", "label"}));
  verb.add_option("--clip", args.clip, "cut the weights of SNIPS here, as in 20 (default: nowhere)")
      ->option_text("NUMBER");
  verb.add_option("--since", args.since, "a time in UTC, or an age (default 24h)")
      ->option_text("TIME");
  verb.add_option("--until", args.until, "the same (default: now)")->option_text("TIME");
}

}  // namespace podium::app
