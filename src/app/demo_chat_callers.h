// Asks the demo's language model route, as callers of an SDK would: streamed, a few at a time.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

#include "app/demo_chat.h"
#include "base/clock.h"
#include "base/histogram.h"
#include "base/secret.h"
#include "base/task.h"
#include "net/http_client.h"

namespace podium::app {

/// Threads: all methods on the client's executor.
class DemoChatCallers {
 public:
  static constexpr double kRate = 2;  ///< Calls per second, unless less is asked of the demo.
  static constexpr std::size_t kMaxUnderWay = 8;  ///< What is due beyond it is left out.
  static constexpr std::chrono::seconds kCallTimeout{30};
  static constexpr std::chrono::seconds kErrorShownFor{10};

  /// All of them outlive this.
  DemoChatCallers(net::HttpClient& client, const Secret& token, const Clock& clock,
                  Executor executor);

  /// Calls `rate` times per second until cancelled.
  Task<void> Run(double rate);
  /// Leaves the calls that are under way, and waits until they have ended.
  Task<void> Leave();

  HistogramSnapshot first_token() const { return first_token_.Snapshot(); }
  /// The last failure, for as long as it is news; empty otherwise.
  std::string RecentError(SteadyTime now) const;

 private:
  Task<void> Call(std::uint64_t number);
  net::ClientRequest Request(std::uint64_t number) const;

  net::HttpClient& client_;
  const Secret& token_;
  const Clock& clock_;
  TaskGroup under_way_;
  bool leaving_ = false;
  Histogram first_token_;
  std::string last_error_;
  SteadyTime last_error_at_;
};

}  // namespace podium::app
