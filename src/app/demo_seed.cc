#include "app/demo_seed.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "app/demo_registry.h"
#include "app/demo_rollout.h"
#include "base/json.h"
#include "net/target.h"

namespace podium::app {
namespace {

constexpr std::chrono::seconds kSeedTimeout{30};  // A verb may wait for its model to load.

class Seeder {
 public:
  Seeder(net::HttpClient& client, const Secret& token) : client_(client), token_(token) {}

  Task<Result<bool>> Seed(const DemoRoute& route) {
    auto list = List(route.route);
    const Result<std::vector<RegistryVersion>> there = co_await std::move(list);
    if (!there) co_return Fail(there.error());
    const auto has = [&there](auto matches) {
      return std::any_of(there->begin(), there->end(), matches);
    };

    for (const DemoVersion& version : route.versions) {
      if (has([&](const auto& row) { return row.model_id == version.model_id; })) continue;
      auto registration = Register(route.route, version);
      const Status registered = co_await std::move(registration);
      if (!registered) co_return Fail(registered.error());
    }
    if (has([](const auto& row) { return row.status == "primary"; })) co_return true;
    auto start = StartServing(route);
    const Status started = co_await std::move(start);
    if (!started) co_return Fail(started.error());
    co_return false;
  }

  Task<Result<bool>> SeedChat() {
    auto list = List(kDemoChatRoute);
    const Result<std::vector<RegistryVersion>> there = co_await std::move(list);
    if (!there) co_return Fail(there.error());
    const auto is_there = [&there](auto matches) {
      return std::any_of(there->begin(), there->end(), matches);
    };
    if (is_there([](const auto& row) { return row.status == "primary"; })) co_return true;
    for (const DemoChatVersion& version : DemoChatVersions()) {
      const bool is_new =
          !is_there([&](const auto& row) { return row.model_id == version.model_id; });
      auto start = StartChat(version, is_new);
      const Status started = co_await std::move(start);
      if (!started) co_return Fail(started.error());
    }
    co_return false;
  }

  Task<Status> StartRollout(const DemoRoute& route, DemoCandidate candidate) {
    auto starting = Call(net::HttpMethod::kPost,
                         fmt::format("/api/v1/routes/{}/rollouts", net::PercentEncode(route.route)),
                         RolloutBody(route.candidate(candidate)));
    const Result<std::string> started = co_await std::move(starting);
    if (!started) co_return Fail(started.error());
    co_return Status();
  }

 private:
  Task<Result<std::vector<RegistryVersion>>> List(std::string route) {
    auto list = Call(net::HttpMethod::kGet,
                     fmt::format("/api/v1/versions?route={}", net::PercentEncode(route)), {});
    const Result<std::string> listed = co_await std::move(list);
    if (!listed) co_return Fail(listed.error());
    co_return ReadVersions(*listed);
  }

  Task<Status> StartChat(DemoChatVersion version, bool is_new) {
    if (is_new) {
      auto pricing = Call(net::HttpMethod::kPut, "/api/v1/prices", PriceBody(version));
      const Result<std::string> priced = co_await std::move(pricing);
      if (!priced) co_return Fail(priced.error());
      auto registering = Call(net::HttpMethod::kPost, "/api/v1/versions", RegisterBody(version));
      const Result<std::string> registered = co_await std::move(registering);
      if (!registered) co_return Fail(registered.error());
    }
    auto activating = Call(
        net::HttpMethod::kPost,
        fmt::format("/api/v1/versions/{}/activate", net::PercentEncode(version.model_id)), "{}");
    const Result<std::string> active = co_await std::move(activating);
    if (!active) co_return Fail(active.error());
    co_return Status();
  }

  /// The body of a 2xx answer; every other is an error that quotes it.
  Task<Result<std::string>> Call(net::HttpMethod method, std::string target, std::string body) {
    net::ClientRequest request = ApiRequest(method, target, std::move(body), token_);
    auto sending = Send(std::move(request), std::move(target));
    co_return co_await std::move(sending);
  }

  Task<Result<std::string>> Send(net::ClientRequest request, std::string target) {
    request.timeout = kSeedTimeout;
    auto sending = client_.Send(std::move(request));
    Result<net::ClientResponse> answer = co_await std::move(sending);
    if (!answer) co_return Fail(answer.error());
    if (answer->status / 100 != 2) {
      co_return Fail(ErrorCode::kUnavailable, "{}: {}", target,
                     ShowProblem(answer->status, answer->body));
    }
    co_return std::move(answer->body);
  }

