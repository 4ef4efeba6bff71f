#include "app/cli_replicas.h"

#include <fmt/format.h>

#include <cstdlib>
#include <string>
#include <utility>

#include "app/cli_table.h"
#include "app/cli_versions.h"

namespace podium::app {
namespace {

constexpr std::size_t kMostReplicas = 10'000;
constexpr std::size_t kMostFollowed = 10'000;  // Of one look.
constexpr std::chrono::milliseconds kFollowInterval{1000};

bool IsLive(const Json& replica) {
  const Json& live = MemberOf(replica, "live");
  return live.is_boolean() && live.get<bool>();
}

std::string ShowBehind(const Json& replica) {
  const Json& behind = MemberOf(replica, "behind");
  return behind.is_number() ? fmt::to_string(behind.get<std::int64_t>()) : "an epoch";
}

// Who cannot serve what, below the table: it is why a promote is refused.
void TellFailures(CommandContext& context, const Json& replicas) {
  for (const Json& replica : replicas) {
    for (const Json& version : MemberOf(replica, "not_ready")) {
      context.console.err << fmt::format(
          "warning: replica {} cannot serve {}: {}\n", Printable(TextOf(replica, "id")),
          Printable(TextOf(version, "model_id")), Printable(TextOf(version, "error")));
    }
  }
}

std::string ShowEvent(const Json& event) {
  const Json& data = MemberOf(event, "data");
  std::string line = fmt::format("{:>6}  {}  {}", Printable(TextOf(event, "id")),
                                 ShowTime(TextOf(event, "time")), Printable(TextOf(event, "type")));
  if (const std::string route = TextOf(event, "subject"); !route.empty()) {
    line += "  " + Printable(route);
  }
  const std::string from = TextOf(data, "from");
  const std::string to = TextOf(data, "to");
  if (!from.empty() || !to.empty()) {
    line += fmt::format("  {} -> {}", from.empty() ? "-" : Printable(from),
                        to.empty() ? "-" : Printable(to));
  }
  if (const std::string actor = TextOf(data, "actor"); !actor.empty()) {
    line += "  by " + Printable(actor);
  }
  return line;
}

std::string TargetOf(const EventsArgs& args, std::uint64_t after) {
  std::string target = WithQuery("/api/v1/events", "after", fmt::to_string(after));
  target = WithQuery(std::move(target), "type", args.type);
  return WithQuery(std::move(target), "route", args.route);
}

CliResult<std::uint64_t> NewestEvent(Api& api) {
  CLI_TRY_ASSIGN(const ApiAnswer answer, api.Get("/api/v1/events?limit=1"));
  return std::strtoull(answer.Header("x-podium-newest-event").c_str(), nullptr, 10);
}

// The id of the last event shown, or `after`.
CliResult<std::uint64_t> ShowSince(CommandContext& context, const EventsArgs& args,
                                   std::uint64_t after, std::size_t most) {
  CLI_TRY_ASSIGN(const Json events, context.api.List(TargetOf(args, after), most));
  const bool json = context.format == OutputFormat::kJson;
  if (json && !args.follow) PrintJson(context.console, events);
  for (const Json& event : events) {
    if (json && args.follow) context.console.out << DumpJson(event) << '\n';
    if (!json) context.console.out << ShowEvent(event) << '\n';
    after = std::strtoull(TextOf(event, "id").c_str(), nullptr, 10);
  }
  context.console.out.flush();
  return after;
}

}  // namespace

CliStatus RunListReplicas(CommandContext& context, const ListReplicasArgs& /*args*/) {
  CLI_TRY_ASSIGN(const Json replicas, context.api.List("/api/v1/replicas", kMostReplicas));
  if (context.format == OutputFormat::kJson) {
    PrintJson(context.console, replicas);
    return {};
  }
  using enum Table::Align;
  Table table({{"REPLICA"},
               {"ADDRESS"},
               {"VERSION"},
               {"STATE"},
               {"GENERATION", kRight},
               {"BEHIND", kRight},
               {"READY", kRight},
               {"FAILED", kRight},
               {"HEARD OF s AGO", kRight}});
  for (const Json& replica : replicas) {
    table.Add({Printable(TextOf(replica, "id")), Printable(TextOf(replica, "address")),
               Printable(TextOf(replica, "version")), IsLive(replica) ? "live" : "silent",
               fmt::to_string(CountOf(replica, "generation")), ShowBehind(replica),
               WithThousands(CountOf(replica, "ready")), WithThousands(CountOf(replica, "failed")),
               fmt::format("{:.1f}", NumberOf(replica, "silent_s"))});
  }
  context.console.out << table.Render();
  TellFailures(context, replicas);
  return {};
}

CliStatus RunEvents(CommandContext& context, const EventsArgs& args, const Waiting& waiting) {
  std::uint64_t after = args.after.value_or(0);
  if (!args.after) {
    CLI_TRY_ASSIGN(const std::uint64_t newest, NewestEvent(context.api));
    after = newest > args.most ? newest - args.most : 0;
  }
  CLI_TRY_ASSIGN(after, ShowSince(context, args, after, args.most));
  while (args.follow) {
    if (!waiting.pause(kFollowInterval)) {
      return CliFailure(CliError{ExitCode::kInterrupted, "", "", "", ""});
    }
    CLI_TRY_ASSIGN(after, ShowSince(context, args, after, kMostFollowed));
  }
  return {};
}

}  // namespace podium::app
