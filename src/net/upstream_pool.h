// Connections to servers outside, kept alive between calls: HTTP/1.1, plain or by TLS. One pool per
// core, nothing shared.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>

#include "base/clock.h"
#include "base/limits.h"
#include "base/result.h"
#include "base/task.h"
#include "net/name_resolver.h"
#include "net/tls.h"
#include "net/upstream.h"

namespace podium::net {

struct UpstreamPoolOptions {
  std::size_t max_connections = limits::kMaxUpstreamConnections;  ///< Of one origin.
  std::size_t max_idle = limits::kMaxIdleUpstreamConnections;     ///< Of one origin.
  std::size_t max_origins = limits::kMaxUpstreamOrigins;          ///< That have connections.
  std::chrono::nanoseconds idle_time = limits::kUpstreamIdleTime;
  /// How often deadlines and idle connections are looked at; a timeout may be late by this much.
  /// Zero: only SweepNow looks (tests in virtual time).
  std::chrono::nanoseconds sweep_every = std::chrono::milliseconds(50);
  /// Whom TLS believes, shared by all pools; without it no origin with TLS can be called.
  std::shared_ptr<const TlsTrust> trust;
  /// By which names are looked up, shared by all pools; without it this one has its own.
  std::shared_ptr<NameLookups> lookups;
};

/// A connection that was used this short a time ago is taken to be alive without a look, which
/// would cost a system call.
inline constexpr std::chrono::seconds kTrustedIdle{1};
/// The same for a request that may not be sent twice, whose call would fail: a server that ends
/// connections after an answer, without saying so, has done it by then.
inline constexpr std::chrono::milliseconds kTrustedIdleForOnce{10};

/// Threads: all methods on `executor`, which belongs to one thread; the constructor anywhere.
/// Shutdown: no Send is running and all responses are gone; Stop; destroy once it has returned.
class UpstreamPool final : public Upstream {
 public:
  using Options = UpstreamPoolOptions;

  /// `clock` outlives the pool, and so does `resolver`; without one the system's is asked.
  UpstreamPool(Executor executor, const Clock& clock, Options options = {},
               NameResolver* resolver = nullptr);
  ~UpstreamPool() override;  ///< REQUIRES: Stop has returned, or nothing was ever sent.

  /// A kept connection that turns out to be dead before a byte of the answer came is replaced once:
  /// when not a byte of the request was taken, or when it may be sent twice (an idempotent method,
  /// or `repeatable`). A call that was cancelled, or is past a deadline, is never sent again.
  Task<Result<std::unique_ptr<UpstreamResponse>>> Send(const Origin& origin,
                                                       UpstreamRequest request) override;

  /// Closes the idle connections and ends the sweeper.
  Task<void> Stop();

  /// Ends waits that are past their deadline; drops idle connections that are dead or too old.
  void SweepNow();
  std::size_t connections(const Origin& origin) const;
  std::size_t idle_connections(const Origin& origin) const;
  /// What calls hold of answers, in memory of ours.
  std::size_t buffered_bytes() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace podium::net
