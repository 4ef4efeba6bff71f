#include "net/server_group.h"

#include <latch>
#include <utility>

#include "net/listener.h"

namespace podium::net {
namespace {

Task<void> DrainAndDestroy(std::unique_ptr<HttpServer>& server, SteadyTime deadline,
                           std::latch& left) {
  co_await server->Drain(deadline);
  server.reset();
  left.count_down();
}

}  // namespace

Result<std::unique_ptr<ServerGroup>> ServerGroup::Start(CorePool& pool, const HostPort& address,
                                                        Handler& handler, const Clock& clock,
                                                        HttpServerOptions options) {
  PODIUM_TRY_ASSIGN(Listeners listeners, Listeners::Open(address, pool.size()));
  std::unique_ptr<ServerGroup> group(new ServerGroup(pool, clock));
  group->port_ = listeners.port();
  for (std::size_t core = 0; core < pool.size(); ++core) {
    group->servers_.push_back(
        std::make_unique<HttpServer>(pool.executor(core), core, handler, clock, options));
    group->stoppers_.push_back(std::make_unique<TaskGroup>(pool.executor(core)));
  }
  // All sockets listen already: a client is never refused while the cores start.
  for (std::size_t core = 0; core < pool.size(); ++core) {
    HttpServer& server = *group->servers_[core];
    const int socket = listeners.Take(core);
    pool.Run(core, [&server, socket] { server.Start(socket); });
  }
  return group;
}

ServerGroup::~ServerGroup() { Stop(std::chrono::nanoseconds::zero()); }

void ServerGroup::Stop(std::chrono::nanoseconds patience) {
  if (std::exchange(stopped_, true)) return;
  const SteadyTime deadline = clock_.SteadyNow() + patience;
  std::latch left(static_cast<std::ptrdiff_t>(servers_.size()));
  for (std::size_t core = 0; core < servers_.size(); ++core) {
    pool_.Post(core, [this, core, deadline, &left] {
      stoppers_[core]->Spawn(DrainAndDestroy(servers_[core], deadline, left));
    });
  }
  left.wait();
  // A stopper leaves its group a turn of its core's loop after it has counted down.
  for (std::size_t core = 0; core < stoppers_.size(); ++core) {
    while (stoppers_[core]) {
      pool_.Run(core, [this, core] {
        if (stoppers_[core]->size() == 0) stoppers_[core].reset();
      });
    }
  }
}

}  // namespace podium::net
