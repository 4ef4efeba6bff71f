// Providers of remote models: from settings to what gateway and control work with.
#pragma once

#include <latch>
#include <memory>
#include <vector>

#include "app/settings.h"
#include "base/result.h"
#include "base/task.h"
#include "domain/provider_state.h"
#include "gateway/provider_table.h"
#include "net/core_pool.h"
#include "net/tls.h"
#include "net/upstream_pool.h"

namespace podium::app {

/// REQUIRES: settings without mistakes.
gateway::ProviderTable ProviderTableOf(const Settings& settings);
ProviderStates ProviderStatesOf(const Settings& settings);

/// Whom the providers' certificates are judged by, by Provider::trust; null where no provider of it
/// uses TLS; behind them that of the MLflow tracking server, if there is one. Error: a ca_file that
/// cannot be used.
using Trusts = std::vector<std::shared_ptr<const net::TlsTrust>>;
Result<Trusts> LoadTrusts(const Settings& settings);

/// The connections to providers: for each core one pool for each trust.
/// Threads: Stop once, from outside the cores and when nothing is being sent; the pools on their
/// cores. Destroyed after the cores have stopped.
class UpstreamPools {
 public:
  UpstreamPools(net::CorePool& cores, const Clock& clock, const Trusts& trusts);

  /// By core, then by trust.
  std::vector<std::vector<net::Upstream*>> ByCore() const;
  void Stop();

 private:
  Task<void> StopCore(std::size_t core, std::latch& ended);

  net::CorePool& cores_;
  std::vector<std::vector<std::unique_ptr<net::UpstreamPool>>> pools_;
  std::vector<std::unique_ptr<TaskGroup>> stopping_;  // Empty until Stop.
};

}  // namespace podium::app
