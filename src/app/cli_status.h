// `podium status`: what serves on each route, and how it does.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <string>

#include "app/cli_traffic.h"
#include "app/cli_versions.h"

namespace podium::app {

/// Requests per version at one look, by model id.
using RequestCounts = std::map<std::string, std::uint64_t>;

/// Shares seen over the last looks of a watch; over all the server's time when there is only one.
class SeenShares {
 public:
  /// REQUIRES: called once per look, in order.
  void Look(const Json& metrics);
  /// The part of `route_total` ids' new requests that `id` answered; negative when there were none.
  double ShareOf(const std::string& id, const std::vector<std::string>& ids) const;

 private:
  std::deque<RequestCounts> looks_;
};

/// The table of the routes: one line per version that takes traffic.
std::string StatusTable(const Json& routes, const Json& metrics, const SeenShares& seen);

/// Once, or again each second until interrupted (which ends it with kInterrupted).
CliStatus RunStatus(CommandContext& context, const StatusArgs& args, const Waiting& waiting);

}  // namespace podium::app
