#include "app/cli_shadow.h"

#include <fmt/format.h>

#include <utility>

#include "app/cli_table.h"
#include "app/cli_target.h"

namespace podium::app {
namespace {

using net::HttpMethod;

std::string ShadowPath(const std::string& route, std::string_view what) {
  return ApiPath("/api/v1/routes", route, what);
}

// One sentence, or the API's own object.
CliStatus TellShadow(CommandContext& context, const Json& answer, const std::string& sentence) {
  if (context.format == OutputFormat::kJson) {
    PrintJson(context.console, answer);
    return {};
  }
  const Json& changed = MemberOf(answer, "changed");
  const bool was_so = changed.is_boolean() && !changed.get<bool>();
  context.console.out << (was_so ? "it was so already: " : "") << sentence << '\n';
  return {};
}

CliStatus ChangeShadow(CommandContext& context, HttpMethod method, const std::string& path,
                       Json body, const std::string& sentence) {
  if (!context.reason.empty()) body["reason"] = context.reason;
  CLI_TRY_ASSIGN(const ApiAnswer answer, context.api.Change(method, path, body));
  return TellShadow(context, answer.body, sentence);
}

CliStatus ShowShadow(CommandContext& context, const std::string& path,
                     std::string (*text)(const Json&)) {
  CLI_TRY_ASSIGN(const ApiAnswer answer, context.api.Get(path));
  if (context.format == OutputFormat::kJson) {
    PrintJson(context.console, answer.body);
  } else {
    context.console.out << text(answer.body);
  }
  return {};
}

std::string Sentences(const Json& pairs) {
  std::string text;
  const Json& delta = MemberOf(pairs, "latency_delta_ms");
  if (NumberOf(delta, "pairs") > 0) {
    text +=
        fmt::format("  slower than the primary by: p50 {:.3f} ms, p90 {:.3f} ms, p99 {:.3f} ms\n",
                    NumberOf(delta, "p50"), NumberOf(delta, "p90"), NumberOf(delta, "p99"));
  }
  for (const Json& verdict : MemberOf(pairs, "verdicts")) {
    text += fmt::format("  {}: {}\n", Printable(TextOf(verdict, "about")),
                        Printable(TextOf(verdict, "sentence")));
  }
  return text;
}

Json SetShadowBody(const ShadowArgs& args) {
  Json body = {{"rate", args.percent / 100.0}};
  if (args.cap_usd) body["daily_cost_cap_usd"] = *args.cap_usd;
  if (args.tolerance) body["tolerance"] = *args.tolerance;
  if (!args.versions.empty()) body["versions"] = args.versions;
  return body;
}

Json SetChallengerBody(const ChallengerArgs& args) {
  Json body = {{"challenger", args.challenger}, {"testing", !args.off}};
  if (args.weight) body["weight"] = *args.weight / 100.0;
  if (args.sticky) body["sticky"] = true;
  if (!args.deadline.empty()) body["deadline"] = args.deadline;
  return body;
}

}  // namespace

CliStatus RunShadow(CommandContext& context, const ShadowArgs& args) {
  const std::string route = Printable(args.route);
  const std::string path = ShadowPath(args.route, "shadow");
  switch (args.verb) {
    case ShadowArgs::Verb::kShow:
      return ShowShadow(context, path, ShadowText);
    case ShadowArgs::Verb::kOff:
      return ChangeShadow(context, HttpMethod::kDelete, path, Json::object(),
                          fmt::format("{}: its shadows get no copies any more", route));
    case ShadowArgs::Verb::kSet:
      break;
  }
  return ChangeShadow(context, HttpMethod::kPut, path, SetShadowBody(args),
                      fmt::format("{}: its shadows get copies of {}. What they do: podium shadow "
                                  "show {}. Undo: podium shadow off {}",
                                  route, ShowPercent(args.percent), route, route));
}

CliStatus RunChallenger(CommandContext& context, const ChallengerArgs& args) {
  const std::string route = Printable(args.route);
  const std::string path = ShadowPath(args.route, "challenger");
  switch (args.verb) {
    case ChallengerArgs::Verb::kShow:
      return ShowShadow(context, path, ChallengerText);
    case ChallengerArgs::Verb::kEnd:
      return ChangeShadow(context, HttpMethod::kDelete, path, Json::object(),
                          fmt::format("{}: its champion is alone again", route));
    case ChallengerArgs::Verb::kSet:
      break;
  }
  return ChangeShadow(
      context, HttpMethod::kPut, path, SetChallengerBody(args),
      args.off
          ? fmt::format("{}: {} stays loaded and is not called", route, Printable(args.challenger))
          : fmt::format("{}: {} is asked beside the primary. What comes of it: podium "
                        "challenger show {}. Undo: podium challenger end {}",
                        route, Printable(args.challenger), route, route));
}

std::string ShadowText(const Json& standing) {
  const Json& plan = MemberOf(standing, "shadow");
  const std::string route = Printable(TextOf(standing, "route"));
  if (NumberOf(plan, "rate") <= 0) return fmt::format("{}: its shadows get no copies\n", route);
  std::string text =
      fmt::format("{}: copies of {} of the primary's calls; {:.2f} of {:.2f} dollars spent today\n",
                  route, ShowPercent(NumberOf(plan, "rate") * 100.0),
                  NumberOf(standing, "spent_today_usd"), NumberOf(plan, "daily_cost_cap_usd"));
  const Json& shadows = MemberOf(standing, "shadows");
  if (shadows.empty()) {
    text +=
        "  nobody is in the role of a shadow: podium version register ROUTE FILE --status shadow\n";
  }
  for (const Json& shadow : shadows) {
    text += fmt::format("{} ({}): {:.0f} calls, {:.0f} sampled, {:.0f} shed, {:.0f} errors\n",
                        Printable(TextOf(shadow, "version")), Printable(TextOf(shadow, "model_id")),
                        NumberOf(shadow, "total_requests"), NumberOf(shadow, "sampled_requests"),
                        NumberOf(shadow, "shed"), NumberOf(shadow, "challenger_errors"));
    text += Sentences(shadow);
  }
  return text;
}

std::string ChallengerText(const Json& standing) {
  const Json& plan = MemberOf(standing, "challenger");
  const std::string route = Printable(TextOf(standing, "route"));
  if (plan.is_null()) return fmt::format("{}: its champion is alone\n", route);
  const Json& testing = MemberOf(plan, "testing");
  const std::string challenger = Printable(TextOf(plan, "challenger"));
  if (!testing.is_boolean() || !testing.get<bool>()) {
    return fmt::format("{}: {} is loaded and not called\n", route, challenger);
  }
  const Json& choices = MemberOf(standing, "choices");
  std::string text = fmt::format("{}: {} answers {} of the calls that both are asked\n", route,
                                 challenger, ShowPercent(NumberOf(plan, "weight") * 100.0));
  text += fmt::format(
      "  champion {:.0f}, challenger {:.0f}; instead of it: late {:.0f}, failed "
      "{:.0f}, busy {:.0f}\n",
      NumberOf(choices, "champion"), NumberOf(choices, "challenger"), NumberOf(choices, "late"),
      NumberOf(choices, "failed"), NumberOf(choices, "busy"));
  return text + Sentences(MemberOf(standing, "compared"));
}

}  // namespace podium::app
