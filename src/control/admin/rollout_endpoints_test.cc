// The paths to rollouts, over a registry in memory: what each verb brings about, and what it says.
#include <gtest/gtest.h>

#include <fstream>
#include <memory>
#include <string>
#include <utility>

#include "base/rng.h"
#include "control/admin/admin_api.h"
#include "net/answer_fixture.h"
#include "net/memory_exchange.h"
#include "store/memory_store.h"
#include "testing/silent_model.h"
#include "testing/sim_clock.h"
#include "testing/temp_dir.h"

namespace podium::control {
namespace {

using podium::testing::SilentModel;

class QuietLoader final : public runtime::ModelLoader {
 public:
  Result<ModelHandle> Load(const std::filesystem::path&, const std::string&) override {
    return ModelHandle(std::make_shared<SilentModel>());
  }
};

/// Shows the names of the routes alone.
class EmptyPublisher final : public view::PublishPort {
 public:
  Status PublishAtLeast(Revision) override { return {}; }
  void KeepUntilRead(std::vector<ModelHandle>, Revision) override {}
  view::PublishState state() const override {
    view::PublishState state;
    state.view = view::ViewCell().Pin();
    return state;
  }
};

/// Route "r" with the primary r-1; r-2 stands by.
class RolloutPaths : public ::testing::Test {
 protected:
  RolloutPaths() {
    for (const char* id : {"r-1", "r-2"}) {
      std::ofstream(directory_ / id) << id;
      ModelVersion row;
      row.model_id = ModelId(id);
      row.route = RouteName("r");
      row.version = std::string(id).substr(2);
      row.provider_key = kLocalProvider;
      row.artifact_uri = std::string("file:") + id;
      row.format = "onnx";
      row.load = LoadPolicy::kLazy;
      EXPECT_TRUE(store_.Apply(store::RegisterVersion{row}, {}));
    }
    EXPECT_TRUE(store_.Apply(store::ActivateVersion{ModelId("r-1")}, {}));
    context_.rollouts = &store_;
  }
  ~RolloutPaths() override { pools_.Stop(); }

  net::Response Ask(std::string_view method, const std::string& target,
                    const std::string& body = "", const std::string& headers = "") {
    std::string head = headers;
    if (!body.empty()) head += "Content-Type: application/json\r\n";
    net::MemoryExchange exchange(net::MemoryExchange::Text(method, target, body, head));
    AdminApi api(context_);  // Its paths depend on the context.
    return net::AnswerOf(api, exchange);
  }
  Json Start(const std::string& more = "") {
    const net::Response answer =
        Ask("POST", "/api/v1/routes/r/rollouts",
            R"({"candidate": "2", "unit": "request", "steps": [{"share_pct": 5, "gate": true},)"
            R"({"share_pct": 25}])" +
                more + "}");
    EXPECT_EQ(answer.status, 201) << answer.body;
    return *ParseJson(answer.body);
  }
  net::Response Move(const Json& rollout, const std::string& verb, const std::string& body = "{}",
                     const std::string& headers = "") {
    return Ask("POST", "/api/v1/routes/r/rollouts/" + rollout["id"].get<std::string>() + "/" + verb,
               body, headers);
  }
  ModelVersion Row(const char* id) { return *store_.FindVersion(ModelId(id)); }

