// One core, one route "r" with versions that a test places, and the gateway before them.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "gateway/gateway.h"
#include "net/answer_fixture.h"
#include "net/memory_exchange.h"
#include "testing/sim_clock.h"
#include "view/stats_registry.h"

namespace podium::gateway {

// y = x; fails on rows that hold 13, is in quarantine for those that hold 14, and may claim to be
// slow.
class ToyModel final : public LoadedModel {
 public:
  explicit ToyModel(std::chrono::nanoseconds per_row) : per_row_(per_row) {
    signature_.inputs = {{"x", DataType::kFp32, {-1, 1}}};
    signature_.outputs = {{"y", DataType::kFp32, {-1, 1}}};
  }
  const Signature& signature() const override { return signature_; }
  Result<std::vector<Tensor>> Run(std::span<const Tensor> inputs) const override {
    const auto count = inputs[0].data.size() / sizeof(float);
    for (std::size_t i = 0; i < count; ++i) {
      if (inputs[0].As<float>()[i] == 13) return Fail(ErrorCode::kInternal, "unlucky");
      if (inputs[0].As<float>()[i] == 14) return Fail(ErrorCode::kUnavailable, "in quarantine");
    }
    std::vector<Tensor> outputs(inputs.begin(), inputs.end());
    outputs[0].name = "y";
    return outputs;
  }
  std::chrono::nanoseconds time_per_row() const override { return per_row_; }

 private:
  const std::chrono::nanoseconds per_row_;
  Signature signature_;
};

struct Placement {
  std::string version;
  VersionStatus status;
  bool ready = true;
  std::chrono::nanoseconds per_row = std::chrono::nanoseconds(10);
};

/// One core, one route "r", and the versions that a test asks for.
class PredictWorld {
 public:
  explicit PredictWorld(const std::vector<Placement>& placements, int canary_bp = 0,
                        bool token = false, const predictions::LoggingPolicy& logging = {})
      : authenticator_(token ? auth::Authenticator::WithAdminToken("sixteen-letters!", "k")
                             : auth::Authenticator::LocalOnly()),
        logging_(logging),
        gateway_({authenticator_,
                  clock_,
                  rng_,
                  pool_,
                  recent_,
                  Options(),
                  {},
                  {},
                  {},
                  nullptr,
                  {},
                  logging_.any() ? std::vector{&log_} : std::vector<predictions::CoreLog*>()},
                 cells_) {
    Publish(placements, canary_bp);
  }
  ~PredictWorld() { pool_.Stop(); }

  /// From the next Publish on.
  void RollOut(SplitUnit unit) {
    mark_.emplace();
    mark_->id = RolloutId("ro");
    mark_->unit = unit;
  }
  std::shared_ptr<view::RolloutTally> Tally() { return tallies_.Of(*mark_); }
  void Publish(const std::vector<Placement>& placements, int canary_bp) {
    Route route;
    route.rollout = mark_;
    route.name = RouteName("r");
    route.salt = "salt";
    route.canary_salt = "canary";
    std::vector<ModelVersion> rows;
    for (const Placement& p : placements) {
      ModelVersion row;
      row.model_id = ModelId("id-" + p.version);
      row.route = route.name;
      row.version = p.version;
      row.provider_key = kLocalProvider;
      row.status = p.status;
      if (p.status == VersionStatus::kCanary) row.share = *BasisPoints::From(canary_bp);
      if (p.version == "old") route.previous_primary = row.model_id;
      rows.push_back(std::move(row));
    }
    routing::TableCompiler compiler({});
    compiler.Absorb({route}, rows);
    const auto routes = compiler.Compile(Generation(++sequence_));
    view::RouteView view{routes->routes()[0], {}};
    if (mark_) view.tally = tallies_.Of(*mark_);
    for (const ModelVersion& row : view.route->versions) {
      view::VersionServing serving;
      for (const Placement& p : placements) {
        if (p.version == row.version && p.ready)
          serving.model = std::make_shared<ToyModel>(p.per_row);
      }
      serving.state = serving.model ? LoadState::kReady : LoadState::kFailed;
      serving.error = serving.model ? "" : "no such file";
      serving.stats = stats_.Of(row.model_id, row.route, row.version);
      view.serving.push_back(std::move(serving));
    }
    cells_[0].Publish(
        std::make_shared<const view::CoreView>(routes, std::vector{std::move(view)}, sequence_));
  }

  // As the server does it: at once if the gateway can, else by its coroutine.
  net::Response Ask(std::string_view body = R"({"rows": [[1]]})", std::string_view headers = "",
                    std::string_view target = "/predict/r", std::string_view method = "POST") {
    net::MemoryExchange exchange(net::MemoryExchange::Text(method, target, body, headers));
    net::Response response;
    answered_inline_ = gateway_.TryHandle(exchange, response);
    if (!answered_inline_) response = net::AnswerOf(gateway_, exchange);
    return response;
  }
  /// As the server does it when it stops.
  void EndInference() { gateway_.EndInference(); }
  void StopPool() { pool_.Stop(); }
  void set_ready(bool ready) { ready_ = ready; }
  bool answered_inline() const { return answered_inline_; }
  view::StatsSnapshot Stats(const std::string& version) {
    return stats_.Report(ModelId("id-" + version))->total;
  }
  view::RecentRequests::Found Recent(std::string_view id) const { return recent_.Find(id); }
  std::string NameOf(const view::VersionStats* stats) const { return stats_.NameOf(stats).version; }
  predictions::CoreLog& log() { return log_; }
  std::string Metrics() {
    Exposition out;
    gateway_.WriteMetrics(out);
    return out.Take();
  }

 private:
  GatewayOptions Options() {
    GatewayOptions options;
    options.is_ready = [this](const view::CoreView&) { return ready_; };
    return options;
  }

  testing::SimClock clock_;
  SeededRng rng_{7};
  WorkerPool pool_{"test", 1, 4};
  const auth::Authenticator authenticator_;
  view::StatsRegistry stats_{1};
  view::RolloutTallies tallies_{1};
  std::optional<RolloutMark> mark_;
  view::RecentRequests recent_{1, [](std::size_t, const std::function<void()>& job) { job(); }};
  std::vector<view::ViewCell> cells_ = std::vector<view::ViewCell>(1);
  const predictions::LoggingPolicy logging_;
  predictions::CoreLog log_{logging_, rng_};
  Gateway gateway_;
  std::uint64_t sequence_ = 0;
  bool answered_inline_ = false;
  bool ready_ = true;
};

inline std::string HeaderText(const net::Response& response, std::string_view name) {
  return std::string(response.headers.Find(name).value_or("-"));
}

}  // namespace podium::gateway
