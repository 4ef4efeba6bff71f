#include "app/cli_rollout.h"

#include <fmt/format.h>

#include <chrono>
#include <utility>

#include "app/cli_rollout_text.h"
#include "app/cli_target.h"
#include "app/cli_upload.h"
#include "base/limits.h"

namespace podium::app {
namespace {

using net::HttpMethod;

constexpr std::chrono::milliseconds kLookInterval{1000};

std::string_view PathWord(RolloutVerb verb) {
  switch (verb) {
    case RolloutVerb::kPause:
      return "pause";
    case RolloutVerb::kResume:
      return "resume";
    case RolloutVerb::kStep:
      return "step";
    case RolloutVerb::kShare:
      return "share";
    case RolloutVerb::kPromote:
      return "promote";
    case RolloutVerb::kAbort:
      return "abort";
    case RolloutVerb::kRollBack:
      break;
  }
  return "rollback";
}

bool IsOver(const Json& rollout) {
  const std::string phase = TextOf(rollout, "phase");
  return phase != "running" && phase != "paused";
}

Json ReasonedBody(const CommandContext& context, Json body, bool force) {
  if (!context.reason.empty()) body["reason"] = context.reason;
  if (force) body["force"] = true;
  return body;
}

CliResult<Json> PlanOf(const RolloutStartArgs& args) {
  if (args.file.empty()) return args.plan;
  const Result<std::string> text = ReadSmallFile(args.file, limits::kMaxAdminBodyBytes);
  if (!text) return LocalError(text.error());
  Result<Json> plan = ParseJson(*text);
  if (plan && plan->is_object()) return std::move(*plan);
  return UsageError(fmt::format("{} is no plan: {}", args.file,
                                plan ? "it must be a JSON object" : Describe(plan.error())));
}

void TellStart(CommandContext& context, const Json& answer) {
  if (context.format == OutputFormat::kJson) return PrintJson(context.console, answer);
  context.console.err << OutlookWarnings(MemberOf(answer, "outlook"));
  context.console.out << DescribeMove(answer) << '\n';
}

void TellPreview(CommandContext& context, const Json& answer) {
  if (context.format == OutputFormat::kJson) return PrintJson(context.console, answer);
  const Json& outlook = MemberOf(answer, "outlook");
  for (const Json& objection : MemberOf(answer, "objections")) {
    context.console.err << "refused: " << Printable(TextOf(objection, "detail")) << '\n';
  }
  context.console.err << OutlookWarnings(outlook);
  context.console.out << fmt::format(
      "{}: {} would come in against {}, attempt {} with a chance of error of {:.2g}\n",
      Printable(TextOf(answer, "route")), Printable(TextOf(answer, "candidate_version")),
      Printable(TextOf(answer, "primary_version")), CountOf(answer, "attempt"),
      NumberOf(answer, "alpha"));
  context.console.out << OutlookTable(outlook);
}

// What is asked on a terminal; empty for what takes traffic away or moves none.
std::string EffectOn(const RolloutVerbArgs& args, const Json& rollout) {
  const std::string route = Printable(TextOf(rollout, "route"));
  const std::string candidate = Printable(TextOf(rollout, "candidate"));
  switch (args.verb) {
    case RolloutVerb::kPromote:
      return fmt::format("Live traffic of route {} moves: {} serves all of it after this.", route,
                         candidate);
    case RolloutVerb::kShare:
      if (args.pct <= NumberOf(rollout, "traffic_pct")) return "";
      return fmt::format("Live traffic of route {} moves: {} gets {}.", route, candidate,
                         fmt::format("{:g} %", args.pct));
    case RolloutVerb::kStep:
      return fmt::format("Route {} goes on to its next step, whatever is proven by now.", route);
    default:
      return "";
  }
}

CliFailure NoRollout(const std::string& target, const std::string& route) {
  return CliFailure(CliError{ExitCode::kNotFound,
                             route.empty()
                                 ? fmt::format("there is no rollout and no route {}", target)
                                 : fmt::format("no rollout runs on route {}", route),
                             "",
                             route.empty() ? "podium rollout list --all"
                                           : fmt::format("podium rollout list {} --all", route),
                             ""});
}

}  // namespace

std::string RolloutPath(const Json& rollout, std::string_view verb) {
  std::string path = ApiPath("/api/v1/routes", TextOf(rollout, "route"));
  path = ApiPath(path + "/rollouts", TextOf(rollout, "id"), verb);
  return path;
}

CliResult<Json> FindRollout(Api& api, const std::string& target, RolloutWanted wanted) {
  CliResult<ApiAnswer> named = api.Get(ApiPath("/api/v1/rollouts", target));
  if (named) return std::move(named->body);
  if (named.error().exit != ExitCode::kNotFound) return CliFailure(std::move(named).error());
  CliResult<ApiAnswer> of_route = api.Get(ApiPath("/api/v1/routes", target, "rollouts"));
  if (!of_route) {
    if (of_route.error().exit != ExitCode::kNotFound) {
      return CliFailure(std::move(of_route).error());
    }
    CLI_TRY(FindRoute(api, target));  // Says what is near.
    return NoRollout(target, "");
  }
  const Json& items = MemberOf(of_route->body, "items");  // Newest first.
  for (const Json& rollout : items) {
    if (!IsOver(rollout)) return rollout;
  }
  if (wanted == RolloutWanted::kAny && !items.empty()) return items.front();
  return NoRollout(target, target);
}

CliStatus RunRolloutStart(CommandContext& context, const RolloutStartArgs& args) {
  CLI_TRY_ASSIGN(Json body, PlanOf(args));
  body["candidate"] = args.candidate;
  std::string target = ApiPath("/api/v1/routes", args.route, "rollouts");
  if (args.dry_run) {
    target = WithQuery(std::move(target), "dry_run", "true");
  } else {
    CLI_TRY(Confirm(context.console,
                    fmt::format("Live traffic of route {} moves: {} is led in step by step.",
                                Printable(args.route), Printable(args.candidate)),
                    context.yes, Unattended::kGoesOn));
  }
  CLI_TRY_ASSIGN(const ApiAnswer answer,
                 OfRoute(context.api, args.route,
                         context.api.Change(HttpMethod::kPost, target,
                                            ReasonedBody(context, std::move(body), args.force))));
  if (!args.dry_run) {
    TellStart(context, answer.body);
    return {};
  }
  TellPreview(context, answer.body);
  const Json& would = MemberOf(answer.body, "would_start");
  if (would.is_boolean() && would.get<bool>()) return {};
  return CliFailure(CliError{ExitCode::kConflict, "", "", "", ""});
}

CliStatus RunRolloutList(CommandContext& context, const RolloutListArgs& args) {
  std::string target =
      args.route.empty() ? "/api/v1/rollouts" : ApiPath("/api/v1/routes", args.route, "rollouts");
  if (args.route.empty() && args.all) target = WithQuery(std::move(target), "all", "true");
  CLI_TRY_ASSIGN(Json rollouts, context.api.List(target, args.most));
  if (!args.all) {
    Json running = Json::array();
    for (Json& rollout : rollouts) {
      if (!IsOver(rollout)) running.push_back(std::move(rollout));
    }
    rollouts = std::move(running);
  }
  if (context.format == OutputFormat::kJson) {
    PrintJson(context.console, rollouts);
  } else if (rollouts.empty()) {
    context.console.err << (args.all ? "no rollouts yet: podium rollout start ROUTE CANDIDATE\n"
                                     : "no rollout runs: podium rollout list --all\n");
  } else {
    context.console.out << RolloutTable(rollouts);
  }
  return {};
}

CliStatus RunRolloutShow(CommandContext& context, const RolloutShowArgs& args,
                         const Waiting& waiting) {
  CLI_TRY_ASSIGN(Json rollout, FindRollout(context.api, args.target, RolloutWanted::kAny));
  const std::string path = RolloutPath(rollout);
  while (true) {
    CLI_TRY_ASSIGN(ApiAnswer answer, context.api.Get(path));
    rollout = std::move(answer.body);
    const bool redraws = args.watch && context.console.out_is_terminal;
    if (context.format == OutputFormat::kJson) {
      PrintJson(context.console, rollout);
    } else {
      if (redraws) context.console.out << "\x1b[H\x1b[J";
      context.console.out << DescribeRollout(rollout) << std::flush;
    }
    if (!args.watch) return {};
    if (IsOver(rollout)) break;
    if (!waiting.pause(kLookInterval)) {
      return CliFailure(CliError{ExitCode::kInterrupted, "", "", "", ""});
    }
  }
  if (TextOf(rollout, "phase") == "promoted") return {};
  return CliFailure(CliError{ExitCode::kFailed, "", "", "", ""});
}

CliStatus RunRolloutVerb(CommandContext& context, const RolloutVerbArgs& args) {
  CLI_TRY_ASSIGN(const Json rollout,
                 FindRollout(context.api, args.target, RolloutWanted::kRunning));
  if (const std::string effect = EffectOn(args, rollout); !effect.empty()) {
    CLI_TRY(Confirm(context.console, effect, context.yes, Unattended::kGoesOn));
  }
  Json body = Json::object();
  if (args.verb == RolloutVerb::kShare) body["traffic_pct"] = args.pct;
  CLI_TRY_ASSIGN(const ApiAnswer answer,
                 context.api.Change(HttpMethod::kPost, RolloutPath(rollout, PathWord(args.verb)),
                                    ReasonedBody(context, std::move(body), args.force)));
  if (context.format == OutputFormat::kJson) {
    PrintJson(context.console, answer.body);
  } else {
    context.console.out << DescribeMove(answer.body) << '\n';
  }
  return {};
}

}  // namespace podium::app
