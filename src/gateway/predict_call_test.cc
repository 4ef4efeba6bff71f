#include "gateway/predict_call.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "base/json.h"
#include "gateway/predict_world_fixture.h"

namespace podium::gateway {
namespace {

using routing::Reason;
using routing::ServeReason;

// A model that is not quick is asked on the other path. Whoever was drawn by an id of Podium's own
// stays drawn there: else such a canary would get its share of its share.
TEST(Predict, AnIdThatPodiumMadeIsDrawnOnce) {
  Placement slow{"2", VersionStatus::kCanary};
  slow.per_row = std::chrono::seconds(1);
  PredictWorld world({{"1", VersionStatus::kPrimary}, slow}, 5'000);
  constexpr int kCalls = 400;
  int canary = 0;
  int inline_answers = 0;
  for (int i = 0; i < kCalls; ++i) {
    if (HeaderText(world.Ask(), "x-podium-canary") == "true") ++canary;
    if (world.answered_inline()) ++inline_answers;
  }
  EXPECT_NEAR(canary, 200, 50);
  EXPECT_GT(inline_answers, 100) << "the primary is quick";
}

// INV-7, INV-8: a version that is not ready never serves, and costs no call that another may
// answer.
TEST(Predict, Inv7ServesTheFirstReadyVersionOfTheChain) {
  struct Case {
    const char* name;
    bool canary_ready;
    bool primary_ready;
    bool old_ready;
    int status;
    const char* version;
    const char* reason;
  };
  const Case cases[] = {
      {"all ready", true, true, true, 200, "canary", "canary"},
      {"canary not ready", false, true, true, 200, "primary", "primary_fallback"},
      {"only the one before", false, false, true, 200, "old", "previous_primary"},
      {"nothing", false, false, false, 503, "-", "canary"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    PredictWorld world({{"canary", VersionStatus::kCanary, c.canary_ready},
                        {"primary", VersionStatus::kPrimary, c.primary_ready},
                        {"old", VersionStatus::kShadow, c.old_ready}},
                       10'000);
    const net::Response response = world.Ask();
    EXPECT_EQ(response.status, c.status) << response.body;
    EXPECT_EQ(HeaderText(response, "x-podium-version"), c.version);
    EXPECT_EQ(HeaderText(response, "x-podium-reason"), c.reason);
    EXPECT_EQ(HeaderText(response, "Retry-After"), c.status == 503 ? "1" : "-");
    EXPECT_EQ(world.Stats("canary").not_served, c.canary_ready ? 0U : 1U);
  }
}

TEST(Predict, AnswersWithEveryHeaderOfTheDecision) {
  PredictWorld world({{"v1", VersionStatus::kPrimary}});
  const net::Response response = world.Ask(R"({"rows": [[1.5], [2]]})", "X-Request-Id: abc\r\n");
  const Result<Json> body = ParseJson(response.body);
  ASSERT_TRUE(body) << response.body;
  EXPECT_EQ((*body)["predictions"], Json::parse("[1.5, 2.0]"));
  EXPECT_EQ((*body)["model"], "id-v1");
  EXPECT_EQ((*body)["version"], "v1");
  EXPECT_EQ(HeaderText(response, "x-request-id"), "abc");
  EXPECT_EQ(HeaderText(response, "x-podium-route"), "r");
  EXPECT_EQ(HeaderText(response, "x-podium-model"), "id-v1");
  EXPECT_EQ(HeaderText(response, "x-podium-version"), "v1");
  EXPECT_EQ(HeaderText(response, "x-podium-canary"), "false");
  EXPECT_EQ(HeaderText(response, "x-podium-reason"), "primary");
  EXPECT_EQ(HeaderText(response, "x-podium-generation"), "1");
  EXPECT_EQ(HeaderText(response, "x-podium-attempts"), "1");
  EXPECT_NE(HeaderText(response, "x-podium-bucket"), "-");
  EXPECT_NE(HeaderText(response, "x-podium-overhead-us"), "-");
}

// What explain shows by request id is what was decided and what became of it, once per request.
TEST(Predict, EveryDecidedRequestIsKeptWithItsFacts) {
  PredictWorld world(
      {{"canary", VersionStatus::kCanary, false}, {"primary", VersionStatus::kPrimary}}, 10'000);
  const net::Response response =
      world.Ask(R"({"rows": [[1]]})", "X-Request-Id: abc\r\nX-Session-Id: alice\r\n");
  ASSERT_EQ(response.status, 200);
  const view::RecentRequests::Found found = world.Recent("abc");
  ASSERT_TRUE(found.request);
  EXPECT_EQ(found.matches, 1u);
  EXPECT_EQ(found.request->route, "r");
  EXPECT_EQ(found.request->unit_kind, UnitKind::kSession);
  EXPECT_EQ(found.request->unit, "alice");
  EXPECT_EQ(found.request->generation, Generation(1));
  EXPECT_EQ(std::to_string(found.request->fine_bucket), HeaderText(response, "x-podium-bucket"));
  EXPECT_EQ(found.request->reason, Reason::kCanary);
  EXPECT_EQ(found.request->serve_reason, ServeReason::kPrimaryFallback);
  EXPECT_EQ(world.NameOf(found.request->assigned), "canary");
  EXPECT_EQ(world.NameOf(found.request->served), "primary");
  EXPECT_EQ(found.request->status, 200);

  world.Ask(R"({"rows": [[13]]})", "X-Request-Id: unlucky\r\n");
  EXPECT_EQ(world.Recent("unlucky").request->status, 500);
  EXPECT_EQ(world.Recent("unlucky").matches, 1u);
  EXPECT_EQ(world.Recent("unlucky").request->unit, "unlucky");
  world.Ask(R"({"rows": [[1]]})", "X-Request-Id: lost\r\n", "/predict/nowhere");
  EXPECT_FALSE(world.Recent("lost").request) << "nothing was decided";
  world.Publish({{"primary", VersionStatus::kPrimary, false}}, 0);
  world.Ask(R"({"rows": [[1]]})", "X-Request-Id: down\r\n");
  EXPECT_EQ(world.Recent("down").request->status, 503);
  EXPECT_EQ(world.Recent("down").request->served, nullptr);
}

// The id that is hashed: session before request, header before body. Anything else would move
// people.
TEST(Predict, TakesTheUnitFromHeadersThenBody) {
  PredictWorld world({{"v1", VersionStatus::kPrimary}});
  const auto bucket = [&](std::string_view body, std::string_view headers) {
    return HeaderText(world.Ask(body, headers), "x-podium-bucket");
  };
  const std::string alice = bucket(R"({"rows": [[1]]})", "X-Session-Id: alice\r\n");
  EXPECT_EQ(bucket(R"({"rows": [[1]], "session_id": "alice"})", ""), alice);
  EXPECT_EQ(bucket(R"({"rows": [[1]], "session_id": "bob"})", "X-Session-Id: alice\r\n"), alice);
  EXPECT_EQ(bucket(R"({"rows": [[1]]})", "X-Request-Id: alice\r\n"), alice);
  EXPECT_EQ(bucket(R"({"rows": [[1]]})", "X-Session-Id: alice\r\nX-Request-Id: bob\r\n"), alice);
  EXPECT_NE(bucket(R"({"rows": [[1]], "session_id": "bob"})", ""), alice);
}

// An override that quietly served the primary would make every replay a lie.
TEST(Predict, OverrideServesThatVersionOrSaysWhyNot) {
  struct Case {
    const char* name;
    const char* headers;
    bool token;
    int status;
  };
  const Case cases[] = {
      {"by version", "X-Podium-Model-Version: v2\r\n", false, 200},
      {"by id", "X-Podium-Model-Version: id-v2\r\n", false, 200},
      {"unknown", "X-Podium-Model-Version: v9\r\n", false, 404},
      {"not ready", "X-Podium-Model-Version: v3\r\n", false, 409},
      {"no token", "X-Podium-Model-Version: v2\r\n", true, 403},
      {"token", "X-Podium-Model-Version: v2\r\nAuthorization: Bearer sixteen-letters!\r\n", true,
       200},
      {"wrong token", "X-Podium-Model-Version: v2\r\nAuthorization: Bearer sixteen-letterz!\r\n",
       true, 401},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    PredictWorld world({{"v1", VersionStatus::kPrimary},
                        {"v2", VersionStatus::kStandby},
                        {"v3", VersionStatus::kStandby, false}},
                       0, c.token);
    const net::Response response = world.Ask(R"({"rows": [[1]]})", c.headers);
    EXPECT_EQ(response.status, c.status) << response.body;
    if (c.status != 200) continue;
    EXPECT_EQ(HeaderText(response, "x-podium-version"), "v2");
    EXPECT_EQ(HeaderText(response, "x-podium-reason"), "override");
  }
}

// B3: whoever debugs the canary must neither promote nor abort it, and is no part of what it is
// compared with. Not even when it is not ready.
TEST(Predict, OverridesCountInNoComparisonOfVersions) {
  PredictWorld world({{"v1", VersionStatus::kPrimary},
                      {"v2", VersionStatus::kCanary},
                      {"v3", VersionStatus::kStandby, false}},
                     10'000);
  const auto ask = [&](std::string_view version, std::string_view body) {
    return world.Ask(body, fmt::format("X-Podium-Model-Version: {}\r\n", version)).status;
  };
  for (const char* version : {"v1", "v2"}) {
    SCOPED_TRACE(version);
    EXPECT_EQ(ask(version, R"({"rows": [[1]]})"), 200);
    EXPECT_EQ(ask(version, R"({"rows": [[13]]})"), 500);
    const view::StatsSnapshot stats = world.Stats(version);
    EXPECT_EQ(stats.plain.total() + stats.canary.total(), 0U);
    EXPECT_EQ(stats.overrides, (view::OutcomeCounts{1, 1, 0}));
  }
  EXPECT_EQ(ask("v3", R"({"rows": [[1]]})"), 409);
  EXPECT_EQ(world.Stats("v3").not_served, 0U);
  EXPECT_EQ(world.Ask().status, 200);
  EXPECT_EQ(world.Stats("v2").canary.total(), 1U);
}

// A caller's mistake must not look like a bad version, nor a bad version like a caller's mistake.
TEST(Predict, CountsFailuresOfTheModelNotOfTheCaller) {
  PredictWorld world({{"v1", VersionStatus::kPrimary}});
  EXPECT_EQ(world.Ask(R"({"rows": [["x"]]})").status, 400);
  EXPECT_EQ(world.Ask(R"({"rows": [[1, 2]]})").status, 400);
  EXPECT_EQ(world.Stats("v1").plain.total(), 0U);
  EXPECT_EQ(world.Ask(R"({"rows": [[13]]})").status, 500);
  EXPECT_EQ(world.Ask(R"({"rows": [[1]]})").status, 200);
  EXPECT_EQ(world.Stats("v1").plain.outcomes[0], 1U);
  EXPECT_EQ(world.Stats("v1").plain.outcomes[1], 1U);
  EXPECT_NE(world.Metrics().find(R"(podium_rejected_requests_total{code="invalid_argument"} 2)"),
            std::string::npos);
}

// What of a call is evidence of a rollout: the outcome of what the bucket named, if it could have
// named either version and nothing but the version could go wrong.
TEST(Predict, ARolloutCountsWhatTheBucketDecided) {
  struct Counted {
    std::uint64_t units;
    std::uint64_t errors;
    std::uint64_t ineligible;
  };
  struct Case {
    const char* name;
    const char* body;
    const char* headers;
    bool canary_ready;
    bool primary_ready;
    int status;
    Counted want;  // Of the canary, which has all buckets.
  };
  const char* good = R"({"rows": [[1]]})";
  const char* unlucky = R"({"rows": [[13]]})";
  const char* session = "X-Session-Id: alice\r\n";
  const Case cases[] = {
      {"answered", good, session, true, true, 200, {1, 0, 0}},
      {"failed", unlucky, session, true, true, 500, {1, 1, 0}},
      {"keyless", good, "", true, true, 200, {0, 0, 1}},
      {"named by hand",
       good,
       "X-Session-Id: alice\r\nX-Podium-Model-Version: canary\r\n",
       true,
       true,
       200,
       {0, 0, 1}},
      {"canary not ready", good, session, false, true, 200, {0, 0, 1}},
      {"primary not ready", good, session, true, false, 200, {0, 0, 1}},
      {"failed, primary not ready", unlucky, session, true, false, 500, {0, 0, 1}},
      {"the caller's mistake", R"({"rows": [["x"]]})", session, true, true, 400, {0, 0, 0}},
      {"another", R"({"rows": [[1, 2]]})", session, true, true, 400, {0, 0, 0}},
      {"not even JSON", "{", session, true, true, 400, {0, 0, 0}},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    PredictWorld world({}, 0);
    world.RollOut(SplitUnit::kSession);
    world.Publish({{"primary", VersionStatus::kPrimary, c.primary_ready},
                   {"canary", VersionStatus::kCanary, c.canary_ready}},
                  BasisPoints::kWhole);
    EXPECT_EQ(world.Ask(c.body, c.headers).status, c.status);
    const view::ArmCounts canary = world.Tally()->Counts(true);
    EXPECT_EQ(canary.units, c.want.units);
    EXPECT_EQ(canary.requests, c.want.units) << "each has its outcome";
    EXPECT_EQ(canary.bad[0], c.want.errors);
    EXPECT_EQ(world.Tally()->ineligible(), c.want.ineligible);
    EXPECT_EQ(world.Tally()->Counts(false).units, 0U) << "nobody was assigned to the primary";
  }
}

// A server that stops asks no model any more: that is no error of any. One that is in quarantine
// was asked.
TEST(Predict, WhatAServerThatStopsDidNotAskDidNotFail) {
  struct Case {
    const char* name;
    const char* body;
    void (PredictWorld::*stop)();
    std::uint64_t failed;
  };
  const char* good = R"({"rows": [[1]]})";
  for (const Case& c : {Case{"its inferences have ended", good, &PredictWorld::EndInference, 0},
                        Case{"its pool has stopped", good, &PredictWorld::StopPool, 0},
                        Case{"in quarantine", R"({"rows": [[14]]})", nullptr, 1}}) {
    SCOPED_TRACE(c.name);
    PredictWorld world({}, 0);
    world.RollOut(SplitUnit::kSession);
    world.Publish({{"primary", VersionStatus::kPrimary}, {"canary", VersionStatus::kCanary}},
                  BasisPoints::kWhole);
    if (c.stop != nullptr) (world.*c.stop)();
    EXPECT_EQ(world.Ask(c.body, "X-Session-Id: alice\r\n").status, 503);
    EXPECT_EQ(world.Stats("canary").canary.total(), c.failed);
    EXPECT_EQ(world.Tally()->Counts(true).requests, c.failed);
    EXPECT_EQ(world.Tally()->Counts(true).bad[0], c.failed);
  }
}

// Both arms through the same door: the hash that decided names the unit, and a call that is handed
// from the fast path to the other is counted once.
TEST(Predict, ARolloutCountsBothArmsByTheirUnits) {
  PredictWorld world({}, 0);
  world.RollOut(SplitUnit::kRoute);
  world.Publish({{"primary", VersionStatus::kPrimary}, {"canary", VersionStatus::kCanary}}, 5'000);
  std::uint64_t canary_calls = 0;
  int handed = 0;
  for (int i = 0; i < 40; ++i) {
    const std::string headers = fmt::format("X-Session-Id: s{}\r\n", i % 20);
    const net::Response response = world.Ask(R"({"rows": [[13]]})", headers);
    canary_calls += HeaderText(response, "x-podium-canary") == "true" ? 1 : 0;
    handed += world.answered_inline() ? 0 : 1;
  }
  EXPECT_GT(handed, 0);
  EXPECT_GT(canary_calls, 4U);
  EXPECT_EQ(world.Tally()->Counts(true).requests, canary_calls);
  EXPECT_EQ(world.Tally()->Counts(false).requests, 40 - canary_calls);
  EXPECT_EQ(world.Tally()->Counts(true).units, canary_calls / 2) << "each session came twice";
  std::uint64_t errors = 0;
  for (const view::KeyRecord& record : world.Tally()->TakeChanged()) {
    const int fine = static_cast<int>(100 * (record.unit % 100) + record.unit / 100 % 100);
    EXPECT_EQ(record.canary, fine < 5'000) << "the arm follows from the unit";
    EXPECT_EQ(record.bad, 2U);
    ++errors;
  }
  EXPECT_EQ(errors, 20U);
}

// A slow candidate is asked in the pool, where calls wait for each other: its latency would be held
// against that of a primary that never waits.
TEST(Predict, ARolloutsArmsTakeTheSameWay) {
  const auto primarys_way = [](bool is_rolled_out, int canary_bp) {
    PredictWorld world({}, 0);
    if (is_rolled_out) world.RollOut(SplitUnit::kRequest);
    Placement slow{"2", VersionStatus::kCanary};
    slow.per_row = std::chrono::seconds(1);
    world.Publish({{"1", VersionStatus::kPrimary}, slow}, canary_bp);
    std::set<bool> ways;
    for (int i = 0; i < 40; ++i) {
      const net::Response response = world.Ask();
      if (i > 0 && HeaderText(response, "x-podium-canary") == "false") {
        ways.insert(world.answered_inline());
      }
    }
    return ways;
  };
  EXPECT_TRUE(primarys_way(false, 5'000).contains(true));
  EXPECT_EQ(primarys_way(true, 5'000), std::set{false});
  EXPECT_EQ(primarys_way(true, 0), std::set{true}) << "nothing is compared";
}

// One long inference on an I/O core would hold up every other route, and every publish.
TEST(Predict, LeavesTheCoreUntilItIsKnownToBeQuick) {
  using std::chrono::microseconds;
  PredictWorld world({{"v1", VersionStatus::kPrimary, true, microseconds(100)}});
  const auto inlined = [&](std::string_view body) {
    EXPECT_EQ(world.Ask(body).status, 200);
    return world.answered_inline();
  };
  EXPECT_FALSE(inlined(R"({"rows": [[1]]})"));  // No real row was measured yet.
  EXPECT_TRUE(inlined(R"({"rows": [[1]]})"));
  EXPECT_TRUE(inlined(R"({"rows": [[1], [2]]})"));  // 200 us: the limit itself.
  EXPECT_FALSE(inlined(R"({"rows": [[1], [2], [3]]})"));
  EXPECT_EQ(world.Stats("v1").plain.total(), 4U);
}

TEST(Predict, RefusesWhatIsNotAPrediction) {
  PredictWorld world({{"v1", VersionStatus::kPrimary}});
  const std::string body = R"({"rows": [[1]]})";
  EXPECT_EQ(world.Ask(body, "", "/predict/unknown").status, 404);
  EXPECT_EQ(world.Ask(body, "", "/predict/").status, 404);
  EXPECT_EQ(world.Ask(body, "", "/predict/r/more").status, 404);
  const net::Response get = world.Ask("", "", "/predict/r", "GET");
  EXPECT_EQ(get.status, 405);
  EXPECT_EQ(HeaderText(get, "Allow"), "POST");
  EXPECT_EQ(world.Ask(body, "Content-Type: text/csv\r\n").status, 415);
  EXPECT_EQ(world.Ask(body, "Content-Type: Application/JSON; charset=utf-8\r\n").status, 200);
  EXPECT_EQ(world.Ask(body, "X-Session-Id: " + std::string(256, 's') + "\r\n").status, 200);
  EXPECT_EQ(world.Ask(body, "X-Session-Id: " + std::string(257, 's') + "\r\n").status, 400);
}

TEST(Active, ShowsWhatACallerNeedsToRouteByItself) {
  PredictWorld world({{"v1", VersionStatus::kPrimary}, {"v2", VersionStatus::kCanary}}, 1'250);
  const net::Response response = world.Ask("", "", "/internal/models/active?type=r", "GET");
  ASSERT_EQ(response.status, 200);
  const Json body = Json::parse(response.body);
  EXPECT_EQ(body["type"], "r");
  EXPECT_EQ(body["active_version"], "v1");
  EXPECT_EQ(body["canary_version"], "v2");
  EXPECT_EQ(body["traffic_pct"], 12.5);
  EXPECT_EQ(body["active"]["model_id"], "id-v1");
  EXPECT_EQ(body["canary"]["model_id"], "id-v2");
  EXPECT_EQ(body["salt"], "canary");
  EXPECT_EQ(world.Ask("", "", "/internal/models/active", "GET").status, 400);
  EXPECT_EQ(world.Ask("", "", "/internal/models/active?type=", "GET").status, 400);
  EXPECT_EQ(world.Ask("", "", "/internal/models/active?type=x", "GET").status, 404);
  EXPECT_EQ(world.Ask("", "", "/internal/other", "GET").status, 404);
  EXPECT_EQ(world.Ask("", "", "/internal/models/active?type=r", "POST").status, 405);
}

}  // namespace
}  // namespace podium::gateway
