#include "app/cli_traffic.h"

#include <fmt/format.h>

#include <utility>

#include "app/cli_table.h"
#include "app/cli_target.h"

namespace podium::app {
namespace {

using net::HttpMethod;

std::string_view PathOf(VersionVerb verb) {
  switch (verb) {
    case VersionVerb::kActivate:
      return "activate";
    case VersionVerb::kPromote:
      return "promote";
    case VersionVerb::kRetire:
      return "retire";
    case VersionVerb::kDelete:
      break;
  }
  return "";
}

Json WithReason(Json body, const std::string& reason) {
  if (!reason.empty()) body["reason"] = reason;
  return body;
}

std::string IdIn(const Json& change, const char* key) {
  const std::string id = Printable(TextOf(change, key));
  return id.empty() ? "nothing" : id;
}

// Mutations answer once this server routes by them; others may need a moment.
void Report(CommandContext& context, const Json& answer) {
  if (context.format == OutputFormat::kJson) {
    context.console.out << DumpJsonPretty(answer) << '\n';
    return;
  }
  context.console.out << DescribeChange(answer) << '\n';
  for (const Json& replica : MemberOf(answer, "replicas")) {
    const Json& applied = MemberOf(replica, "applied");
    if (applied.is_boolean() && !applied.get<bool>()) {
      context.console.err << fmt::format(
          "warning: committed, but replica {} does not route by it "
          "yet: look with `podium status`\n",
          Printable(TextOf(replica, "id")));
    }
  }
}

std::string Live(const Json& route) {
  const Json& primary = MemberOf(route, "primary");
  const Json& canary = MemberOf(route, "canary");
  if (primary.is_null()) return "nothing serves it now";
  const double share = NumberOf(route, "traffic_pct");
  std::string text =
      fmt::format("now version {} ({}) serves {}", Printable(TextOf(primary, "version")),
                  Printable(TextOf(primary, "model_id")), ShowPercent(100 - share));
  if (!canary.is_null()) {
    text += fmt::format(", canary {} ({}) {}", Printable(TextOf(canary, "version")),
                        Printable(TextOf(canary, "model_id")), ShowPercent(share));
  }
  return text;
}

std::string EffectOf(VersionVerb verb, const Json& row, const Json& route) {
  const std::string name = NameRow(row);
  switch (verb) {
    case VersionVerb::kPromote:
    case VersionVerb::kActivate:
      return fmt::format("Live traffic of route {} moves: {}.\nAfter this, {} serves all of it.",
                         Printable(TextOf(row, "route")), Live(route), name);
    case VersionVerb::kDelete:
      return fmt::format("{} is removed from the registry.", name);
    case VersionVerb::kRetire:
      break;
  }
  return "";
}

// A route in the place of an id means its canary.
CliResult<Json> FindForPromotion(CommandContext& context, const std::string& target) {
  CliResult<Json> row = FindVersion(context.api, target);
  if (row || row.error().exit != ExitCode::kNotFound || SplitAt(target)) return row;
  const CliResult<ApiAnswer> route = context.api.Get(ApiPath("/api/v1/routes", target));
  if (!route) return row;
  const std::string canary = TextOf(MemberOf(route->body, "canary"), "model_id");
  if (canary.empty()) {
    return CliFailure(CliError{ExitCode::kNotFound,
                               fmt::format("route {} has no canary to promote", target), "",
                               fmt::format("name a version: podium promote {}@VERSION (podium "
                                           "version list {} shows them)",
                                           target, target),
                               ""});
  }
  context.console.err << fmt::format("{} is a route: promoting its canary, {}\n", target, canary);
  return FindVersion(context.api, canary);
}

CliStatus ConfirmChange(CommandContext& context, VersionVerb verb, const Json& row) {
  if (verb == VersionVerb::kRetire) return {};
  const bool deletes = verb == VersionVerb::kDelete;
  // Nobody will read the effect: then the route need not be fetched for it.
  const bool asks =
      !context.yes && context.console.in_is_terminal && context.console.err_is_terminal;
  Json route;
  if (asks && !deletes) {
    CLI_TRY_ASSIGN(route, FindRoute(context.api, TextOf(row, "route")));
  }
  return Confirm(context.console, asks ? EffectOf(verb, row, route) : "", context.yes,
                 deletes ? Unattended::kNeedsYes : Unattended::kGoesOn);
}

}  // namespace

std::string DescribeChange(const Json& answer) {
  const Json& change = MemberOf(answer, "change");
  const std::string route = Printable(TextOf(answer, "route"));
  if (change.is_null()) return fmt::format("{}: nothing to change, it was so already", route);
  const std::string kind = TextOf(change, "kind");
  const std::string from = IdIn(change, "from");
  const std::string to = IdIn(change, "to");
  const std::string before = ShowPercent(NumberOf(change, "traffic_pct_before"));
  const std::string after = ShowPercent(NumberOf(change, "traffic_pct_after"));
  const std::string generation = fmt::format("generation {}", CountOf(answer, "generation"));
  if (kind == "promote" || kind == "activate") {
    const bool first = MemberOf(change, "from").is_null();
    return fmt::format("{}: {} → {} is the primary ({}).{}", route, from, to, generation,
                       first ? "" : fmt::format(" Undo: podium rollback {}", route));
  }
  if (kind == "ramp") {
    const bool was_none = NumberOf(change, "traffic_pct_before") == 0;
    return fmt::format(
        "{}: canary {} {} → {} of the traffic ({}). Undo: podium canary {} {}", route, to, before,
        after, generation, route,
        was_none ? "--end" : fmt::format("{:g}", NumberOf(change, "traffic_pct_before")));
  }
  if (kind == "abort") {
    return fmt::format(
        "{}: canary {} {} → {} of the traffic, ended ({}). Undo: podium canary {} {} "
        "{:g}",
        route, from, before, after, generation, route, from,
        NumberOf(change, "traffic_pct_before"));
  }
  if (kind == "rollback" && from == to) {
    return fmt::format("{}: canary {} {} → {} of the traffic ({})", route, to, before, after,
                       generation);
  }
  if (kind == "rollback") {
    return fmt::format("{}: {} → {} is the primary again ({}). Undo: podium promote {}", route,
                       from, to, generation, from);
  }
  if (kind == "retire" || kind == "delete") {
    return fmt::format("{}: {} is {} ({})", route, from == "nothing" ? to : from,
                       kind == "retire" ? "retired" : "deleted", generation);
  }
  return fmt::format("{}: {} {} → {} ({})", route, kind, from, to, generation);
}

CliStatus RunChangeVersion(CommandContext& context, const ChangeVersionArgs& args) {
  CLI_TRY_ASSIGN(const Json row, args.verb == VersionVerb::kPromote
                                     ? FindForPromotion(context, args.target)
                                     : FindVersion(context.api, args.target));
  CLI_TRY(ConfirmChange(context, args.verb, row));
  const bool deletes = args.verb == VersionVerb::kDelete;
  CLI_TRY_ASSIGN(
      const ApiAnswer answer,
      context.api.Change(deletes ? HttpMethod::kDelete : HttpMethod::kPost,
                         ApiPath("/api/v1/versions", TextOf(row, "model_id"), PathOf(args.verb)),
                         WithReason(Json::object(), context.reason)));
  Report(context, answer.body);
  return {};
}

CliStatus RunCanary(CommandContext& context, const CanaryArgs& args) {
  const std::string path = ApiPath("/api/v1/routes", args.route, "canary");
  if (!args.pct) {
    CLI_TRY_ASSIGN(
        const ApiAnswer ended,
        context.api.Change(HttpMethod::kDelete, path, WithReason(Json::object(), context.reason)));
    Report(context, ended.body);
    return {};
  }
  CLI_TRY_ASSIGN(const Json route, FindRoute(context.api, args.route));
  std::string id = TextOf(MemberOf(route, "canary"), "model_id");
  std::string name = id;
  const bool is_same = args.target.empty();
  if (!is_same) {
    CLI_TRY_ASSIGN(const Json row, FindVersionOf(context.api, args.route, args.target));
    id = TextOf(row, "model_id");
    name = NameRow(row);
  } else if (id.empty()) {
    return CliFailure(CliError{
        ExitCode::kNotFound, fmt::format("route {} has no canary", args.route), "",
        fmt::format("name a version: podium canary {} VERSION {:g}", args.route, *args.pct), ""});
  }
  // Less traffic for a canary is always safe.
  const bool is_lower = is_same && *args.pct <= NumberOf(route, "traffic_pct");
  if (!is_lower) {
    CLI_TRY(Confirm(context.console,
                    fmt::format("Live traffic of route {} moves: {}.\nAfter this, {} gets {}.",
                                args.route, Live(route), name, ShowPercent(*args.pct)),
                    context.yes, Unattended::kGoesOn));
  }
  Json body = {{"model_id", id}, {"traffic_pct", *args.pct}};
  CLI_TRY_ASSIGN(
      const ApiAnswer answer,
      context.api.Change(HttpMethod::kPut, path, WithReason(std::move(body), context.reason)));
  Report(context, answer.body);
  return {};
}

CliStatus RunRollback(CommandContext& context, const RollbackArgs& args) {
  CliResult<ApiAnswer> answer =
      context.api.Change(HttpMethod::kPost, ApiPath("/api/v1/routes", args.route, "rollback"),
                         WithReason(Json::object(), context.reason));
  if (!answer) {
    // A mistyped route costs an operator time just when there is none: say what is near.
    if (answer.error().exit == ExitCode::kNotFound) CLI_TRY(FindRoute(context.api, args.route));
    return CliFailure(std::move(answer).error());
  }
  Report(context, answer->body);
  return {};
}

}  // namespace podium::app
