// What the server's API says about the demo's routes, read from its answers.
//
// Pure: bodies in, values out. The view shows this and not what the demo once asked for, so a
// change from a second terminal appears like any other.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace podium::app {

struct RegistryVersion {
  std::string model_id;
  std::string route;
  std::string version;
  std::string status;  ///< "primary", "canary", "shadow", "arm", "standby", "retired"
  double traffic_pct = 0;
  std::string load_state;  ///< "ready" when it can serve.
  std::string load_error;
  std::string provider = {};  ///< "local" for a model in the server's process.
};

struct RegistryRoute {
  std::string route;
  std::string primary;                               ///< Model id, or empty.
  std::string canary;                                ///< Model id, or empty.
  double traffic_pct = 0;                            ///< Of the canary.
  std::vector<std::pair<std::string, double>> arms;  ///< Model id, percent.
  std::int64_t revision = 0;
  std::vector<std::string> faults;
};

/// One row of the audit trail.
struct RegistryChange {
  std::int64_t revision = 0;
  std::string route;
  std::string kind;
  std::string from;  ///< Model id, or empty.
  std::string to;    ///< Model id, or empty.
  double pct_before = 0;
  double pct_after = 0;
  bool undoes = false;  ///< A rollback that inverts a promotion.
  std::string actor;
  std::string origin;
  std::string reason;
  std::string at;  ///< RFC 3339, UTC.
};

/// Errors when the body is not a list as documented; entries that lack a field get its default.
Result<std::vector<RegistryVersion>> ReadVersions(std::string_view body);
Result<std::vector<RegistryRoute>> ReadRoutes(std::string_view body);
Result<std::vector<RegistryChange>> ReadChanges(std::string_view body);
/// Of an upload's answer.
Result<std::string> ReadArtifactUri(std::string_view body);

/// The percentage of the route's traffic that the table gives to a version.
double ShareAsked(const RegistryRoute& route, const RegistryVersion& version);

/// "14:31:07  digits  v2 promoted by local, v1 stays as shadow".
std::string Sentence(const RegistryChange& change, const std::vector<RegistryVersion>& versions);

/// The detail of a problem body, the message of an OpenAI-like one, or the body's beginning: what a
/// person can act on.
std::string ShowProblem(int status, std::string_view body);

}  // namespace podium::app
