// What the prediction log is told of a call.
#include "gateway/predict_call.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "gateway/predict_world_fixture.h"

namespace podium::gateway {
namespace {

predictions::LoggingPolicy LoggedWith(predictions::Payloads payloads) {
  predictions::LoggingPolicy logging;
  logging.all.log = true;
  logging.all.payloads = payloads;
  return logging;
}

// D5: what is logged is what was decided and what became of it, once per call, whichever path it
// took through the gateway.
TEST(PredictLog, EveryDecidedCallIsLoggedOnceWithItsFacts) {
  PredictWorld world(
      {{"canary", VersionStatus::kCanary, false}, {"primary", VersionStatus::kPrimary}}, 2'500,
      false, LoggedWith(predictions::Payloads::kAll));
  int canaries = 0;
  for (int i = 0; i < 40; ++i) {
    const std::string session = fmt::format("s{}", i);
    const net::Response response =
        world.Ask(R"({"rows": [[1.5], [2]]})", fmt::format("X-Session-Id: {}\r\n", session));
    ASSERT_EQ(response.status, 200);
    const std::unique_ptr<predictions::Record> record = world.log().Take();
    ASSERT_NE(record, nullptr) << i;
    EXPECT_EQ(world.log().Take(), nullptr) << i;
    const PredictionRow& row = record->row;
    const bool canary = row.arm == "canary";
    canaries += canary ? 1 : 0;
    EXPECT_EQ(row.request_id, HeaderText(response, "x-request-id"));
    EXPECT_EQ(row.route, "r");
    EXPECT_EQ(row.unit, session);
    EXPECT_EQ(row.unit_kind, UnitKind::kSession);
    EXPECT_EQ(row.assigned, canary ? "id-canary" : "id-primary");
    EXPECT_EQ(row.served, "id-primary");
    EXPECT_EQ(row.reason, canary ? "primary_fallback" : "assigned");
    EXPECT_EQ(row.propensity, canary ? 0.25 : 0.75);
    EXPECT_EQ(row.keep, 1);
    EXPECT_EQ(std::to_string(row.bucket), HeaderText(response, "x-podium-bucket"));
    EXPECT_EQ(row.generation, Generation(1));
    EXPECT_EQ(row.outcome, PredictionOutcome::kOk);
    EXPECT_EQ(row.status, 200);
    EXPECT_EQ(row.rows, 2);
    EXPECT_EQ(row.scores, (std::vector<double>{1.5, 2}));
    EXPECT_FALSE(row.cost);
    EXPECT_EQ(record->path, "/predict/r");
    EXPECT_EQ(record->request->bytes, R"({"rows": [[1.5], [2]]})");
    EXPECT_EQ(record->answer->bytes, response.body);
  }
  EXPECT_GT(canaries, 0);
  EXPECT_LT(canaries, 40);
}

TEST(PredictLog, WhatFailedIsLoggedAsWhatItWas) {
  PredictWorld world({{"v1", VersionStatus::kPrimary}}, 0, false,
                     LoggedWith(predictions::Payloads::kNone));
  struct Case {
    const char* body;
    const char* headers;
    int status;
    PredictionOutcome want;
    const char* arm;
  };
  const Case cases[] = {
      {R"({"rows": [[13]]})", "", 500, PredictionOutcome::kError, "primary"},
      {R"({"rows": [["x"]]})", "", 400, PredictionOutcome::kRefused, "primary"},
      {R"({"rows": [[1]]})", "X-Podium-Model-Version: v1\r\n", 200, PredictionOutcome::kOk,
       "override"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.body);
    EXPECT_EQ(world.Ask(c.body, c.headers).status, c.status);
    const std::unique_ptr<predictions::Record> record = world.log().Take();
    ASSERT_NE(record, nullptr);
    EXPECT_EQ(record->row.outcome, c.want);
    EXPECT_EQ(record->row.status, c.status);
    EXPECT_EQ(record->row.arm, c.arm);
    EXPECT_FALSE(record->request);
    EXPECT_FALSE(record->answer);
    EXPECT_EQ(world.log().Take(), nullptr);
  }
  world.Ask(R"({"rows": [[1]]})", "", "/predict/nowhere");
  world.Ask("not json");
  EXPECT_EQ(world.log().Take(), nullptr) << "nothing was decided";
}

TEST(PredictLog, APayloadThatIsTooLongKeepsItsSizeOnly) {
  PredictWorld world({{"v1", VersionStatus::kPrimary}}, 0, false,
                     LoggedWith(predictions::Payloads::kAll));
  std::string body = R"({"rows": [[1]]})";
  body.append(limits::kMaxPredictionPayload + 1 - body.size(), ' ');
  EXPECT_EQ(world.Ask(body).status, 200);
  const std::unique_ptr<predictions::Record> record = world.log().Take();
  ASSERT_NE(record, nullptr);
  EXPECT_EQ(record->request->size, limits::kMaxPredictionPayload + 1);
  EXPECT_TRUE(record->request->bytes.empty());
  EXPECT_FALSE(record->answer->bytes.empty());
}

TEST(PredictLog, ARouteThatIsNotLoggedLeavesNothing) {
  predictions::LoggingPolicy logging;
  logging.routes["other"].log = true;
  PredictWorld world({{"v1", VersionStatus::kPrimary}}, 0, false, logging);
  EXPECT_EQ(world.Ask().status, 200);
  EXPECT_EQ(world.log().Take(), nullptr);
}

}  // namespace
}  // namespace podium::gateway
