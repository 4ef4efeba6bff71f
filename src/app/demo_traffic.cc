#include "app/demo_traffic.h"

#include <fmt/format.h>

#include <numeric>
#include <utility>

#include "base/assert.h"

namespace podium::app {
namespace {

constexpr int kSessionTokenLength = 10;

}  // namespace

DemoTraffic::DemoTraffic(const std::vector<DemoStream>& streams, Rng& rng) : rng_(rng) {
  PODIUM_ASSERT(!streams.empty());
  for (const DemoStream& stream : streams) {
    PODIUM_ASSERT(stream.rows > 0 && stream.weight > 0);
    turns_.insert(turns_.end(), stream.weight, routes_.size());
    Route route;
    route.callers.resize(kCallers);
    route.order.resize(stream.rows);
    std::iota(route.order.begin(), route.order.end(), std::size_t{0});
    route.next = stream.rows;  // The first call shuffles.
    routes_.push_back(std::move(route));
  }
}

DemoCall DemoTraffic::Next() {
  const std::size_t index = turns_[turn_];
  turn_ = (turn_ + 1) % turns_.size();
  Route& route = routes_[index];
  const std::size_t row = NextRow(route);
  return DemoCall{index, row, NextSession(route)};
}

std::size_t DemoTraffic::NextRow(Route& route) {
  if (route.next == route.order.size()) {
    route.next = 0;
    for (std::size_t i = route.order.size(); i > 1; --i) {
      std::swap(route.order[i - 1], route.order[Below(i)]);
    }
  }
  return route.order[route.next++];
}

std::string DemoTraffic::NextSession(Route& route) {
  Caller& caller = route.callers[Below(route.callers.size())];
  if (caller.left == 0) {
    caller.session = fmt::format("demo-{}", RandomToken(rng_, kSessionTokenLength));
    caller.left =
        kShortestSession + static_cast<int>(Below(kLongestSession - kShortestSession + 1));
  }
  --caller.left;
  return caller.session;
}

}  // namespace podium::app
