// What the demo's traffic met: counts per version since the start, shares over a short window.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/histogram.h"

namespace podium::app {

/// How one request ended, as its sender saw it.
struct DemoOutcome {
  std::size_t route = 0;  ///< Index of the route.
  std::string model_id;   ///< From the answer; empty when no version answered.
  bool ok = false;        ///< A 200 arrived.
  bool right = false;     ///< ... and predicted the label.
  std::chrono::nanoseconds latency{0};
  SteadyTime at;  ///< When it ended.
};

/// One version's figures.
struct DemoFigures {
  std::uint64_t requests = 0;
  std::uint64_t errors = 0;
  std::uint64_t right = 0;
  std::optional<double> share_seen;  ///< 0 to 1; nullopt while the window is empty.
  std::chrono::nanoseconds p50{0};
  std::chrono::nanoseconds p95{0};
  std::chrono::nanoseconds p99{0};

  std::uint64_t answered() const { return requests - errors; }
  /// Of the answered ones, 0 to 1; nullopt without any.
  std::optional<double> accuracy() const;
};

/// Threads: one at a time.
class DemoStats {
 public:
  /// Shares seen are those of the last minute, or since the route's last change when that is
  /// shorter: what came before a change would hide it.
  static constexpr std::chrono::seconds kWindow{60};
  static constexpr std::size_t kMaxVersions = 64;  ///< Per route; more are counted as no version.

  explicit DemoStats(std::size_t routes) : routes_(routes) {}

  void Record(const DemoOutcome& outcome);
  /// Empties the window of a route: what it is asked to do has changed.
  void RestartWindow(std::size_t route);

  /// By model id; "" stands for requests that no version answered.
  std::map<std::string, DemoFigures> Read(std::size_t route, SteadyTime now) const;
  std::uint64_t requests() const { return requests_; }
  std::uint64_t errors() const { return errors_; }

 private:
  struct Counts {
    std::uint64_t requests = 0;
    std::uint64_t errors = 0;
    std::uint64_t right = 0;
    std::unique_ptr<Histogram> latency = std::make_unique<Histogram>();
  };
  struct Second {
    std::chrono::seconds at;
    std::map<std::string, std::uint64_t> requests;
  };
  struct Route {
    std::map<std::string, Counts> versions;
    std::deque<Second> window;  // At most one more than kWindow has seconds.
  };

  std::vector<Route> routes_;
  std::uint64_t requests_ = 0;
  std::uint64_t errors_ = 0;
};

}  // namespace podium::app
