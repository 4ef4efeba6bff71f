// One life of a simulated server: the real parts, wired as app/server.cc wires them, without a
// thread or a socket.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <vector>

#include "control/admin/admin_api.h"
#include "control/publish/publisher.h"
#include "control/rollouts/evidence_sender.h"
#include "control/rollouts/rollout_driver.h"
#include "gateway/gateway.h"
#include "testing/sim/sim_checks.h"

namespace podium::testing {

/// What a process is given by the world, and all of it outlives the process.
struct SimPorts {
  store::RegistryStore& store;
  store::RolloutStore& rollouts;
  const Clock& clock;
  Rng& rng;
  std::shared_ptr<runtime::ModelLoader> loader;
  control::PostToCore post;
  std::function<void()> readiness_changed;
  Executor executor;
  std::filesystem::path directory;  ///< Artifacts in it, verified copies below it.
  std::size_t cores;
  std::string incarnation;
};

/// Threads: one. Members stand in the order of their dependence.
struct SimProcess {
  explicit SimProcess(const SimPorts& ports);

  ServerSight sight() const { return {cells, runtime, publisher}; }

  const auth::Authenticator authenticator = auth::Authenticator::LocalOnly();
  view::StatsRegistry stats;
  view::RolloutTallies tallies;
  std::vector<view::ViewCell> cells;
  view::RecentRequests recent;
  WorkerPool inference;
  control::ControlPools pools{/*threads=*/false};
  runtime::ModelRuntime runtime;
  control::Publisher publisher;
  control::EvidenceSender sender;
  control::RolloutDriver driver;
  gateway::Gateway gateway;
  control::AdminContext admin_context;
  control::AdminApi admin;
  TaskGroup calls;

  Task<Result<store::Committed>> CarryOut(store::Mutation mutation, store::MutationContext context);
  control::DriverPorts Ports();
  std::vector<RolloutMark> LiveMarks() const;

  bool poll_queued = false;
  bool send_queued = false;
  bool readiness_queued = false;
  SteadyTime next_poll;
  SteadyTime next_retry;
  SteadyTime next_rollouts;
};

}  // namespace podium::testing
