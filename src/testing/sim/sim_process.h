// One life of a simulated server: the real parts, wired as app/server.cc wires them, without a
// thread or a socket.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <vector>

#include "control/admin/admin_api.h"
#include "control/publish/publisher.h"
#include "gateway/gateway.h"
#include "testing/sim/sim_checks.h"

namespace podium::testing {

/// What a process is given by the world, and all of it outlives the process.
struct SimPorts {
  store::RegistryStore& store;
  const Clock& clock;
  Rng& rng;
  std::shared_ptr<runtime::ModelLoader> loader;
  control::PostToCore post;
  std::function<void()> readiness_changed;
  Executor executor;
  std::filesystem::path directory;  ///< Artifacts in it, verified copies below it.
  std::size_t cores;
};

/// Threads: one. Members stand in the order of their dependence.
struct SimProcess {
  explicit SimProcess(const SimPorts& ports);

  ServerSight sight() const { return {cells, runtime, publisher}; }

  const auth::Authenticator authenticator = auth::Authenticator::LocalOnly();
  view::StatsRegistry stats;
  std::vector<view::ViewCell> cells;
  view::RecentRequests recent;
  WorkerPool inference;
  control::ControlPools pools{/*threads=*/false};
  runtime::ModelRuntime runtime;
  control::Publisher publisher;
  gateway::Gateway gateway;
  control::AdminContext admin_context;
  control::AdminApi admin;
  TaskGroup calls;

  bool poll_queued = false;
  bool readiness_queued = false;
  SteadyTime next_poll;
  SteadyTime next_retry;
};

}  // namespace podium::testing
