// Sends the demo's traffic and keeps account of what came back.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "app/demo_examples.h"
#include "app/demo_stats.h"
#include "app/demo_traffic.h"
#include "base/clock.h"
#include "base/rng.h"
#include "base/task.h"
#include "net/http_client.h"

namespace podium::app {

/// Threads: all methods on the client's executor.
class DemoCallers {
 public:
  /// A server that cannot follow gets no queue: what is due beyond this is skipped and counted.
  static constexpr std::size_t kMaxUnderWay = net::kMaxIdleClientConnections;
  static constexpr std::chrono::seconds kCallTimeout{5};
  static constexpr std::chrono::seconds kErrorShownFor{10};

  /// All of them outlive this.
  DemoCallers(net::HttpClient& client, const std::vector<DemoRoute>& routes, const Clock& clock,
              Rng& rng, Executor executor);

  /// Sends one request and waits for its answer. True on a 200.
  Task<bool> CallOnce();
  /// Sends `rate` requests per second until cancelled. The times are absolute: late by one, the
  /// next is not late too.
  Task<void> Run(double rate);
  /// Waits for what is under way.
  Task<void> Settle();

  DemoStats& stats() { return stats_; }
  std::uint64_t skipped() const { return skipped_; }
  /// The last failure, for as long as it is news; empty otherwise.
  std::string RecentError(SteadyTime now) const;
  const std::string& last_error() const { return last_error_; }

 private:
  Task<void> Call(DemoCall call);
  Task<bool> Exchange(DemoCall call);
  bool Account(const DemoCall& call, const Result<net::ClientResponse>& answer, SteadyTime sent);

  net::HttpClient& client_;
  const std::vector<DemoRoute>& routes_;
  const Clock& clock_;
  DemoTraffic traffic_;
  DemoStats stats_;
  TaskGroup under_way_;
  std::uint64_t skipped_ = 0;
  std::string last_error_;
  SteadyTime last_error_at_;
};

}  // namespace podium::app
