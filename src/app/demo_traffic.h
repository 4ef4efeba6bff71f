// Who asks what next: the demo's callers.
//
// Pure over its Rng: the same seed gives the same traffic.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "base/rng.h"

namespace podium::app {

/// One request to send.
struct DemoCall {
  std::size_t route = 0;  ///< Index of the route.
  std::size_t row = 0;    ///< Index of the held-back row.
  std::string session;    ///< Sent as X-Session-Id.
};

/// What is sent to one route.
struct DemoStream {
  std::size_t rows = 0;    ///< Held-back rows to choose from.
  std::size_t weight = 1;  ///< Turns of the route, of the sum of all weights.
};

/// Routes take turns, by their weights. Each has some callers at a time, who leave after about ten
/// requests and are followed by new ones: a share of sessions is then soon a share of requests too.
/// Every row is sent once before any is sent again.
class DemoTraffic {
 public:
  static constexpr std::size_t kCallers = 8;  ///< Per route, at any time.
  static constexpr int kShortestSession = 7;  ///< Requests; the mean is 10.
  static constexpr int kLongestSession = 13;

  /// One stream for each route. REQUIRES: not empty, no number in them 0.
  DemoTraffic(const std::vector<DemoStream>& streams, Rng& rng);

  DemoCall Next();

 private:
  struct Caller {
    std::string session;
    int left = 0;  ///< Requests until this caller leaves.
  };
  struct Route {
    std::vector<Caller> callers;
    std::vector<std::size_t> order;  ///< Of the rows; shuffled anew after each pass.
    std::size_t next = 0;            ///< Position in `order`.
  };

  std::size_t Below(std::size_t bound) { return rng_.Next64() % bound; }
  std::size_t NextRow(Route& route);
  std::string NextSession(Route& route);

  Rng& rng_;
  std::vector<Route> routes_;
  std::vector<std::size_t> turns_;  ///< Indexes of routes, in the order in which they are asked.
  std::size_t turn_ = 0;
};

}  // namespace podium::app
