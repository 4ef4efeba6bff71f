#include "app/cli_status.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "app/cli_follow.h"
#include "app/cli_rollout_text.h"
#include "app/cli_table.h"
#include "app/cli_target.h"

namespace podium::app {
namespace {

constexpr std::size_t kMostRoutes = 10'000;
constexpr std::size_t kLooksKept = 31;  // Half a minute of a watch.
constexpr std::chrono::milliseconds kWatchInterval{1000};

struct Role {
  std::string id;
  std::string version;
  std::string role;
  std::string state;
  double share = 0;
};

Role RoleOf(const Json& version, std::string role, double share) {
  return {TextOf(version, "model_id"), TextOf(version, "version"), std::move(role),
          TextOf(version, "load_state"), share};
}

std::vector<Role> RolesOf(const Json& route) {
  std::vector<Role> roles;
  double primary_share = 100;
  const Json& canary = MemberOf(route, "canary");
  const Json& arms = MemberOf(route, "arms");
  if (!canary.is_null()) primary_share -= NumberOf(route, "traffic_pct");
  for (const Json& arm : arms) primary_share -= NumberOf(arm, "traffic_pct");
  const Json& primary = MemberOf(route, "primary");
  const std::string primary_id = TextOf(primary, "model_id");
  for (const Json& arm : arms) {  // The control of a split is the primary itself.
    if (TextOf(arm, "model_id") == primary_id) primary_share += NumberOf(arm, "traffic_pct");
  }
  if (!primary.is_null()) roles.push_back(RoleOf(primary, "primary", primary_share));
  if (!canary.is_null()) roles.push_back(RoleOf(canary, "canary", NumberOf(route, "traffic_pct")));
  for (const Json& arm : arms) {
    if (TextOf(arm, "model_id") != primary_id) {
      roles.push_back(RoleOf(arm, "arm", NumberOf(arm, "traffic_pct")));
    }
  }
  return roles;
}

const Json& MetricsOfVersion(const Json& metrics, const std::string& id) {
  static const Json kNone;
  for (const Json& entry : metrics) {
    if (TextOf(entry, "model_id") == id) return entry;
  }
  return kNone;
}

void AddRole(Table& table, const std::string& route, const Role& role, double seen,
             const Json& metrics) {
  const Json& entry = MetricsOfVersion(metrics, role.id);
  const std::uint64_t requests = CountOf(entry, "request_count");
  const Json& latency = MemberOf(entry, "latency");
  const auto quantile = [&](const char* key) {
    return requests == 0 ? std::string() : ShowMilliseconds(NumberOf(latency, key));
  };
  table.Add({Printable(route), Printable(role.version), role.role, Printable(role.state),
             ShowPercent(role.share), seen < 0 ? "" : AsPercent(seen), WithThousands(requests),
             requests == 0 ? "" : AsPercent(NumberOf(entry, "error_rate")), quantile("p50"),
             quantile("p95"), quantile("p99")});
}

struct Look {
  Json status;
  Json routes;
  Json metrics;
};

// With their latest sentences, which a server knows by itself only if it drives them. Where the
// registry does not answer, what the routes say has to do.
void AddRollouts(Api& api, Json& routes) {
  const bool any = std::any_of(routes.begin(), routes.end(), [](const Json& route) {
    return !MemberOf(route, "rollout").is_null();
  });
  if (!any) return;
  const CliResult<Json> running = api.List("/api/v1/rollouts", kMostRoutes);
  if (!running) return;
  for (Json& route : routes) {
    for (const Json& rollout : *running) {
      const bool same = TextOf(MemberOf(route, "rollout"), "id") == TextOf(rollout, "id");
      if (same && !TextOf(rollout, "id").empty()) route["rollout"] = rollout;
    }
  }
}

CliResult<Look> LookAt(CommandContext& context, const std::string& route) {
  Look look;
  CLI_TRY_ASSIGN(ApiAnswer status, context.api.Get("/api/v1/status"));
  look.status = std::move(status.body);
  if (route.empty()) {
    CLI_TRY_ASSIGN(look.routes, context.api.List("/api/v1/routes", kMostRoutes));
  } else {
    CLI_TRY_ASSIGN(Json one, FindRoute(context.api, route));
    look.routes = Json::array({std::move(one)});
  }
  AddRollouts(context.api, look.routes);
  CLI_TRY_ASSIGN(ApiAnswer metrics, context.api.Get("/api/v1/metrics/versions"));
  look.metrics = MemberOf(metrics.body, "items");
  return look;
}

// What is wrong comes first: a table of healthy numbers would hide it.
std::string Warnings(const Look& look) {
  std::string text;
  const Json& stale = MemberOf(look.status, "stale");
  if (stale.is_boolean() && stale.get<bool>()) {
    text += fmt::format("warning: the view is {:.0f} s old: the registry could not be read since\n",
                        NumberOf(look.status, "view_age_s"));
  }
  if (const std::string trouble = TextOf(look.status, "trouble"); !trouble.empty()) {
    text += fmt::format("warning: serving on with the last good view: {}\n", Printable(trouble));
  }
  const std::string unwritten = TextOf(look.status, "write_trouble");
  if (!unwritten.empty() && unwritten != TextOf(look.status, "trouble")) {
    text += fmt::format("warning: the last change was not taken: {}\n", Printable(unwritten));
  }
  if (const std::string unheard = TextOf(look.status, "replica_trouble"); !unheard.empty()) {
    text +=
        fmt::format("warning: other replicas do not hear of this one: {}\n", Printable(unheard));
  }
  for (const Json& route : look.routes) {
    text += FollowWarning(route);
    text += RolloutWarningOf(route);
    for (const Json& fault : MemberOf(route, "faults")) {
      if (!fault.is_string()) continue;
      text += fmt::format("warning: route {}: {}\n", Printable(TextOf(route, "route")),
                          Printable(fault.get<std::string>()));
    }
  }
  return text;
}

void Show(CommandContext& context, const Look& look, const SeenShares& seen) {
  Console& console = context.console;
  if (context.format == OutputFormat::kJson) {
    const Json shown = {
        {"status", look.status}, {"routes", look.routes}, {"metrics", look.metrics}};
    PrintJson(console, shown);
    return;
  }
  console.err << Warnings(look) << std::flush;
  if (look.routes.empty()) {
    console.err << "no routes yet: podium version register ROUTE model.onnx --version 1\n";
    return;
  }
  console.out << StatusTable(look.routes, look.metrics, seen);
  for (const Json& route : look.routes) {
    for (const std::string& line : {FollowLine(route), RolloutLineOf(route)}) {
      if (!line.empty()) console.out << line << '\n';
    }
  }
  console.out << std::flush;
}

}  // namespace

void SeenShares::Look(const Json& metrics) {
  RequestCounts counts;
  for (const Json& entry : metrics) {
    counts[TextOf(entry, "model_id")] = CountOf(entry, "request_count");
  }
  looks_.push_back(std::move(counts));
  if (looks_.size() > kLooksKept) looks_.pop_front();
}

double SeenShares::ShareOf(const std::string& id, const std::vector<std::string>& ids) const {
  if (looks_.empty()) return -1;
  const RequestCounts& last = looks_.back();
  const auto fresh = [&](const std::string& of) -> std::uint64_t {
    const auto now = last.find(of);
    if (now == last.end()) return 0;
    if (looks_.size() == 1) return now->second;
    const auto then = looks_.front().find(of);
    const std::uint64_t before = then == looks_.front().end() ? 0 : then->second;
    return now->second >= before ? now->second - before : now->second;  // Reset in between.
  };
  std::uint64_t total = 0;
  for (const std::string& of : ids) total += fresh(of);
  if (total == 0) return -1;
  return static_cast<double>(fresh(id)) / static_cast<double>(total);
}

std::string StatusTable(const Json& routes, const Json& metrics, const SeenShares& seen) {
  using enum Table::Align;
  Table table({{"ROUTE"},
               {"VERSION"},
               {"ROLE"},
               {"STATE"},
               {"ASKED", kRight},
               {"SEEN", kRight},
               {"REQUESTS", kRight},
               {"ERRORS", kRight},
               {"P50 ms", kRight},
               {"P95 ms", kRight},
               {"P99 ms", kRight}});
  for (const Json& route : routes) {
    const std::vector<Role> roles = RolesOf(route);
    std::vector<std::string> ids;
    for (const Role& role : roles) ids.push_back(role.id);
    std::string name = TextOf(route, "route");
    if (roles.empty()) {
      table.Add({Printable(name), "", "no primary", "", "", "", "", "", "", "", ""});
    }
    for (const Role& role : roles) {
      AddRole(table, name, role, seen.ShareOf(role.id, ids), metrics);
    }
  }
  return table.Render();
}

CliStatus RunStatus(CommandContext& context, const StatusArgs& args, const Waiting& waiting) {
  SeenShares seen;
  while (true) {
    CLI_TRY_ASSIGN(const Look look, LookAt(context, args.route));
    seen.Look(look.metrics);
    const bool redraws = args.watch && context.console.out_is_terminal;
    if (redraws && context.format == OutputFormat::kTable) context.console.out << "\x1b[H\x1b[J";
    Show(context, look, seen);
    if (!args.watch) return {};
    if (!waiting.pause(kWatchInterval)) {
      return CliFailure(CliError{ExitCode::kInterrupted, "", "", "", ""});
    }
  }
}

}  // namespace podium::app
