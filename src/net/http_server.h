// HTTP/1.1 on one core: accepts, reads, asks the handler, writes. One read and one write per
// request, no timer per connection.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>

#include "base/clock.h"
#include "base/limits.h"
#include "base/task.h"
#include "net/handler.h"

namespace podium::net {

struct HttpServerOptions {
  std::size_t max_connections = limits::kMaxConnectionsPerCore;  ///< One above it gets 503.
  std::chrono::nanoseconds head_timeout = limits::kHeadTimeout;
  std::chrono::nanoseconds body_timeout = limits::kBodyTimeout;
  std::chrono::nanoseconds idle_timeout = limits::kIdleTimeout;
  std::chrono::nanoseconds write_timeout = limits::kWriteTimeout;
  /// How often deadlines are looked at; a timeout may be late by this much. Zero: only SweepNow
  /// looks (tests in virtual time).
  std::chrono::nanoseconds sweep_every = std::chrono::milliseconds(250);
};

/// Threads: all methods on `executor`, which belongs to one thread; the constructor anywhere.
/// Shutdown: Drain, then destroy once it has returned.
class HttpServer {
 public:
  using Options = HttpServerOptions;

  /// `handler` and `clock` outlive the server.
  HttpServer(Executor executor, std::size_t core, Handler& handler, const Clock& clock,
             Options options = {});
  ~HttpServer();  ///< REQUIRES: never started, or Drain has returned.
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  /// Starts to accept on a listening socket (Listeners::Take), which it then owns.
  void Start(int listening_socket);
  void StopAccepting();
  /// Stops accepting, closes idle connections, lets running requests end (with Connection: close)
  /// until `deadline`, then cuts what is left; returns when no connection is left.
  Task<void> Drain(SteadyTime deadline);

  /// Ends what is past its deadline. Runs by itself unless sweep_every is zero.
  void SweepNow();
  std::size_t connections() const;
  /// What the connections hold of requests and answers, in memory of ours.
  std::size_t buffered_bytes() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace podium::net