  podium::testing::TempDir directory_;
  podium::testing::SimClock clock_;
  SeededRng rng_{1};
  store::MemoryStore store_{clock_, rng_};
  EmptyPublisher publisher_;
  view::StatsRegistry stats_{1};
  runtime::ModelRuntime runtime_{{directory_ / "cache",
                                  {directory_.path()},
                                  1,
                                  std::chrono::seconds(5),
                                  std::chrono::seconds(300)},
                                 clock_,
                                 std::make_shared<QuietLoader>(),
                                 {}};
  const auth::Authenticator authenticator_ = auth::Authenticator::LocalOnly();
  ControlPools pools_;
  const view::RecentRequests recent_{1,
                                     [](std::size_t, const std::function<void()>& job) { job(); }};
  AdminContext context_{store_,  runtime_, publisher_, stats_, authenticator_, clock_, rng_, pools_,
                        recent_, {},       {},         {}};
};

constexpr const char* kAlice = "X-Podium-Actor: alice\r\n";

TEST_F(RolloutPaths, StartLookStepAndPromote) {
  const Json begun = Start(R"(, "reason": "weekly")");
  EXPECT_EQ(begun["phase"], "running");
  EXPECT_EQ(begun["candidate"], "r-2");
  EXPECT_EQ(begun["traffic_pct"], 5.0);
  EXPECT_EQ(begun["gate"], "closed");
  EXPECT_EQ(begun["change"]["kind"], "ramp");
  EXPECT_FALSE(begun["outlook"]["warnings"].empty()) << "nothing is known of the primary";
  EXPECT_EQ(Row("r-2").status, VersionStatus::kCanary);

  const std::string id = begun["id"];
  const net::Response shown = Ask("GET", "/api/v1/rollouts/" + id);
  EXPECT_EQ(shown.status, 200);
  EXPECT_EQ((*ParseJson(shown.body))["id"], id);
  EXPECT_EQ(Ask("GET", "/api/v1/routes/r/rollouts/" + id + "/verdicts").status, 200);
  EXPECT_EQ((*ParseJson(Ask("GET", "/api/v1/rollouts").body))["items"].size(), 1U);

  EXPECT_EQ((*ParseJson(Move(begun, "step").body))["gate"], "open");
  const Json stepped = *ParseJson(Move(begun, "step").body);
  EXPECT_EQ(stepped["step"], 2);
  EXPECT_EQ(stepped["traffic_pct"], 25.0);
  EXPECT_EQ(Move(begun, "step").status, 422) << "there is no third one";
  EXPECT_EQ(Move(begun, "promote").status, 422) << "INV-12: nobody is named, nothing is proven";
  const net::Response promoted = Move(begun, "promote", "{}", kAlice);
  EXPECT_EQ(promoted.status, 200) << promoted.body;
  EXPECT_EQ(Row("r-2").status, VersionStatus::kPrimary);
  EXPECT_EQ((*ParseJson(Ask("GET", "/api/v1/rollouts").body))["items"].size(), 0U);
  EXPECT_EQ((*ParseJson(Ask("GET", "/api/v1/rollouts?all=true").body))["items"].size(), 1U);
  EXPECT_EQ(context_.ended_rollouts.promoted, 1U);
}

TEST_F(RolloutPaths, PauseShareAndAbort) {
  const Json begun = Start();
  const Json paused = *ParseJson(Move(begun, "pause", R"({"reason": "lunch"})", kAlice).body);
  EXPECT_EQ(paused["phase"], "paused");
  EXPECT_NE(paused["said"].get<std::string>().find("alice: lunch"), std::string::npos) << paused;
  EXPECT_EQ((*ParseJson(Move(begun, "share", R"({"traffic_pct": 2.5})").body))["traffic_pct"], 2.5);
  EXPECT_EQ(Move(begun, "share", R"({"traffic_pct": 26})").status, 422);
  EXPECT_EQ(Move(begun, "share").status, 400);
  EXPECT_EQ((*ParseJson(Move(begun, "resume").body))["phase"], "running");
  EXPECT_EQ((*ParseJson(Move(begun, "abort").body))["phase"], "aborted");
  EXPECT_EQ(Row("r-2").status, VersionStatus::kStandby);
  const net::Response late = Move(begun, "promote", "{}", kAlice);
  EXPECT_EQ(late.status, 409);
  EXPECT_NE(late.body.find("aborted"), std::string::npos) << late.body;
}

// A dry run says what a start would meet, and leaves the registry as it is.
TEST_F(RolloutPaths, ADryRunChangesNothing) {
  const std::string target = "/api/v1/routes/r/rollouts?dry_run=true";
  const Revision before = *store_.ReadRevision();
  Json seen = *ParseJson(Ask("POST", target, R"({"candidate": "2"})").body);
  EXPECT_EQ(seen["would_start"], true) << seen;
  EXPECT_EQ(seen["attempt"], 1);
  EXPECT_EQ(*store_.ReadRevision(), before);
  const Json begun = Start();
  seen = *ParseJson(Ask("POST", target, R"({"candidate": "2"})").body);
  EXPECT_EQ(seen["would_start"], false);
  EXPECT_EQ(seen["objections"][0]["code"], "conflict");
  EXPECT_EQ(seen["attempt"], 2);
  EXPECT_EQ(Ask("POST", target, R"({"candidate": "9"})").status, 404);
  EXPECT_EQ(Ask("POST", "/api/v1/routes/r/rollouts?dry_run=x", R"({"candidate": "2"})").status,
            400);
}

// The tag is the rollout's own: a change elsewhere on the route does not spend it.
TEST_F(RolloutPaths, IfMatchIsTheRolloutsTag) {
  const Json begun = Start();
  const std::string tag = "If-Match: \"" + std::to_string(begun["revision"].get<int>()) + "\"\r\n";
  const net::Response stale = Move(begun, "pause", "{}", "If-Match: \"1\"\r\n");
  EXPECT_EQ(stale.status, 412) << stale.body;
  EXPECT_EQ((*ParseJson(stale.body))["current"]["id"], begun["id"]);
  EXPECT_EQ(Move(begun, "pause", "{}", tag).status, 200);
  EXPECT_EQ(Move(begun, "resume", "{}", tag).status, 412);
}

TEST_F(RolloutPaths, WhatIsNotThere) {
  const Json begun = Start();
  EXPECT_EQ(Ask("GET", "/api/v1/rollouts/none").status, 404);
  EXPECT_EQ(Ask("GET", "/api/v1/routes/other/rollouts/" + begun["id"].get<std::string>()).status,
            404);
  EXPECT_EQ(Ask("POST", "/api/v1/routes/r/rollouts/none/abort", "{}").status, 404);
  EXPECT_EQ(Ask("POST", "/api/v1/routes/nowhere/rollouts", R"({"candidate": "2"})").status, 404);
  EXPECT_EQ(Move(begun, "abort", "{}", "").status, 200);
  EXPECT_EQ(Ask("POST", "/api/v1/routes/r/rollouts", R"({"candidate": "1"})").status, 400);
}

// INV-12: a look may speak for the candidate of an earlier part, or of a wider margin.
TEST_F(RolloutPaths, PromotesByTheLatestVerdictAtTheLastStepOnly) {
  const Json begun = Start(R"(, "promote_at_end": true)");
  const RolloutId id(begun["id"].get<std::string>());
  const auto keep = [&](const char* decision) {
    clock_.Advance(std::chrono::seconds(1));
    store::RolloutVerdict look;
    look.rollout = id;
    look.decision = decision;
    look.evidence = look.verdict = "{}";
    ASSERT_TRUE(store_.KeepLook(look));
  };
  keep("step-up");
  EXPECT_EQ(Move(begun, "promote").status, 422) << "this allows the second step";
  EXPECT_EQ(Move(begun, "step").status, 200);
  clock_.Advance(std::chrono::seconds(1));
  EXPECT_EQ(Move(begun, "step").status, 200);
  EXPECT_EQ(Move(begun, "promote").status, 422) << "that look was of the first step";
  keep("hold");
  EXPECT_EQ(Move(begun, "promote").status, 422);
  keep("step-up");
  const net::Response promoted = Move(begun, "promote");
  EXPECT_EQ(promoted.status, 200) << promoted.body;
}

}  // namespace
}  // namespace podium::control
