#include "testing/sim/sim_process.h"

#include <utility>

#include "control/admin/rollout_epoch.h"
#include "control/admin/verbs.h"

namespace podium::testing {
namespace {

runtime::RuntimeOptions RuntimeOptionsOf(const SimPorts& ports) {
  runtime::RuntimeOptions options;
  options.cache_dir = ports.directory / "cache";
  options.artifact_roots = {ports.directory};
  options.load_threads = 0;
  return options;
}

control::PublisherOptions PublishOptionsOf(view::RolloutTallies& tallies) {
  control::PublisherOptions options;
  options.tallies = &tallies;
  return options;
}

control::AdminOptions AdminOptionsOf(const SimPorts& ports) {
  control::AdminOptions options;
  options.artifact_roots = {ports.directory};
  return options;
}

}  // namespace

SimProcess::SimProcess(const SimPorts& ports)
    : stats(ports.cores),
      tallies(ports.cores),
      cells(ports.cores),
      recent(
          ports.cores, [](std::size_t, const std::function<void()>& job) { job(); }, 64),
      inference("inference", 0, limits::kInferenceQueue),
      runtime(RuntimeOptionsOf(ports), ports.clock, ports.loader, ports.readiness_changed),
      publisher(ports.store, runtime, stats, ports.clock, ports.post, cells,
                PublishOptionsOf(tallies)),
      sender(tallies, ports.rollouts, ports.incarnation, [this] { return LiveMarks(); }),
      driver({ports.rollouts, ports.clock, pools.reads, pools.writer}, Ports(), ports.incarnation),
      gateway({authenticator, ports.clock, ports.rng, inference, recent, {}}, cells),
      admin_context{ports.store,     runtime,
                    publisher,       stats,
                    authenticator,   ports.clock,
                    ports.rng,       pools,
                    recent,          AdminOptionsOf(ports),
                    nullptr,         ports.clock.SteadyNow(),
                    nullptr,         {},
                    nullptr,         nullptr,
                    nullptr,         nullptr,
                    nullptr,         {},
                    &ports.rollouts, &driver},
      admin(admin_context),
      calls(ports.executor),
      next_poll(ports.clock.SteadyNow()),
      next_retry(ports.clock.SteadyNow()),
      next_rollouts(ports.clock.SteadyNow()) {}

control::DriverPorts SimProcess::Ports() {
  control::DriverPorts made;
  made.carry_out = [this](store::Mutation mutation, store::MutationContext context) {
    return CarryOut(std::move(mutation), std::move(context));
  };
  made.spawn = [this](Task<void> task) { calls.Spawn(std::move(task)); };
  made.baseline = [this](const ModelId& primary) { return control::BaselineHere(stats, primary); };
  return made;
}

Task<Result<store::Committed>> SimProcess::CarryOut(store::Mutation mutation,
                                                    store::MutationContext context) {
  auto verb = control::CarryOutAs(admin_context, std::move(mutation), std::move(context));
  Result<control::VerbOutcome> outcome = co_await std::move(verb);
  if (!outcome) co_return Fail(std::move(outcome).error());
  co_return std::move(outcome->committed);
}

std::vector<RolloutMark> SimProcess::LiveMarks() const {
  std::vector<RolloutMark> live;
  const view::ViewPtr view = publisher.state().view;
  for (const view::RouteView& route : view->routes()) {
    if (route.route->rollout) live.push_back(*route.route->rollout);
  }
  return live;
}

}  // namespace podium::testing
