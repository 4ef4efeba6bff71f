#include "control/admin/scrape.h"

#include <array>
#include <chrono>
#include <map>
#include <utility>

#include "control/admin/shadow_json.h"

namespace podium::control {
namespace {

constexpr std::array<std::string_view, view::kOutcomes> kOutcomeNames = {"ok", "error", "timeout"};

/// Sums by what the labels say: a version deleted and registered anew has two ids and one label.
struct Series {
  view::RoleCounts plain;
  view::RoleCounts canary;
  view::OutcomeCounts overrides{};
  std::uint64_t not_served = 0;
};
using SeriesMap = std::map<std::pair<std::string, std::string>, Series>;

void AddCounts(view::OutcomeCounts& sum, const view::OutcomeCounts& counts) {
  for (std::size_t i = 0; i < view::kOutcomes; ++i) sum[i] += counts[i];
}

void AddCounts(view::RoleCounts& sum, const view::RoleCounts& counts) {
  AddCounts(sum.outcomes, counts.outcomes);
  sum.latency.Merge(counts.latency);
}

SeriesMap CollectSeries(const view::StatsRegistry& stats) {
  SeriesMap map;
  for (const view::VersionReport& report : stats.ReportAll()) {
    Series& series = map[{report.route.get(), report.version}];
    AddCounts(series.plain, report.total.plain);
    AddCounts(series.canary, report.total.canary);
    AddCounts(series.overrides, report.total.overrides);
    series.not_served += report.total.not_served;
  }
  return map;
}

void WriteTraffic(Exposition& out, const SeriesMap& map) {
  out.Family("podium_requests_total", "counter",
             "Answered requests by the version that served; without overrides.");
  for (const auto& [key, series] : map) {
    for (const auto& [role, canary] :
         {std::pair(&series.plain, "false"), {&series.canary, "true"}}) {
      if (role->total() == 0) continue;
      for (std::size_t i = 0; i < view::kOutcomes; ++i) {
        out.Sample({{"route", key.first},
                    {"model_version", key.second},
                    {"canary", canary},
                    {"outcome", kOutcomeNames[i]}},
                   static_cast<double>(role->outcomes[i]));
      }
    }
  }
  out.Family("podium_request_duration_seconds", "histogram",
             "From the end of the request's head to its answer.");
  for (const auto& [key, series] : map) {
    for (const auto& [role, canary] :
         {std::pair(&series.plain, "false"), {&series.canary, "true"}}) {
      if (role->total() == 0) continue;
      out.Sample({{"route", key.first}, {"model_version", key.second}, {"canary", canary}},
                 role->latency);
    }
  }
  // A family of its own: whoever compares versions by the one above must not have to know of these.
  out.Family("podium_override_requests_total", "counter",
             "Answered requests that named this version themselves.");
  for (const auto& [key, series] : map) {
    if (series.overrides == view::OutcomeCounts{}) continue;
    for (std::size_t i = 0; i < view::kOutcomes; ++i) {
      out.Sample(
          {{"route", key.first}, {"model_version", key.second}, {"outcome", kOutcomeNames[i]}},
          static_cast<double>(series.overrides[i]));
    }
  }
  out.Family("podium_not_served_total", "counter",
             "Requests assigned to this version that another one of the chain answered.");
  for (const auto& [key, series] : map) {
    out.Sample({{"route", key.first}, {"model_version", key.second}},
               static_cast<double>(series.not_served));
  }
}

void WriteRoutes(Exposition& out, const view::CoreView& view) {
  out.Family("podium_route_weight_ratio", "gauge", "Share of traffic that the table asks for.");
  for (const view::RouteView& route : view.routes()) {
    const routing::CompiledRoute& compiled = *route.route;
    const double canary = compiled.canary_share.value() / 1e4;
    if (compiled.canary != routing::kNoVersion) {
      out.Sample({{"route", compiled.name.get()},
                  {"model_version", compiled.At(compiled.canary).version},
                  {"canary", "true"}},
                 canary);
    }
    if (compiled.primary != routing::kNoVersion) {
      const double rest = compiled.policy == RoutePolicy::kAb
                              ? 1.0 - compiled.arms_share.value() / 1e4
                              : 1.0 - canary;
      out.Sample({{"route", compiled.name.get()},
                  {"model_version", compiled.At(compiled.primary).version},
                  {"canary", "false"}},
                 rest);
    }
  }
  out.Family("podium_version_ready", "gauge", "1 when this replica can serve the version.");
  for (const view::RouteView& route : view.routes()) {
    for (std::size_t i = 0; i < route.serving.size(); ++i) {
      const ModelVersion& version = route.route->versions[i];
      out.Sample({{"route", route.route->name.get()},
                  {"model_version", version.version},
                  {"status", NameOf(version.status)},
                  {"state", NameOf(route.serving[i].state)}},
                 route.serving[i].ready() ? 1 : 0);
    }
  }
}

// One sample for each route that follows. Two states of one thing are two families: a held route is
// not late.
void WriteFollow(Exposition& out, const AdminContext& c, const view::CoreView& view) {
  if (c.follow == nullptr) return;
  out.Family("podium_follow_held", "gauge",
             "1 when a rollback has detached the route from the registered model it follows.");
  for (const view::RouteView& route : view.routes()) {
    if (!route.route->follow) continue;
    out.Sample({{"route", route.route->name.get()}}, route.route->follow->held ? 1 : 0);
  }
  out.Family("podium_follow_behind_seconds", "gauge",
             "Since when the version that a registered model names as champion does not serve.");
  for (const view::RouteView& route : view.routes()) {
    if (!route.route->follow) continue;
    const auto standing = c.follow->StandingOf(route.route->name);
    const bool behind = standing && standing->champion_since;
    out.Sample({{"route", route.route->name.get()}},
               behind ? SecondsOf(c.clock.SteadyNow() - *standing->champion_since) : 0);
  }
}

// What one would be woken for: a step that is overdue, a rollout that is frozen or ended badly. The
// evidence is known to the replica that drives: the others leave those samples out.
void WriteRollouts(Exposition& out, const AdminContext& c) {
  const auto& ended = c.ended_rollouts;
  out.Family("podium_rollouts_ended_total", "counter",
             "Rollouts that ended by a verb or a move of this replica.");
  out.Sample({{"how", "promoted"}}, static_cast<double>(ended.promoted.load()));
  out.Sample({{"how", "rolled_back"}}, static_cast<double>(ended.rolled_back.load()));
  out.Sample({{"how", "aborted"}}, static_cast<double>(ended.aborted.load()));
  if (c.driver == nullptr) return;
  const std::vector<view::RolloutStanding> running = c.driver->Standings();
  const auto gauge = [&](std::string_view name, std::string_view help, auto value) {
    out.Family(name, "gauge", help);
    for (const view::RolloutStanding& one : running) {
      if (const std::optional<double> sample = value(one)) {
        out.Sample({{"route", one.route.get()}, {"rollout", one.id.get()}}, *sample);
      }
    }
  };
  using Sample = std::optional<double>;
  using Standing = view::RolloutStanding;
  const auto looked = [](const Standing& one) { return one.driven_here && !one.decision.empty(); };
  gauge("podium_rollout_share", "Share of the candidate.", [](const Standing& one) {
    return one.unread ? Sample() : Sample(one.share.value() / 1e4);
  });
  out.Family("podium_rollout_phase", "gauge", "1 for the phase that the rollout is in.");
  for (const Standing& one : running) {
    for (const RolloutPhase phase : {RolloutPhase::kRunning, RolloutPhase::kPaused}) {
      out.Sample({{"route", one.route.get()}, {"rollout", one.id.get()}, {"phase", NameOf(phase)}},
                 one.phase == phase ? 1 : 0);
    }
  }
  gauge("podium_rollout_overdue", "1 when its step has passed its deadline and waits for a person.",
        [](const Standing& one) { return Sample(one.overdue ? 1 : 0); });
  gauge("podium_rollout_frozen",
        "1 when its split is not the one asked for: nothing is decided by itself.",
        [&](const Standing& one) {
          return looked(one) ? Sample(one.decision == "freeze" ? 1 : 0) : Sample();
        });
  gauge("podium_rollout_log_e", "Evidence that the candidate is worse, as a natural logarithm.",
        [&](const Standing& one) { return looked(one) ? Sample(one.log_e) : Sample(); });
  gauge("podium_rollout_log_e_needs", "What that must reach for a rollback.",
        [&](const Standing& one) { return looked(one) ? Sample(one.log_e_needs) : Sample(); });
  gauge("podium_rollout_units", "Requests or keys that count in its present part.",
        [&](const Standing& one) {
          return looked(one) ? Sample(static_cast<double>(one.units)) : Sample();
        });
  gauge("podium_rollout_driver", "1 when this replica drives it.",
        [](const Standing& one) { return Sample(one.driven_here ? 1 : 0); });
  gauge("podium_rollout_driver_failing",
        "1 when its last look or move did not come through, or its row cannot be read.",
        [](const Standing& one) {
          return one.driven_here || one.unread ? Sample(one.trouble.empty() ? 0 : 1) : Sample();
        });
}

// Of this replica only: each exports its own, and whoever collects them sees all.
void WriteReplica(Exposition& out, const AdminContext& c) {
  if (c.place == nullptr) return;
  out.Family("podium_replica_beats_failing", "gauge",
             "1 when the last word of this replica did not reach the registry: changes do not wait "
             "for it then.");
  out.Sample({{"replica", c.options.replica}}, c.place->trouble().empty() ? 0 : 1);
  const auto silence = c.place->Silence(c.clock.SteadyNow());
  if (!silence) return;
  out.Family("podium_replica_silence_seconds", "gauge",
             "Since the registry last heard from this replica.");
  out.Sample({{"replica", c.options.replica}}, SecondsOf(*silence));
}

void WriteControl(Exposition& out, const AdminContext& c, const view::PublishState& state) {
  const auto age = c.clock.SteadyNow() - state.confirmed_at;
  const auto gauge = [&](std::string_view name, std::string_view help, double value) {
    out.Family(name, "gauge", help);
    out.Sample({}, value);
  };
  const auto counter = [&](std::string_view name, std::string_view help, std::uint64_t value) {
    out.Family(name, "counter", help);
    out.Sample({}, static_cast<double>(value));
  };
  gauge("podium_snapshot_revision", "Generation of the view that every core has.",
        static_cast<double>(state.view->generation().get()));
  gauge("podium_snapshot_age_seconds",
        "Since the table was last confirmed to be what the view shows.", SecondsOf(age));
  gauge("podium_snapshot_stale", "1 when that is longer ago than registry.cache_ttl.",
        age > c.options.cache_ttl ? 1 : 0);
  gauge("podium_rows_set_aside", "Rows of the table that could not be used (see /api/v1/status).",
        static_cast<double>(state.faults.size()));
  counter("podium_publishes_total", "Views brought to all cores.", state.publishes);
  counter("podium_table_read_failures_total", "Reads of the table that failed.",
          state.failed_reads);
  counter("podium_registry_write_failures_total",
          "Changes that the registry could not take: disk full, locked, damaged.",
          c.last_write.failures());
  gauge("podium_registry_epoch", "Raised whenever the registry lost changes that were served.",
        EpochOf(state.view->generation()));
  WriteReplica(out, c);
  out.Family("podium_admin_pending", "gauge", "Mutations admitted and not answered yet.");
  out.Sample({{"verb", "promote"}}, c.pending.promote.load());
  out.Sample({{"verb", "other"}}, c.pending.other.load());
  gauge("podium_uptime_seconds", "Since this process started.",
        SecondsOf(c.clock.SteadyNow() - c.started));
  out.Family("podium_build_info", "gauge", "1, labelled with the build.");
  out.Sample({{"version", c.options.build}}, 1);
}

}  // namespace

std::string ScrapeText(const AdminContext& context) {
  Exposition out;
  const view::PublishState state = context.publisher.state();
  WriteTraffic(out, CollectSeries(context.stats));
  WriteRoutes(out, *state.view);
  WriteFollow(out, context, *state.view);
  if (context.rollouts != nullptr) WriteRollouts(out, context);
  WriteShadowMetrics(out, context, *state.view);
  if (context.gateway_metrics) context.gateway_metrics(out);
  WriteControl(out, context, state);
  return out.Take();
}

}  // namespace podium::control
