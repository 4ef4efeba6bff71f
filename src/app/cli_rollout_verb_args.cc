#include "app/cli_rollout_verb_args.h"

#include <fmt/format.h>

#include <charconv>
#include <string_view>
#include <system_error>
#include <utility>

#include "app/cli_args.h"
#include "base/suggest.h"
#include "domain/rollout.h"

namespace podium::app {
namespace {

std::vector<std::string> SplitBy(std::string_view text, char separator) {
  std::vector<std::string> parts;
  while (true) {
    const std::size_t end = text.find(separator);
    parts.emplace_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

CliFailure NoGuard(const std::string& text) {
  return UsageError(fmt::format("\"{}\" is no guard", text),
                    "write METRIC:+10%, METRIC:+0.5pp or error_rate:<2%; metrics are error_rate, "
                    "latency, first_token, cost, and custom.NAME>VALUE or custom.NAME<VALUE");
}

// "+10%", "+0.5pp" or "<2%" into one field of a guard.
CliStatus AddLimit(const std::string& text, const std::string& limit, Json& guard) {
  std::string_view number = limit;
  if (number.size() < 3) return NoGuard(text);
  const char sign = number.front();
  number.remove_prefix(1);
  const bool points = number.ends_with("pp");
  if (!points && !number.ends_with('%')) return NoGuard(text);
  number.remove_suffix(points ? 2 : 1);
  if ((sign != '+' && sign != '<') || (sign == '<' && points)) return NoGuard(text);
  const CliResult<double> value = ParsePercent(std::string(number));
  if (!value) return NoGuard(text);
  guard[sign == '<' ? "at_most_pct" : points ? "max_increase_points" : "max_increase_pct"] = *value;
  return {};
}

constexpr std::string_view kCustomPrefix = "custom.";

// "custom.refunded>0.5": bad is what is beyond it.
CliResult<Json> CustomMetric(const std::string& text, std::string_view word) {
  word.remove_prefix(kCustomPrefix.size());
  const std::size_t sign = word.find_first_of("<>");
  if (sign == 0 || sign == std::string_view::npos) return NoGuard(text);
  const std::string_view bound = word.substr(sign + 1);
  double value = 0;
  const auto read = std::from_chars(bound.data(), bound.data() + bound.size(), value);
  if (bound.empty() || read.ec != std::errc() || read.ptr != bound.data() + bound.size()) {
    return NoGuard(text);
  }
  return Json{{"metric", "custom"},
              {"name", std::string(word.substr(0, sign))},
              {word[sign] == '>' ? "bad_above" : "bad_below", value}};
}

CliResult<Json> MetricOf(const std::string& text, const std::string& word) {
  if (word.starts_with(kCustomPrefix)) return CustomMetric(text, word);
  if (ParseGuardMetric(word) && word != NameOf(GuardMetric::kCustom)) return Json{{"metric", word}};
  return UsageError(fmt::format("there is no metric \"{}\"{}", word,
                                DidYouMean(word, {"error_rate", "latency", "first_token", "cost"})),
                    "metrics are error_rate, latency, first_token, cost, and custom.NAME>VALUE");
}

std::string UsualSteps() {
  std::string steps;
  for (const RolloutStep& step : DefaultPlan().steps) {
    steps += (steps.empty() ? "" : ",") + FormatPercent(step.share);
  }
  return steps;
}

}  // namespace

CliResult<Json> ParseGuard(const std::string& text) {
  const std::size_t colon = text.find(':');
  CLI_TRY_ASSIGN(Json guard, MetricOf(text, text.substr(0, colon)));
  if (colon == std::string::npos) return guard;
  for (const std::string& limit : SplitBy(std::string_view(text).substr(colon + 1), ',')) {
    CLI_TRY(AddLimit(text, limit, guard));
  }
  return guard;
}

CliResult<Json> ParseSteps(const std::string& text, const std::string& bake, bool gates) {
  Json steps = Json::array();
  for (const std::string& word : SplitBy(text, ',')) {
    CLI_TRY_ASSIGN(const double share, ParsePercent(word));
    Json step = {{"share_pct", share}};
    if (!bake.empty()) step["bake"] = bake;
    if (gates) step["gate"] = true;
    steps.push_back(std::move(step));
  }
  return steps;
}

void AddRolloutStartOptions(CLI::App& verb, RolloutWords& words) {
  verb.add_option("ROUTE", words.start.route, "whose traffic")->required();
  verb.add_option("CANDIDATE", words.start.candidate, "an id or version of the route")->required();
  verb.add_option("--steps", words.steps, "shares in percent (default 1,5,25,50)")
      ->option_text("PCT,…");
  verb.add_option("--bake", words.bake, "the least time in each step (default none)")
      ->option_text("DURATION");
  verb.add_option("--deadline", words.deadline, "the most time in each step (default 24h)")
      ->option_text("DURATION");
  verb.add_option("--on-deadline", words.on_deadline, "hold and tell (default), or rollback")
      ->option_text("hold|rollback");
  verb.add_option("--unit", words.unit,
                  "what keeps its version: each request, session or user (default: the route's)")
      ->option_text("request|session|user");
  verb.add_option("--guard", words.guards,
                  "what must not get worse, and how much is borne; may be repeated (default: "
                  "error_rate and latency)")
      ->option_text("METRIC:+N%")
      ->allow_extra_args(false);
  verb.add_option("--profile", words.profile, "standard (default: 5 % chance of error), or strict")
      ->option_text("standard|strict");
  verb.add_option("--rule", words.rule,
                  "what moves the share: proof (sequential, default), the success rate "
                  "(threshold), or the probability of being better (thompson)")
      ->option_text("sequential|threshold|thompson");
  verb.add_flag("--gates", words.gates, "each step waits for `podium rollout step`");
  verb.add_flag("--promote-at-end", words.promote_at_end,
                "make it the primary by itself, by a positive verdict at the last step");
  verb.add_option("--plan", words.start.file, "the whole plan as JSON instead; - is standard input")
      ->option_text("FILE");
  verb.add_flag("--dry-run", words.start.dry_run,
                "what would happen, and how many requests each step needs");
  verb.add_flag("--force", words.start.force,
                "although its signature does not fit the primary's callers; needs --as");
}

CliResult<RolloutStartArgs> ReadRolloutStartWords(const RolloutWords& words) {
  RolloutStartArgs args = words.start;
  Json& plan = args.plan;
  if (!words.steps.empty() || !words.bake.empty() || words.gates) {
    CLI_TRY_ASSIGN(plan["steps"], ParseSteps(words.steps.empty() ? UsualSteps() : words.steps,
                                             words.bake, words.gates));
  }
  for (const std::string& text : words.guards) {
    CLI_TRY_ASSIGN(Json guard, ParseGuard(text));
    plan["guards"].push_back(std::move(guard));
  }
  if (!words.deadline.empty()) plan["deadline"] = words.deadline;
  if (!words.on_deadline.empty()) plan["on_deadline"] = words.on_deadline;
  if (!words.unit.empty()) plan["unit"] = words.unit;
  if (!words.profile.empty()) plan["profile"] = words.profile;
  if (!words.rule.empty()) plan["rule"] = words.rule;
  if (words.promote_at_end) plan["promote_at_end"] = true;
  if (!args.file.empty() && !plan.empty()) {
    return UsageError(
        "--plan stands alone: the file has all of the plan",
        fmt::format("podium rollout start {} {} --plan {}", args.route, args.candidate, args.file));
  }
  return args;
}

}  // namespace podium::app
