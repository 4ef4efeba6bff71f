// The same server on every core of a pool.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/result.h"
#include "base/task.h"
#include "net/address.h"
#include "net/core_pool.h"
#include "net/http_server.h"

namespace podium::net {

/// Threads: Start and Stop block and are called outside the pool.
class ServerGroup {
 public:
  /// Listens on every core of `pool`. `handler` is shared by all cores. `pool`, `handler` and
  /// `clock` outlive the group.
  static Result<std::unique_ptr<ServerGroup>> Start(CorePool& pool, const HostPort& address,
                                                    Handler& handler, const Clock& clock,
                                                    HttpServerOptions options = {});
  ~ServerGroup();  ///< Stops at once, if Stop was not called.
  ServerGroup(const ServerGroup&) = delete;
  ServerGroup& operator=(const ServerGroup&) = delete;

  std::uint16_t port() const { return port_; }
  /// Drains all cores at once, waits at most about `patience` for running requests. Idempotent.
  void Stop(std::chrono::nanoseconds patience);

 private:
  ServerGroup(CorePool& pool, const Clock& clock) : pool_(pool), clock_(clock) {}

  CorePool& pool_;
  const Clock& clock_;
  std::uint16_t port_ = 0;
  bool stopped_ = false;
  std::vector<std::unique_ptr<HttpServer>> servers_;  // One per core, gone once drained.
  std::vector<std::unique_ptr<TaskGroup>> stoppers_;  // Own the draining coroutines.
};

}  // namespace podium::net
