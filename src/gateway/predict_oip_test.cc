// Predictions under the Open Inference Protocol.
#include "gateway/predict_call.h"

#include <gtest/gtest.h>

#include <string>

#include "base/json.h"
#include "gateway/predict_world_fixture.h"

namespace podium::gateway {
namespace {

constexpr std::string_view kInferBody =
    R"({"inputs": [{"name": "x", "shape": [1, 1], "datatype": "FP32", "data": [1.5]}]})";

// The same life under another protocol: one choke point, so one set of rules.
TEST(Oip, GoesThroughTheSameLifeAsPredict) {
  PredictWorld world({{"v1", VersionStatus::kPrimary}, {"v2", VersionStatus::kCanary}}, 10'000);
  const std::string_view path = "/v2/models/r/infer";
  EXPECT_EQ(world.Ask(kInferBody, "", path).status, 200);
  EXPECT_FALSE(world.answered_inline());  // No real row was measured yet.
  const net::Response response = world.Ask(kInferBody, "X-Request-Id: abc\r\n", path);
  EXPECT_TRUE(world.answered_inline());
  EXPECT_EQ(response.body,
            R"({"model_name":"r","model_version":"v2","outputs":[{"name":"y","datatype":"FP32",)"
            R"("shape":[1,1],"data":[1.5]}]})"
            "\n");
  EXPECT_EQ(HeaderText(response, "x-request-id"), "abc");
  EXPECT_EQ(HeaderText(response, "x-podium-reason"), "canary");
  EXPECT_EQ(
      HeaderText(response, "x-podium-bucket"),
      HeaderText(world.Ask(R"({"rows": [[1]]})", "X-Request-Id: abc\r\n"), "x-podium-bucket"));
  EXPECT_EQ(world.Stats("v2").canary.total(), 3U);
}

TEST(Oip, ErrorsAreItsOwnAndCountOnce) {
  PredictWorld world({{"v1", VersionStatus::kPrimary}});
  struct Case {
    const char* path;
    const char* method;
    std::string body;
    int status;
  };
  const std::string unlucky =
      R"({"inputs": [{"name": "x", "shape": [1, 1], "datatype": "FP32", "data": [13]}]})";
  const Case cases[] = {
      {"/v2/models/r/infer", "POST", "{", 400},
      {"/v2/models/none/infer", "POST", std::string(kInferBody), 404},
      {"/v2/models/r/infer", "GET", "", 405},
      {"/v2/models/r/infer", "POST", unlucky, 500},
      {"/v2/models/r", "POST", "", 405},
      {"/v2/none", "GET", "", 404},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.path);
    const net::Response response = world.Ask(c.body, "", c.path, c.method);
    EXPECT_EQ(response.status, c.status) << response.body;
    const Json body = Json::parse(response.body);
    EXPECT_EQ(body.size(), 1U);
    EXPECT_TRUE(body["error"].is_string());
    EXPECT_EQ(response.content_type.view(), "application/json");
    EXPECT_NE(HeaderText(response, "x-request-id"), "-");
    EXPECT_EQ(HeaderText(response, "Allow") != "-", c.status == 405);
  }
  EXPECT_EQ(world.Stats("v1").plain.outcomes[1], 1U);
  EXPECT_NE(world.Metrics().find(R"(podium_rejected_requests_total{code="internal"} 1)"),
            std::string::npos);
}

// A version in the path is an override by another spelling: same permission, same refusals.
TEST(Oip, TheVersionInThePathIsAnOverride) {
  struct Case {
    const char* version;
    const char* headers;
    bool token;
    int status;
  };
  const Case cases[] = {
      {"v2", "", false, 200},
      {"id-v2", "", false, 200},
      {"v9", "", false, 404},
      {"v3", "", false, 409},
      {"v2", "", true, 403},
      {"v2", "Authorization: Bearer sixteen-letters!\r\n", true, 200},
      {"v2", "X-Podium-Model-Version: v2\r\n", false, 200},
      {"v2", "X-Podium-Model-Version: v1\r\n", false, 400},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(fmt::format("{} {}", c.version, c.headers));
    PredictWorld world({{"v1", VersionStatus::kPrimary},
                        {"v2", VersionStatus::kStandby},
                        {"v3", VersionStatus::kStandby, false}},
                       0, c.token);
    const net::Response response =
        world.Ask(kInferBody, c.headers, fmt::format("/v2/models/r/versions/{}/infer", c.version));
    EXPECT_EQ(response.status, c.status) << response.body;
    if (c.status != 200) continue;
    EXPECT_EQ(HeaderText(response, "x-podium-reason"), "override");
    EXPECT_EQ(Json::parse(response.body)["model_version"], "v2");
  }
}

// A client that asks whether it may call, and then is refused, was told a lie.
TEST(Oip, ReadyMeansThatACallWouldBeAnswered) {
  struct Case {
    const char* name;
    bool canary_ready;
    bool primary_ready;
    bool old_ready;
    int share;
    bool want;
  };
  const Case cases[] = {
      {"all", true, true, true, 5'000, true},
      {"canary not", false, true, false, 5'000, true},
      {"only the one before", false, false, true, 5'000, true},
      {"only half have a version", true, false, false, 5'000, false},
      {"everybody has the canary", true, false, false, 10'000, true},
      {"none", false, false, false, 10'000, false},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    PredictWorld world({{"canary", VersionStatus::kCanary, c.canary_ready},
                        {"primary", VersionStatus::kPrimary, c.primary_ready},
                        {"old", VersionStatus::kShadow, c.old_ready}},
                       c.share);
    EXPECT_EQ(world.Ask("", "", "/v2/models/r/ready", "GET").status, c.want ? 200 : 503);
    bool all_answered = true;
    for (int i = 0; i < 40; ++i) {
      const std::string id = fmt::format("X-Request-Id: {}\r\n", i);
      all_answered &= world.Ask(kInferBody, id, "/v2/models/r/infer").status == 200;
    }
    EXPECT_EQ(all_answered, c.want);
  }
}

TEST(Oip, ServerReadyIsWhatTheServerSays) {
  PredictWorld world({{"v1", VersionStatus::kPrimary}});
  EXPECT_EQ(world.Ask("", "", "/v2/health/ready", "GET").status, 200);
  world.set_ready(false);
  const net::Response response = world.Ask("", "", "/v2/health/ready", "GET");
  EXPECT_EQ(response.status, 503);
  EXPECT_EQ(HeaderText(response, "Retry-After"), "1");
  EXPECT_EQ(world.Ask("", "", "/v2/health/live", "GET").status, 200);
}

}  // namespace
}  // namespace podium::gateway
