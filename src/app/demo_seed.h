// Puts the example models into a fresh registry through the API, as any user would.
#pragma once

#include <string>
#include <vector>

#include "app/demo_chat.h"
#include "app/demo_examples.h"
#include "base/result.h"
#include "base/secret.h"
#include "base/task.h"
#include "net/http_client.h"

namespace podium::app {

inline constexpr double kDemoCanaryPct = 5;

/// The body of POST /api/v1/versions.
std::string RegisterBody(const std::string& route, const DemoVersion& version,
                         const std::string& artifact_uri);
/// The body of PUT /api/v1/routes/{route}/canary.
std::string CanaryBody(const DemoVersion& version);

/// The bodies of POST /api/v1/versions and PUT /api/v1/prices for a provider's model.
std::string RegisterBody(const DemoChatVersion& version);
std::string PriceBody(const DemoChatVersion& version);

/// One call of the API as the demo makes it.
net::ClientRequest ApiRequest(net::HttpMethod method, std::string target, std::string body,
                              const Secret& token);

/// Registers what is missing of each route's versions. A route that has no primary gets the first
/// version as primary, and the second as its canary unless a rollout will lead one in; any other is
/// left as it is. True when all routes were there before. `routes` and `token` outlive the call.
Task<Result<bool>> SeedDemo(net::HttpClient& client, const std::vector<DemoRoute>& routes,
                            const Secret& token);

/// Starts the rollout of `candidate` on a route. `route` and `token` outlive the call.
Task<Status> StartDemoRollout(net::HttpClient& client, const DemoRoute& route,
                              DemoCandidate candidate, const Secret& token);

/// Gives kDemoChatRoute its versions and their prices, unless it has a primary already.
Task<Result<bool>> SeedDemoChat(net::HttpClient& client, const Secret& token);

}  // namespace podium::app
