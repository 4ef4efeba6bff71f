#include "testing/sim/sim_process.h"

namespace podium::testing {
namespace {

runtime::RuntimeOptions RuntimeOptionsOf(const SimPorts& ports) {
  runtime::RuntimeOptions options;
  options.cache_dir = ports.directory / "cache";
  options.artifact_roots = {ports.directory};
  options.load_threads = 0;
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
      cells(ports.cores),
      recent(
          ports.cores, [](std::size_t, const std::function<void()>& job) { job(); }, 64),
      inference("inference", 0, limits::kInferenceQueue),
      runtime(RuntimeOptionsOf(ports), ports.clock, ports.loader, ports.readiness_changed),
      publisher(ports.store, runtime, stats, ports.clock, ports.post, cells, {}),
      gateway({authenticator, ports.clock, ports.rng, inference, recent, {}}, cells),
      admin_context{ports.store,   runtime,
                    publisher,     stats,
                    authenticator, ports.clock,
                    ports.rng,     pools,
                    recent,        AdminOptionsOf(ports),
                    nullptr,       ports.clock.SteadyNow()},
      admin(admin_context),
      calls(ports.executor),
      next_poll(ports.clock.SteadyNow()),
      next_retry(ports.clock.SteadyNow()) {}

}  // namespace podium::testing
