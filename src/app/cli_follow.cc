#include "app/cli_follow.h"

#include <fmt/format.h>

#include <utility>

#include "app/cli_table.h"
#include "app/cli_target.h"

namespace podium::app {
namespace {

using net::HttpMethod;

bool IsHeld(const Json& follow) {
  const Json& held = MemberOf(follow, "held");
  return held.is_boolean() && held.get<bool>();
}

// "@champion v3", "Production v3", "champion v3" where the usual names are asked for.
std::string NamedVersion(const Json& follow, const char* role) {
  const std::string selector = TextOf(follow, role);
  if (selector == "none") return "no challenger";
  const Json& number = MemberOf(MemberOf(follow, "standing"), role);
  return fmt::format(
      "{} {}", selector.empty() ? role : Printable(selector),
      number.is_number_integer() ? fmt::format("v{}", number.get<std::int64_t>()) : "unset");
}

std::string DescribeFollow(const Json& follow) {
  std::string text =
      fmt::format("{} ({}; {}", Printable(TextOf(follow, "model")),
                  NamedVersion(follow, "champion"), NamedVersion(follow, "challenger"));
  if (MemberOf(MemberOf(follow, "standing"), "challenger").is_number_integer()) {
    text += fmt::format(" at {}", ShowPercent(NumberOf(follow, "challenger_share")));
  }
  return text + ")";
}

Json WithReasonOf(const CommandContext& context, Json body) {
  if (!context.reason.empty()) body["reason"] = context.reason;
  return body;
}

CliResult<ApiAnswer> AskFollow(CommandContext& context, HttpMethod method, const std::string& route,
                               std::string_view verb, Json body) {
  return context.api.Change(method, ApiPath("/api/v1/routes", route, verb),
                            WithReasonOf(context, std::move(body)));
}

// One sentence, or the API's own object.
CliStatus TellFollow(CommandContext& context, const Json& answer, const std::string& sentence) {
  if (context.format == OutputFormat::kJson) {
    PrintJson(context.console, answer);
    return {};
  }
  const Json& changed = MemberOf(answer, "changed");
  const bool was_so = changed.is_boolean() && !changed.get<bool>();
  context.console.out << (was_so ? "it was so already: " : "") << sentence << '\n';
  return {};
}

Json FollowBody(const FollowArgs& args) {
  Json body = {{"model", args.model}};
  if (!args.champion.empty()) body["champion"] = args.champion;
  if (!args.challenger.empty()) body["challenger"] = args.challenger;
  if (args.share) body["challenger_share"] = *args.share;
  if (!args.on_champion.empty()) body["on_champion"] = args.on_champion;
  return body;
}

}  // namespace

CliStatus RunFollow(CommandContext& context, const FollowArgs& args) {
  const std::string route = Printable(args.route);
  if (args.resume) {
    CLI_TRY_ASSIGN(const ApiAnswer answer, AskFollow(context, HttpMethod::kPost, args.route,
                                                     "follow/resume", Json::object()));
    return TellFollow(
        context, answer.body,
        fmt::format("{} follows {} again. How it stands: podium status {}", route,
                    Printable(TextOf(MemberOf(answer.body, "follow"), "model")), route));
  }
  CLI_TRY_ASSIGN(const ApiAnswer answer,
                 AskFollow(context, HttpMethod::kPut, args.route, "follow", FollowBody(args)));
  return TellFollow(
      context, answer.body,
      fmt::format("{} follows {}: its aliases and stages move the traffic now. How it "
                  "stands: podium status {}. Undo: podium route unfollow {}",
                  route, Printable(args.model), route, route));
}

CliStatus RunUnfollow(CommandContext& context, const UnfollowArgs& args) {
  CLI_TRY_ASSIGN(const ApiAnswer answer,
                 AskFollow(context, HttpMethod::kDelete, args.route, "follow", Json::object()));
  return TellFollow(context, answer.body,
                    fmt::format("{} follows no registered model: its traffic stays as it is, until "
                                "somebody moves it",
                                Printable(args.route)));
}

CliStatus RunReload(CommandContext& context, const ReloadArgs& args) {
  Json body = Json::object();
  if (args.force) body["force"] = true;
  CLI_TRY_ASSIGN(const ApiAnswer answer,
                 AskFollow(context, HttpMethod::kPost, args.route, "reload", std::move(body)));
  const Json& standing = MemberOf(answer.body, "standing");
  const std::string text =
      fmt::format("{}: {}", Printable(args.route), Printable(TextOf(standing, "text")));
  if (TextOf(standing, "state") == "blocked") {
    return CliFailure(CliError{ExitCode::kFailed, text, "",
                               "name another version in MLflow's registry, or mend this one", ""});
  }
  return TellFollow(context, answer.body, text);
}

std::string FollowLine(const Json& route) {
  const Json& follow = MemberOf(route, "follow");
  if (follow.is_null()) return "";
  std::string line =
      fmt::format("{} {} {}", Printable(TextOf(route, "route")),
                  IsHeld(follow) ? "is held, it followed" : "follows", DescribeFollow(follow));
  const Json& standing = MemberOf(follow, "standing");
  if (TextOf(standing, "state") == "waiting") line += ": " + Printable(TextOf(standing, "text"));
  return line;
}

std::string FollowWarning(const Json& route) {
  const Json& follow = MemberOf(route, "follow");
  if (follow.is_null()) return "";
  const std::string name = Printable(TextOf(route, "route"));
  if (IsHeld(follow)) {
    return fmt::format(
        "warning: route {} does not follow {}, held since {}: {}; podium route "
        "follow {} --resume\n",
        name, Printable(TextOf(follow, "model")), ShowTime(TextOf(follow, "held_at")),
        Printable(TextOf(follow, "held_because")), name);
  }
  const Json& standing = MemberOf(follow, "standing");
  if (TextOf(standing, "state") != "blocked") return "";
  return fmt::format("warning: route {}: {}\n", name, Printable(TextOf(standing, "text")));
}

std::string HeldNote(const Json& answer) {
  const Json& follow = MemberOf(answer, "follow");
  if (!IsHeld(follow) || TextOf(MemberOf(answer, "change"), "kind") != "rollback") return "";
  const std::string route = Printable(TextOf(answer, "route"));
  return fmt::format("{} is held and does not follow {} until: podium route follow {} --resume\n",
                     route, Printable(TextOf(follow, "model")), route);
}

}  // namespace podium::app
