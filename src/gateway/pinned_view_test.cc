// INV-3: a request pins one view at its very start and never looks again, whatever is published
// while its body is read and its model runs.
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>

#include "gateway/predict_call.h"
#include "net/memory_exchange.h"
#include "testing/silent_model.h"
#include "testing/sim_clock.h"
#include "view/stats_registry.h"

namespace podium::gateway {
namespace {

/// A protocol whose parser is told to do something else on the side.
class InterruptedCodec final : public CallCodec {
 public:
  explicit InterruptedCodec(std::function<void()> meanwhile) : meanwhile_(std::move(meanwhile)) {}

  Result<BodyIds> Parse(std::string_view) override {
    meanwhile_();
    return BodyIds{"ada", ""};
  }
  Result<CallInputs> Read(const Signature&) override { return CallInputs{}; }
  void WriteAnswer(const CallAnswer& answer, net::Response& response) const override {
    response.body = answer.served.version;
  }
  void WriteError(const Error& error, std::string_view, net::Response& response) const override {
    response.body = error.message;
  }

 private:
  std::function<void()> meanwhile_;
};

/// Route r with one version, which is its primary, in the generation of that number.
view::ViewPtr ViewOf(int number, view::StatsRegistry& stats) {
  Route route;
  route.name = RouteName("r");
  route.salt = "salt";
  ModelVersion row;
  row.version = std::to_string(number);
  row.model_id = ModelId("m" + row.version);
  row.route = route.name;
  row.provider_key = kLocalProvider;
  row.status = VersionStatus::kPrimary;
  routing::TableCompiler compiler({});
  compiler.Absorb({route}, {row});
  const auto sequence = static_cast<std::uint64_t>(number);
  const auto routes = compiler.Compile(Generation(sequence));
  view::VersionServing serving;
  serving.model = std::make_shared<testing::SilentModel>();
  serving.state = LoadState::kReady;
  serving.stats = stats.Of(row.model_id, row.route, row.version);
  view::RouteView of_route{routes->routes()[0], {serving}};
  return std::make_shared<const view::CoreView>(routes, std::vector{of_route}, sequence);
}

TEST(PinnedView, Inv3ARequestAnswersFromTheViewOfItsStart) {
  testing::SimClock clock;
  SeededRng rng(1);
  WorkerPool pool("test", 1, 1);
  const auth::Authenticator authenticator = auth::Authenticator::LocalOnly();
  view::RecentRequests recent(1, [](std::size_t, const std::function<void()>& job) { job(); });
  const GatewayShared shared{authenticator, clock, rng, pool, recent, {}};
  view::StatsRegistry stats(1);
  view::ViewCell cell;
  GatewayCore core(shared, cell, 0, nullptr);
  net::MemoryExchange exchange(net::MemoryExchange::Text("POST", "/predict/r", "{}"));

  cell.Publish(ViewOf(1, stats));
  InterruptedCodec codec([&] { cell.Publish(ViewOf(2, stats)); });
  Passage passage(core, EndpointId::kPredict);
  ASSERT_TRUE(passage.Enter(exchange));
  PredictCall call(core, exchange, codec, {"r", ""}, passage);
  ASSERT_TRUE(call.Prepare("{}"));
  Result<std::vector<Tensor>> outputs = call.Run();
  cell.Publish(ViewOf(3, stats));
  net::Response response;
  call.Answer(std::move(outputs), response);

  EXPECT_EQ(response.body, "1");
  EXPECT_EQ(response.headers.Find("x-podium-generation"), "1");
  EXPECT_EQ(response.headers.Find("x-podium-version"), "1");
  EXPECT_EQ(cell.Pin()->generation(), Generation(3));
  pool.Stop();
}

}  // namespace
}  // namespace podium::gateway
