#include "app/demo_watch.h"

#include <fmt/format.h>

#include <iterator>
#include <utility>

#include "app/demo_seed.h"
#include "base/limits.h"
#include "net/target.h"

namespace podium::app {

Task<void> DemoWatch::Look() {
  auto taking = Take();
  Result<RegistryPicture> taken = co_await std::move(taking);
  auto taking_chat = TakeChat();
  const Status chat = co_await std::move(taking_chat);
  auto taking_rollout = TakeRollout();
  const Status rollout = co_await std::move(taking_rollout);
  trouble_.clear();
  if (!rollout) {
    trouble_ = fmt::format("the rollout cannot be read: {}", rollout.error().message);
  }
  if (!chat) trouble_ = fmt::format("the counters cannot be read: {}", chat.error().message);
  if (!taken) {
    trouble_ = fmt::format("the registry cannot be read: {}", taken.error().message);
    co_return;
  }
  picture_ = *std::move(taken);
}

Task<Result<RegistryPicture>> DemoWatch::Take() {
  RegistryPicture picture;
  auto getting_routes = Get(fmt::format("/api/v1/routes?limit={}", limits::kPageMax));
  const Result<std::string> routes = co_await std::move(getting_routes);
  if (!routes) co_return Fail(routes.error());
  Result<std::vector<RegistryRoute>> tables = ReadRoutes(*routes);
  if (!tables) co_return Fail(tables.error());
  picture.routes = *std::move(tables);

  std::vector<std::string> names = {kDemoChatRoute};
  for (const DemoRoute& route : routes_) names.push_back(route.route);
  for (const std::string& name : names) {
    auto taking = TakeVersions(name, picture);
    const Status versions = co_await std::move(taking);
    if (!versions) co_return Fail(versions.error());
  }

  auto getting_changes = Get(fmt::format("/api/v1/audit?limit={}", kChangesAsked));
  const Result<std::string> audit = co_await std::move(getting_changes);
  if (!audit) co_return Fail(audit.error());
  Result<std::vector<RegistryChange>> changes = ReadChanges(*audit);
  if (!changes) co_return Fail(changes.error());
  picture.changes = *std::move(changes);
  co_return picture;
}

Task<Status> DemoWatch::TakeVersions(std::string route, RegistryPicture& picture) {
  auto getting = Get(fmt::format("/api/v1/versions?route={}&limit={}", net::PercentEncode(route),
                                 limits::kPageDefault));
  const Result<std::string> listed = co_await std::move(getting);
  if (!listed) co_return Fail(listed.error());
  Result<std::vector<RegistryVersion>> versions = ReadVersions(*listed);
  if (!versions) co_return Fail(versions.error());
  picture.versions.insert(picture.versions.end(), std::make_move_iterator(versions->begin()),
                          std::make_move_iterator(versions->end()));
  co_return Status();
}

Task<Status> DemoWatch::TakeChat() {
  auto getting_metrics = Get("/metrics");
  const Result<std::string> metrics = co_await std::move(getting_metrics);
  if (!metrics) co_return Fail(metrics.error());
  chat_ = ReadChatFigures(*metrics);
  auto getting_costs = Get(fmt::format("/api/models/costs?hours={}", limits::kMaxCostHours));
  const Result<std::string> costs = co_await std::move(getting_costs);
  if (!costs) co_return Fail(costs.error());
  const Result<double> cost = ReadCost(*costs);
  if (!cost) co_return Fail(cost.error());
  cost_usd_ = *cost;
  co_return Status();
}

Task<Status> DemoWatch::TakeRollout() {
  auto getting = Get(fmt::format("/api/v1/routes/{}/rollouts?limit=1", kDemoRolloutRoute));
  const Result<std::string> listed = co_await std::move(getting);
  if (!listed) co_return Fail(listed.error());
  Result<std::optional<DemoRollout>> newest = ReadNewestRollout(*listed);
  if (!newest) co_return Fail(newest.error());
  rollout_ = *std::move(newest);
  co_return Status();
}

Task<Result<std::string>> DemoWatch::Get(std::string target) {
  net::ClientRequest request = ApiRequest(net::HttpMethod::kGet, target, {}, token_);
  request.timeout = kTimeout;
  auto sending = client_.Send(std::move(request));
  Result<net::ClientResponse> answer = co_await std::move(sending);
  if (!answer) co_return Fail(answer.error());
  if (answer->status != 200) {
    co_return Fail(ErrorCode::kUnavailable, "{}: {}", target,
                   ShowProblem(answer->status, answer->body));
  }
  co_return std::move(answer->body);
}

}  // namespace podium::app