  Task<Status> Register(const std::string& route, const DemoVersion& version) {
    net::ClientRequest upload =
        ApiRequest(net::HttpMethod::kPost, "/api/v1/artifacts", std::string(version.onnx), token_);
    upload.content_type = "application/octet-stream";
    auto uploading = Send(std::move(upload), "/api/v1/artifacts");
    const Result<std::string> stored = co_await std::move(uploading);
    if (!stored) co_return Fail(stored.error());
    const Result<std::string> uri = ReadArtifactUri(*stored);
    if (!uri) co_return Fail(uri.error());

    auto registering =
        Call(net::HttpMethod::kPost, "/api/v1/versions", RegisterBody(route, version, *uri));
    const Result<std::string> registered = co_await std::move(registering);
    if (!registered) co_return Fail(registered.error());
    co_return Status();
  }

  Task<Status> StartServing(const DemoRoute& route) {
    auto activating = Call(
        net::HttpMethod::kPost,
        fmt::format("/api/v1/versions/{}/activate", net::PercentEncode(route.versions[0].model_id)),
        "{}");
    const Result<std::string> active = co_await std::move(activating);
    if (!active) co_return Fail(active.error());
    if (route.has_rollout()) co_return Status();
    auto trying = Call(net::HttpMethod::kPut,
                       fmt::format("/api/v1/routes/{}/canary", net::PercentEncode(route.route)),
                       CanaryBody(route.versions[1]));
    const Result<std::string> canary = co_await std::move(trying);
    if (!canary) co_return Fail(canary.error());
    co_return Status();
  }

  net::HttpClient& client_;
  const Secret& token_;
};

}  // namespace

std::string RegisterBody(const std::string& route, const DemoVersion& version,
                         const std::string& artifact_uri) {
  const Json body = {{"model_id", version.model_id},
                     {"route", route},
                     {"name", route},
                     {"version", version.version},
                     {"artifact_uri", artifact_uri},
                     {"format", "onnx"},
                     {"signature", version.signature},
                     {"metrics", version.metrics}};
  return DumpJson(body);
}

std::string CanaryBody(const DemoVersion& version) {
  const Json body = {{"model_id", version.model_id}, {"traffic_pct", kDemoCanaryPct}};
  return DumpJson(body);
}

std::string RegisterBody(const DemoChatVersion& version) {
  const Json body = {
      {"model_id", version.model_id},     {"route", kDemoChatRoute},
      {"name", kDemoChatRoute},           {"version", version.version},
      {"provider_key", version.provider}, {"upstream_model", version.upstream_model}};
  return DumpJson(body);
}

std::string PriceBody(const DemoChatVersion& version) {
  const Json body = {{"provider", version.provider},
                     {"model", version.upstream_model},
                     {"input", version.input_usd},
                     {"output", version.output_usd},
                     {"reason", "made up for the demo"}};
  return DumpJson(body);
}

net::ClientRequest ApiRequest(net::HttpMethod method, std::string target, std::string body,
                              const Secret& token) {
  net::ClientRequest request;
  request.method = method;
  request.target = std::move(target);
  request.body = std::move(body);
  request.headers.emplace_back("X-Podium-Origin", "demo");
  if (!token.empty()) {
    request.headers.emplace_back("Authorization", fmt::format("Bearer {}", token.Reveal()));
  }
  return request;
}

Task<Result<bool>> SeedDemo(net::HttpClient& client, const std::vector<DemoRoute>& routes,
                            const Secret& token) {
  Seeder seeder(client, token);
  bool all_there = true;
  for (const DemoRoute& route : routes) {
    auto seeding = seeder.Seed(route);
    const Result<bool> there = co_await std::move(seeding);
    if (!there) co_return Fail(there.error());
    all_there = all_there && *there;
  }
  co_return all_there;
}

Task<Status> StartDemoRollout(net::HttpClient& client, const DemoRoute& route,
                              DemoCandidate candidate, const Secret& token) {
  Seeder seeder(client, token);
  auto starting = seeder.StartRollout(route, candidate);
  co_return co_await std::move(starting);
}

Task<Result<bool>> SeedDemoChat(net::HttpClient& client, const Secret& token) {
  Seeder seeder(client, token);
  auto seeding = seeder.SeedChat();
  co_return co_await std::move(seeding);
}

}  // namespace podium::app
