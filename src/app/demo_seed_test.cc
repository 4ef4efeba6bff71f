#include "app/demo_seed.h"

#include <gtest/gtest.h>

namespace podium::app {
namespace {

TEST(DemoSeed, AVersionIsRegisteredWithAllThatIsKnownOfIt) {
  const Result<std::vector<DemoRoute>> routes = ReadDemoRoutes();
  ASSERT_TRUE(routes) << routes.error().message;
  const DemoVersion& second = routes->at(1).versions.at(1);
  const Result<Json> body = ParseJson(RegisterBody("digits", second, "file:abc.onnx"));
  ASSERT_TRUE(body) << body.error().message;
  EXPECT_EQ(body->at("model_id"), "digits-v2");
  EXPECT_EQ(body->at("route"), "digits");
  EXPECT_EQ(body->at("version"), "v2");
  EXPECT_EQ(body->at("artifact_uri"), "file:abc.onnx");
  EXPECT_EQ(body->at("signature").at("columns").size(), 64U);
  EXPECT_NEAR(body->at("metrics").at("accuracy").get<double>(), 0.9733, 0.0001);
  // Nothing takes traffic by being registered.
  EXPECT_FALSE(body->contains("status"));
}

TEST(DemoSeed, TheCanaryStartsAtFivePercent) {
  DemoVersion version;
  version.model_id = "digits-v2";
  EXPECT_EQ(ParseJson(CanaryBody(version)).value(),
            (Json{{"model_id", "digits-v2"}, {"traffic_pct", 5.0}}));
}

TEST(DemoSeed, AProvidersModelIsRegisteredAndPriced) {
  const DemoChatVersion version = DemoChatVersions().back();
  EXPECT_EQ(RegisterBody(version),
            R"({"model_id":"assistant-moody","route":"assistant","name":"assistant",)"
            R"("version":"moody","provider_key":"fake-moody","upstream_model":"moody-1"})");
  EXPECT_EQ(PriceBody(version),
            R"({"provider":"fake-moody","model":"moody-1","input":"0.25","output":"0.75",)"
            R"("reason":"made up for the demo"})");
}

// The audit trail tells the demo's own doing from that of the person who watches it.
TEST(DemoSeed, CallsSayWhoMakesThemAndShowTheTokenOnlyWhenThereIsOne) {
  const net::ClientRequest open = ApiRequest(net::HttpMethod::kGet, "/x", "", Secret());
  EXPECT_EQ(open.headers, (net::HeaderList{{"X-Podium-Origin", "demo"}}));
  const net::ClientRequest guarded =
      ApiRequest(net::HttpMethod::kPost, "/x", "{}", Secret("opensesame"));
  EXPECT_EQ(guarded.headers,
            (net::HeaderList{{"X-Podium-Origin", "demo"}, {"Authorization", "Bearer opensesame"}}));
  EXPECT_EQ(guarded.body, "{}");
}

}  // namespace
}  // namespace podium::app
