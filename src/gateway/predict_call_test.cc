#include "gateway/predict_call.h"

#include <gtest/gtest.h>

#include <latch>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "base/json.h"
#include "gateway/gateway.h"
#include "net/answer_fixture.h"
#include "net/memory_exchange.h"
#include "testing/sim_clock.h"
#include "view/stats_registry.h"

namespace podium::gateway {
namespace {

using routing::kNoVersion;
using routing::Reason;
using routing::ServeReason;

// y = x; fails on rows that hold 13, and may claim to be slow.
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
class World {
 public:
  explicit World(const std::vector<Placement>& placements, int canary_bp = 0, bool token = false,
                 const predictions::LoggingPolicy& logging = {})
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
  ~World() { pool_.Stop(); }

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

std::string Header(const net::Response& response, std::string_view name) {
  return std::string(response.headers.Find(name).value_or("-"));
}

// A model that is not quick is asked on the other path. Whoever was drawn by an id of Podium's own
// stays drawn there: else such a canary would get its share of its share.
TEST(Predict, AnIdThatPodiumMadeIsDrawnOnce) {
  Placement slow{"2", VersionStatus::kCanary};
  slow.per_row = std::chrono::seconds(1);
  World world({{"1", VersionStatus::kPrimary}, slow}, 5'000);
  constexpr int kCalls = 400;
  int canary = 0;
  int inline_answers = 0;
  for (int i = 0; i < kCalls; ++i) {
    if (Header(world.Ask(), "x-podium-canary") == "true") ++canary;
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
    World world({{"canary", VersionStatus::kCanary, c.canary_ready},
                 {"primary", VersionStatus::kPrimary, c.primary_ready},
                 {"old", VersionStatus::kShadow, c.old_ready}},
                10'000);
    const net::Response response = world.Ask();
    EXPECT_EQ(response.status, c.status) << response.body;
    EXPECT_EQ(Header(response, "x-podium-version"), c.version);
    EXPECT_EQ(Header(response, "x-podium-reason"), c.reason);
    EXPECT_EQ(Header(response, "Retry-After"), c.status == 503 ? "1" : "-");
    EXPECT_EQ(world.Stats("canary").not_served, c.canary_ready ? 0U : 1U);
  }
}

TEST(Predict, AnswersWithEveryHeaderOfTheDecision) {
  World world({{"v1", VersionStatus::kPrimary}});
  const net::Response response = world.Ask(R"({"rows": [[1.5], [2]]})", "X-Request-Id: abc\r\n");
  const Result<Json> body = ParseJson(response.body);
  ASSERT_TRUE(body) << response.body;
  EXPECT_EQ((*body)["predictions"], Json::parse("[1.5, 2.0]"));
  EXPECT_EQ((*body)["model"], "id-v1");
  EXPECT_EQ((*body)["version"], "v1");
  EXPECT_EQ(Header(response, "x-request-id"), "abc");
  EXPECT_EQ(Header(response, "x-podium-route"), "r");
  EXPECT_EQ(Header(response, "x-podium-model"), "id-v1");
  EXPECT_EQ(Header(response, "x-podium-version"), "v1");
  EXPECT_EQ(Header(response, "x-podium-canary"), "false");
  EXPECT_EQ(Header(response, "x-podium-reason"), "primary");
  EXPECT_EQ(Header(response, "x-podium-generation"), "1");
  EXPECT_EQ(Header(response, "x-podium-attempts"), "1");
  EXPECT_NE(Header(response, "x-podium-bucket"), "-");
  EXPECT_NE(Header(response, "x-podium-overhead-us"), "-");
}

// What explain shows by request id is what was decided and what became of it, once per request.
TEST(Predict, EveryDecidedRequestIsKeptWithItsFacts) {
  World world({{"canary", VersionStatus::kCanary, false}, {"primary", VersionStatus::kPrimary}},
              10'000);
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
  EXPECT_EQ(std::to_string(found.request->fine_bucket), Header(response, "x-podium-bucket"));
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
  World world({{"v1", VersionStatus::kPrimary}});
  const auto bucket = [&](std::string_view body, std::string_view headers) {
    return Header(world.Ask(body, headers), "x-podium-bucket");
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
    World world({{"v1", VersionStatus::kPrimary},
                 {"v2", VersionStatus::kStandby},
                 {"v3", VersionStatus::kStandby, false}},
                0, c.token);
    const net::Response response = world.Ask(R"({"rows": [[1]]})", c.headers);
    EXPECT_EQ(response.status, c.status) << response.body;
    if (c.status != 200) continue;
    EXPECT_EQ(Header(response, "x-podium-version"), "v2");
    EXPECT_EQ(Header(response, "x-podium-reason"), "override");
  }
}

// B3: whoever debugs the canary must neither promote nor abort it, and is no part of what it is
// compared with. Not even when it is not ready.
TEST(Predict, OverridesCountInNoComparisonOfVersions) {
  World world({{"v1", VersionStatus::kPrimary},
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
  World world({{"v1", VersionStatus::kPrimary}});
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
    World world({}, 0);
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

// Both arms through the same door: the hash that decided names the unit, and a call that is handed
// from the fast path to the other is counted once.
TEST(Predict, ARolloutCountsBothArmsByTheirUnits) {
  World world({}, 0);
  world.RollOut(SplitUnit::kRoute);
  world.Publish({{"primary", VersionStatus::kPrimary}, {"canary", VersionStatus::kCanary}}, 5'000);
  std::uint64_t canary_calls = 0;
  int handed = 0;
  for (int i = 0; i < 40; ++i) {
    const std::string headers = fmt::format("X-Session-Id: s{}\r\n", i % 20);
    const net::Response response = world.Ask(R"({"rows": [[13]]})", headers);
    canary_calls += Header(response, "x-podium-canary") == "true" ? 1 : 0;
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
    World world({}, 0);
    if (is_rolled_out) world.RollOut(SplitUnit::kRequest);
    Placement slow{"2", VersionStatus::kCanary};
    slow.per_row = std::chrono::seconds(1);
    world.Publish({{"1", VersionStatus::kPrimary}, slow}, canary_bp);
    std::set<bool> ways;
    for (int i = 0; i < 40; ++i) {
      const net::Response response = world.Ask();
      if (i > 0 && Header(response, "x-podium-canary") == "false") {
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
  World world({{"v1", VersionStatus::kPrimary, true, microseconds(100)}});
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
  World world({{"v1", VersionStatus::kPrimary}});
  const std::string body = R"({"rows": [[1]]})";
  EXPECT_EQ(world.Ask(body, "", "/predict/unknown").status, 404);
  EXPECT_EQ(world.Ask(body, "", "/predict/").status, 404);
  EXPECT_EQ(world.Ask(body, "", "/predict/r/more").status, 404);
  const net::Response get = world.Ask("", "", "/predict/r", "GET");
  EXPECT_EQ(get.status, 405);
  EXPECT_EQ(Header(get, "Allow"), "POST");
  EXPECT_EQ(world.Ask(body, "Content-Type: text/csv\r\n").status, 415);
  EXPECT_EQ(world.Ask(body, "Content-Type: Application/JSON; charset=utf-8\r\n").status, 200);
  EXPECT_EQ(world.Ask(body, "X-Session-Id: " + std::string(256, 's') + "\r\n").status, 200);
  EXPECT_EQ(world.Ask(body, "X-Session-Id: " + std::string(257, 's') + "\r\n").status, 400);
}

TEST(Active, ShowsWhatACallerNeedsToRouteByItself) {
  World world({{"v1", VersionStatus::kPrimary}, {"v2", VersionStatus::kCanary}}, 1'250);
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

constexpr std::string_view kInferBody =
    R"({"inputs": [{"name": "x", "shape": [1, 1], "datatype": "FP32", "data": [1.5]}]})";

// The same life under another protocol: one choke point, so one set of rules.
TEST(Oip, GoesThroughTheSameLifeAsPredict) {
  World world({{"v1", VersionStatus::kPrimary}, {"v2", VersionStatus::kCanary}}, 10'000);
  const std::string_view path = "/v2/models/r/infer";
  EXPECT_EQ(world.Ask(kInferBody, "", path).status, 200);
  EXPECT_FALSE(world.answered_inline());  // No real row was measured yet.
  const net::Response response = world.Ask(kInferBody, "X-Request-Id: abc\r\n", path);
  EXPECT_TRUE(world.answered_inline());
  EXPECT_EQ(response.body,
            R"({"model_name":"r","model_version":"v2","outputs":[{"name":"y","datatype":"FP32",)"
            R"("shape":[1,1],"data":[1.5]}]})"
            "\n");
  EXPECT_EQ(Header(response, "x-request-id"), "abc");
  EXPECT_EQ(Header(response, "x-podium-reason"), "canary");
  EXPECT_EQ(Header(response, "x-podium-bucket"),
            Header(world.Ask(R"({"rows": [[1]]})", "X-Request-Id: abc\r\n"), "x-podium-bucket"));
  EXPECT_EQ(world.Stats("v2").canary.total(), 3U);
}

TEST(Oip, ErrorsAreItsOwnAndCountOnce) {
  World world({{"v1", VersionStatus::kPrimary}});
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
    EXPECT_NE(Header(response, "x-request-id"), "-");
    EXPECT_EQ(Header(response, "Allow") != "-", c.status == 405);
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
    World world({{"v1", VersionStatus::kPrimary},
                 {"v2", VersionStatus::kStandby},
                 {"v3", VersionStatus::kStandby, false}},
                0, c.token);
    const net::Response response =
        world.Ask(kInferBody, c.headers, fmt::format("/v2/models/r/versions/{}/infer", c.version));
    EXPECT_EQ(response.status, c.status) << response.body;
    if (c.status != 200) continue;
    EXPECT_EQ(Header(response, "x-podium-reason"), "override");
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
    World world({{"canary", VersionStatus::kCanary, c.canary_ready},
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
  World world({{"v1", VersionStatus::kPrimary}});
  EXPECT_EQ(world.Ask("", "", "/v2/health/ready", "GET").status, 200);
  world.set_ready(false);
  const net::Response response = world.Ask("", "", "/v2/health/ready", "GET");
  EXPECT_EQ(response.status, 503);
  EXPECT_EQ(Header(response, "Retry-After"), "1");
  EXPECT_EQ(world.Ask("", "", "/v2/health/live", "GET").status, 200);
}

predictions::LoggingPolicy LoggedWith(predictions::Payloads payloads) {
  predictions::LoggingPolicy logging;
  logging.all.log = true;
  logging.all.payloads = payloads;
  return logging;
}

// D5: what is logged is what was decided and what became of it, once per call, whichever path it
// took through the gateway.
TEST(PredictLog, EveryDecidedCallIsLoggedOnceWithItsFacts) {
  World world({{"canary", VersionStatus::kCanary, false}, {"primary", VersionStatus::kPrimary}},
              2'500, false, LoggedWith(predictions::Payloads::kAll));
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
    EXPECT_EQ(row.request_id, Header(response, "x-request-id"));
    EXPECT_EQ(row.route, "r");
    EXPECT_EQ(row.unit, session);
    EXPECT_EQ(row.unit_kind, UnitKind::kSession);
    EXPECT_EQ(row.assigned, canary ? "id-canary" : "id-primary");
    EXPECT_EQ(row.served, "id-primary");
    EXPECT_EQ(row.reason, canary ? "primary_fallback" : "assigned");
    EXPECT_EQ(row.propensity, canary ? 0.25 : 0.75);
    EXPECT_EQ(row.keep, 1);
    EXPECT_EQ(std::to_string(row.bucket), Header(response, "x-podium-bucket"));
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
  World world({{"v1", VersionStatus::kPrimary}}, 0, false,
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
  World world({{"v1", VersionStatus::kPrimary}}, 0, false, LoggedWith(predictions::Payloads::kAll));
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
  World world({{"v1", VersionStatus::kPrimary}}, 0, false, logging);
  EXPECT_EQ(world.Ask().status, 200);
  EXPECT_EQ(world.log().Take(), nullptr);
}

}  // namespace
}  // namespace podium::gateway
