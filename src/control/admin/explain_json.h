// Explanations as the API shows them.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/json.h"
#include "routing/explain.h"
#include "view/recent_requests.h"
#include "view/stats_registry.h"

namespace podium::control {

/// A decision replayed from a route's history. The explanation borrows from `route` and from the
/// key that was asked about.
struct Replay {
  std::shared_ptr<const routing::CompiledRoute> route;
  routing::Explanation explanation;
  Generation since;
  WallTime since_at;
  bool by_sql = false;
  std::vector<std::string> faults;
};

/// A request of the last ones, and the names of what it was assigned and served by.
struct RequestAnswer {
  const view::RecentRequest& request;
  view::VersionName assigned;
  view::VersionName served;
  std::size_t matches = 1;
  std::string why_no_replay;
};

/// Why the decision of a recorded request is not replayed; empty when it can be. Pure.
std::string WhyNoReplay(const view::RecentRequest& request);
/// Whether the replay decides what the request was told. Pure.
bool Agrees(const RequestAnswer& answer, const Replay& replay);

Json ToJson(const Replay& replay);
/// `replay` is null when there is none; the answer then says why.
Json ToJson(const RequestAnswer& answer, const Replay* replay);

}  // namespace podium::control
