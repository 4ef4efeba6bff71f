// One core, one route "r" with a primary, whoever watches it or is asked beside it, and models that
// do what a test says.
#pragma once

#include <cstring>
#include <functional>
#include <latch>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/json.h"
#include "gateway/gateway.h"
#include "gateway/shadow_lane.h"
#include "net/answer_fixture.h"
#include "net/core_pool.h"
#include "net/memory_exchange.h"
#include "testing/sim_clock.h"
#include "view/route_shadows.h"
#include "view/stats_registry.h"

namespace podium::gateway {

/// y = x * factor, unless `before` says otherwise; counts its runs.
class PlayedModel final : public LoadedModel {
 public:
  explicit PlayedModel(float factor = 1, int columns = 1) : factor_(factor) {
    signature_.inputs = {{"x", DataType::kFp32, {-1, columns}}};
    signature_.outputs = {{"y", DataType::kFp32, {-1, columns}}};
  }
  const Signature& signature() const override { return signature_; }
  Result<std::vector<Tensor>> Run(std::span<const Tensor> inputs) const override {
    ++runs;
    if (before) PODIUM_TRY(before());
    std::vector<Tensor> outputs(inputs.begin(), inputs.end());
    outputs[0].name = "y";
    for (std::size_t i = 0; i < outputs[0].data.size() / sizeof(float); ++i) {
      outputs[0].As<float>()[i] *= factor_;
    }
    return outputs;
  }
  std::chrono::nanoseconds time_per_row() const override { return std::chrono::nanoseconds(10); }

  std::function<Status()> before;  ///< On the thread of the run. Set before the first one.
  mutable std::atomic<int> runs{0};

 private:
  const float factor_;
  Signature signature_;
};

struct WatchedVersion {
  std::string version;
  VersionStatus status = VersionStatus::kPrimary;
  std::shared_ptr<PlayedModel> model;  ///< Null: not ready.
  int share_bp = 0;
};

/// Threads: a test's. Copies run when it says so (RunCopies); the pool has one thread.
class ShadowWorld {
 public:
  static constexpr std::size_t kMostAnswerBytes = 1024;  ///< Of what is kept to be compared.

  ShadowWorld(std::vector<WatchedVersion> versions, std::optional<ShadowPlan> shadow,
              std::optional<ChallengerPlan> challenger = std::nullopt,
              InferenceLanes::Options lanes = {})
      : gateway_(Shared(lanes), cells_) {
    core_.Run(0, [this] { beside_.emplace(core_.executor(0)); });
    Publish(std::move(versions), std::move(shadow), std::move(challenger));
  }
  ~ShadowWorld() {
    pool_.Stop();
    core_.Stop();
    beside_.reset();
  }

  void Publish(std::vector<WatchedVersion> versions, std::optional<ShadowPlan> shadow,
               std::optional<ChallengerPlan> challenger = std::nullopt) {
    Route route;
    route.name = RouteName("r");
    route.salt = "salt";
    route.canary_salt = "canary";
    route.shadow = std::move(shadow);
    route.challenger = std::move(challenger);
    std::vector<ModelVersion> rows;
    for (const WatchedVersion& each : versions) {
      ModelVersion row;
      row.model_id = ModelId("id-" + each.version);
      row.route = route.name;
      row.version = each.version;
      row.provider_key = kLocalProvider;
      row.status = each.status;
      if (each.share_bp > 0) row.share = *BasisPoints::From(each.share_bp);
      rows.push_back(std::move(row));
    }
    routing::TableCompiler compiler({});
    compiler.Absorb({route}, rows);
    const auto routes = compiler.Compile(Generation(++sequence_));
    view::RouteView view{routes->routes()[0], {}};
    for (const ModelVersion& row : view.route->versions) {
      view::VersionServing serving;
      for (const WatchedVersion& each : versions) {
        if (each.version == row.version) serving.model = each.model;
      }
      serving.state = serving.model ? LoadState::kReady : LoadState::kFailed;
      serving.stats = stats_.Of(row.model_id, row.route, row.version);
      view.serving.push_back(std::move(serving));
    }
    view.shadows = view::ShadowsOf(view, tallies_);
    view.challenger = view::ChallengerOf(view, tallies_);
    cells_[0].Publish(
        std::make_shared<const view::CoreView>(routes, std::vector{std::move(view)}, sequence_));
  }

