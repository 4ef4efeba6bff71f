#include "app/cli_traffic.h"

#include <fmt/format.h>

#include <utility>

#include "app/cli_follow.h"
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
    case VersionVerb::kRetry:
      return "retry";
    case VersionVerb::kDelete:
      break;
  }
  return "";
}

Json WithReason(Json body, const std::string& reason) {
  if (!reason.empty()) body["reason"] = reason;
  return body;
}

Json WithForce(Json body, bool force) {
  if (force) body["force"] = true;
  return body;
}

// What the signature gate let through without knowing, or was told to.
void WarnOfSignatures(CommandContext& context, const Json& answer) {
  for (const Json& check : MemberOf(answer, "signature_checks")) {
    const std::string fit = TextOf(check, "fit");
    if (fit == "compatible") continue;
    const Json& why = MemberOf(check, fit == "unknown" ? "unknown" : "differences");
    std::string reasons;
    for (const Json& reason : why) {
      if (!reason.is_string()) continue;
      reasons += (reasons.empty() ? "" : "; ") + reason.get<std::string>();
    }
    context.console.err << fmt::format(
        "{}: the signature of {} {} that of {}: {}\n", fit == "unknown" ? "note" : "warning",
        Printable(TextOf(check, "model_id")),
        fit == "unknown" ? "could not be compared whole with" : "was forced past",
        Printable(TextOf(check, "primary")), Printable(reasons));
  }
}

// Versions read better than ids; a version that is gone keeps its id.
std::string NameIn(CommandContext& context, const Json& answer, const char* key) {
  const std::string id = TextOf(MemberOf(answer, "change"), key);
  if (id.empty()) return "nothing";
  if (TextOf(answer, "model_id") == id) return ShortName(answer);
  const CliResult<ApiAnswer> row = context.api.Get(ApiPath("/api/v1/versions", id));
  return row ? ShortName(row->body) : Printable(id);
}

// Mutations answer once this server routes by them; others may need a moment.
void Report(CommandContext& context, const Json& answer) {
  if (context.format == OutputFormat::kJson) {
    PrintJson(context.console, answer);
    return;
  }
  const ChangeNames names{NameIn(context, answer, "from"), NameIn(context, answer, "to")};
  context.console.out << DescribeChange(answer, names) << '\n' << HeldNote(answer);
  WarnOfSignatures(context, answer);
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
    case VersionVerb::kRetry:
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
  if (verb == VersionVerb::kRetire || verb == VersionVerb::kRetry) return {};
  const bool deletes = verb == VersionVerb::kDelete;
  // Nobody will read the effect: then the route need not be fetched for it.
  const bool asks =
      !context.yes && context.console.in_is_terminal && context.console.err_is_terminal;
  Json route;
  if (asks && !deletes) {
    CLI_TRY_ASSIGN(route, FindRoute(context.api, TextOf(row, "route")));
    if (MemberOf(route, "primary").is_null()) return {};  // Nothing is live that could move.
  }
  return Confirm(context.console, asks ? EffectOf(verb, row, route) : "", context.yes,
                 deletes ? Unattended::kNeedsYes : Unattended::kGoesOn);
}

}  // namespace

std::string DescribeChange(const Json& answer, const ChangeNames& names) {
  const Json& change = MemberOf(answer, "change");
  const std::string route = Printable(TextOf(answer, "route"));
  if (change.is_null()) return fmt::format("{}: nothing to change, it was so already", route);
  const std::string kind = TextOf(change, "kind");
  const double before = NumberOf(change, "traffic_pct_before");
  const std::string shares = fmt::format("{} → {} of the traffic", ShowPercent(before),
                                         ShowPercent(NumberOf(change, "traffic_pct_after")));
  const std::string generation = fmt::format("(generation {})", CountOf(answer, "generation"));
  const auto version_of = [&](const std::string& name) {
    const auto parts = SplitAt(name);
    return parts ? parts->second : name;
  };
  if (kind == "promote" || kind == "activate") {
    const bool is_first = MemberOf(change, "from").is_null();
    return fmt::format("{} → {} is the primary of {} {}.{}", names.from, names.to, route,
                       generation, is_first ? "" : fmt::format(" Undo: podium rollback {}", route));
  }
  if (kind == "ramp") {
    const std::string back = before == 0 ? "--end" : fmt::format("{:g}", before);
    return fmt::format("canary {} of {}: {} {}. Undo: podium canary {} {}", names.to, route, shares,
                       generation, route, back);
  }
  if (kind == "abort") {
    return fmt::format("canary {} of {}: {}, ended {}. Undo: podium canary {} {} {:g}", names.from,
                       route, shares, generation, route, version_of(names.from), before);
  }
  if (kind == "rollback" && before > 0) {
    // From the canary to the primary, which takes its share.
    return fmt::format("canary {} of {}: {} {}. Undo: podium canary {} {} {:g}", names.from, route,
                       shares, generation, route, version_of(names.from), before);
  }
  if (kind == "rollback") {
    return fmt::format("{} → {} is the primary of {} again {}. Undo: podium promote {}", names.from,
                       names.to, route, generation, names.from);
  }
  if (kind == "retire" || kind == "delete") {
    return fmt::format("{} is {} {}", names.from, kind == "retire" ? "retired" : "deleted",
                       generation);
  }
  return fmt::format("{}: {} {} → {} {}", route, kind, names.from, names.to, generation);
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
                         WithForce(WithReason(Json::object(), context.reason), args.force)));
  if (args.verb == VersionVerb::kRetry && context.format == OutputFormat::kTable) {
    context.console.out << fmt::format("{} is {}\n", NameRow(answer.body),
                                       TextOf(answer.body, "load_state"));
    return {};
  }
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
      context.api.Change(HttpMethod::kPut, path,
                         WithForce(WithReason(std::move(body), context.reason), args.force)));
  Report(context, answer.body);
  return {};
}

CliStatus RunRollback(CommandContext& context, const RollbackArgs& args) {
  CLI_TRY_ASSIGN(const ApiAnswer answer,
                 OfRoute(context.api, args.route,
                         context.api.Change(HttpMethod::kPost,
                                            ApiPath("/api/v1/routes", args.route, "rollback"),
                                            WithReason(Json::object(), context.reason))));
  Report(context, answer.body);
  return {};
}

}  // namespace podium::app