  /// A call that goes on while the test does.
  struct Begun {
    explicit Begun(std::string request) : exchange(std::move(request)) {}
    net::MemoryExchange exchange;
    net::Response response;
    std::latch answered{1};
  };
  /// Outlives the call.
  std::unique_ptr<Begun> Begin(std::string_view body = R"({"rows": [[1]]})",
                               std::string_view headers = "") {
    auto call =
        std::make_unique<Begun>(net::MemoryExchange::Text("POST", "/predict/r", body, headers));
    if (gateway_.TryHandle(call->exchange, call->response)) {
      call->answered.count_down();
      return call;
    }
    core_.Run(0, [this, &call] {
      beside_->Spawn(net::AnswerInto(gateway_, call->exchange, call->response, call->answered));
    });
    return call;
  }
  net::Response Ask(std::string_view body = R"({"rows": [[1]]})", std::string_view headers = "") {
    const std::unique_ptr<Begun> call = Begin(body, headers);
    call->answered.wait();
    return std::move(call->response);
  }
  /// As a server that stops does.
  void EndInference() { gateway_.EndInference(); }
  /// Everything that waits, on this thread.
  int RunCopies() {
    int steps = 0;
    while (lane_.RunNext()) ++steps;
    return steps;
  }
  /// Until the pool has done all that it was given so far. REQUIRES: one thread, which is free.
  void AwaitPool() {
    std::mutex mutex;
    std::condition_variable done;
    bool ran = false;
    (void)pool_.Submit([&] {
      const std::lock_guard lock(mutex);
      ran = true;
      done.notify_one();
    });
    std::unique_lock lock(mutex);
    done.wait(lock, [&] { return ran; });
  }
  view::ShadowCounts Counts(const std::string& version) {
    return tallies_.Of(RouteName("r"), ModelId("id-" + version))->Counts();
  }
  std::uint64_t Choices(const std::string& version, ChallengerChoice choice) {
    return tallies_.ChallengerOf(RouteName("r"), ModelId("id-" + version))->Of(choice);
  }
  view::StatsSnapshot Stats(const std::string& version) {
    return stats_.Report(ModelId("id-" + version))->total;
  }
  /// Until the core has let go of what it does: a call that runs waits for somebody then.
  void AwaitCore() {
    core_.Run(0, [] {});
  }
  /// Until so many runs wait for a thread, and the core has let go of what it does.
  void AwaitQueue(std::size_t runs) {
    const std::string line = fmt::format("podium_inference_queue {}\n", runs);
    for (int turn = 0; turn < 1'000'000; ++turn) {
      Exposition out;
      gateway_.WriteMetrics(out);
      if (out.Take().find(line) != std::string::npos) break;
      AwaitCore();
    }
    AwaitCore();
  }
  /// What is logged by now, once that is `count` at least.
  std::vector<std::unique_ptr<predictions::Record>> Records(std::size_t count = 0) {
    for (int turn = 0; log_.waiting() < count && turn < 1'000'000; ++turn) core_.Run(0, [] {});
    std::vector<std::unique_ptr<predictions::Record>> records;
    while (auto record = log_.Take()) records.push_back(std::move(record));
    return records;
  }
  testing::SimClock& clock() { return clock_; }
  ShadowLane& lane() { return lane_; }

 private:
  GatewayShared Shared(InferenceLanes::Options lanes) {
    GatewayShared shared{authenticator_, clock_, rng_, pool_, recent_, {}};
    shared.shadows = &lane_;
    shared.predictions = {&log_};
    shared.spawn = [this](std::size_t, Task<void> task) { beside_->Spawn(std::move(task)); };
    shared.options.shadow_answer_bytes = kMostAnswerBytes;
    shared.options.lanes = lanes;
    return shared;
  }

  testing::SimClock clock_;
  SeededRng rng_{7};
  WorkerPool pool_{"test", 1, 8};
  net::CorePool core_{1};
  std::optional<TaskGroup> beside_;  // The core's: calls, and records that wait.
  const auth::Authenticator authenticator_ = auth::Authenticator::LocalOnly();
  view::StatsRegistry stats_{1};
  view::ShadowTallies tallies_{1};
  ShadowLane lane_{clock_, {1, 0, 8}};
  predictions::LoggingPolicy logging_ = [] {
    predictions::LoggingPolicy policy;
    policy.all.log = true;
    policy.all.payloads = predictions::Payloads::kAll;
    return policy;
  }();
  predictions::CoreLog log_{logging_, rng_};
  view::RecentRequests recent_{1, [](std::size_t, const std::function<void()>& job) { job(); }};
  std::vector<view::ViewCell> cells_ = std::vector<view::ViewCell>(1);
  Gateway gateway_;
  std::uint64_t sequence_ = 0;
};

inline ShadowPlan CopiesOf(int rate_bp) {
  ShadowPlan plan;
  plan.rate = *BasisPoints::From(rate_bp);
  return plan;
}

inline ChallengerPlan Against(const std::string& version, int weight_bp) {
  ChallengerPlan plan;
  plan.challenger = ModelId("id-" + version);
  plan.testing = true;
  plan.weight = *BasisPoints::From(weight_bp);
  return plan;
}

inline std::string HeaderIn(const net::Response& response, std::string_view name) {
  return std::string(response.headers.Find(name).value_or("-"));
}

}  // namespace podium::gateway
