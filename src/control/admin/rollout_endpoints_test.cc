// The paths to rollouts, over a registry in memory: what each verb brings about, and what it says.
#include <gtest/gtest.h>

#include <fstream>
#include <memory>
#include <string>
#include <utility>

#include "base/rng.h"
#include "control/admin/admin_api.h"
#include "control/admin/rollout_reports.h"
#include "net/answer_fixture.h"
#include "net/memory_exchange.h"
#include "rollout/evidence.h"
#include "store/memory_replica_store.h"
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

// Who drives it is shown by every replica, not by the driver's alone.
TEST_F(RolloutPaths, SaysWhoDrivesWhoeverIsAsked) {
  const Json begun = Start();
  const std::string id = begun["id"];
  const auto driver = [&] {
    return (*ParseJson(Ask("GET", "/api/v1/rollouts/" + id).body))["driver"];
  };
  EXPECT_TRUE(driver().is_null());
  ASSERT_TRUE(store_.TakeLease(RolloutId(id), "life-7", std::chrono::seconds(10)));
  EXPECT_EQ(driver(), "life-7") << "nobody knows its name any more";
  store::ReplicaIdentity self;
  self.id = "pod-b";
  self.incarnation = "life-7";
  store::MemoryReplicaStore replicas(clock_);
  ASSERT_TRUE(replicas.Join(self));
  context_.replicas = &replicas;
  EXPECT_EQ(driver(), "pod-b");
  EXPECT_EQ((*ParseJson(Ask("GET", "/api/v1/rollouts").body))["items"][0]["driver"], "pod-b");
  clock_.Advance(std::chrono::seconds(10));
  EXPECT_TRUE(driver().is_null()) << "its lease has run out";
}

// --- Custom metrics ---

class ReportPaths : public RolloutPaths {
 protected:
  ReportPaths() {
    begun_ = Start(R"(, "guards": [{"metric": "error_rate"},)"
                   R"( {"metric": "custom", "name": "refunded", "bad_above": 0},)"
                   R"( {"metric": "custom", "name": "judge", "bad_below": 0.5}])");
    id_ = begun_["id"];
  }
  std::string Item(char arm, std::uint64_t unit, const std::string& metric,
                   const std::string& value) {
    const std::string ticket =
        ToText({RolloutId(id_), 0, arm == 'c', unit, static_cast<std::uint32_t>(unit % 3)});
    return fmt::format(R"({{"ticket": "{}", "metric": "{}", "value": {}}})", ticket, metric, value);
  }
  net::Response Report(const std::string& items) {
    return Move(begun_, "metrics", R"({"items": [)" + items + "]}");
  }
  std::vector<store::RolloutHit> Hits() { return store_.ReadEvidence(RolloutId(id_))->hits; }

  Json begun_;
  std::string id_;
};

// A value counts by the arm and the epoch of its ticket, each unit once, and only if it is bad.
TEST_F(ReportPaths, BadValuesBecomeEvidence) {
  const std::string items = Item('c', 7, "refunded", "1") + "," + Item('p', 9, "refunded", "true") +
                            "," + Item('p', 10, "refunded", "0") + "," +
                            Item('c', 8, "judge", "0.49") + "," + Item('c', 9, "judge", "0.5");
  const net::Response answer = Report(items);
  ASSERT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(answer.body,
            R"({"bad":3,"good":2,"of_other_rollouts":0,"over_the_limit":0,"ended":false})"
            "\n");
  ASSERT_EQ(Report(items).status, 200) << "sent again";
  const std::vector<store::RolloutHit> hits = Hits();
  ASSERT_EQ(hits.size(), 3U);
  EXPECT_EQ(hits[0].series, kRolloutSeries);
  EXPECT_EQ(hits[0].unit, 7U);
  EXPECT_TRUE(hits[0].canary);
  EXPECT_EQ(hits[0].first_rank, 1U);
  EXPECT_EQ(hits[1].unit, 9U);
  EXPECT_FALSE(hits[1].canary);
  EXPECT_EQ(hits[2].series, kRolloutSeries + 1);
  EXPECT_EQ(hits[2].unit, 8U);
}

// What cannot be right is refused whole, and says where: half a batch would be sent again.
TEST_F(ReportPaths, RefusesWhatCannotBeRight) {
  const std::string good = Item('c', 7, "refunded", "1");
  struct Case {
    std::string items;
    int status;
    std::string says;
  };
  const Case cases[] = {
      {"", 400, "one at least"},
      {good + "," + Item('c', 7, "latency", "1"), 400,
       "item 2: no guard of rollout " + id_ +
           " is about \\\"latency\\\": it guards refunded, judge"},
      {Item('c', 7, "refunded", "\"yes\""), 400, "value"},
      {Item('c', 7, "refunded", "null"), 400, "value"},
      {R"({"ticket": "abc", "metric": "refunded", "value": 1})", 400, "x-podium-ticket"},
      {R"({"metric": "refunded", "value": 1})", 400, "ticket"},
      {good + R"(,{"ticket": ")" + id_ +
           R"(.1.c.0000000000000007.0", "metric": "refunded", "value": 1})",
       400, "has had no part 1"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.items);
    const net::Response answer = Report(c.items);
    EXPECT_EQ(answer.status, c.status);
    EXPECT_NE(answer.body.find(c.says), std::string::npos) << answer.body;
  }
  EXPECT_TRUE(Hits().empty());
  std::string many;
  for (std::size_t i = 0; i < limits::kMaxReports; ++i) many += (i == 0 ? "" : ",") + good;
  EXPECT_EQ(Report(many).status, 200);
  EXPECT_EQ(Report(many + "," + good).status, 413);
}

// Callers have tickets of rollouts that are over: these are told of, and nothing else is wrong.
TEST_F(ReportPaths, PassesOverWhatIsOver) {
  const std::string other =
      R"({"ticket": "r-0.0.c.0000000000000007.0", "metric": "x", "value": 1})";
  EXPECT_NE(Report(other).body.find(R"("of_other_rollouts":1)"), std::string::npos);
  ASSERT_EQ(Move(begun_, "abort").status, 200);
  const net::Response late = Report(Item('c', 7, "refunded", "1"));
  EXPECT_EQ(late.status, 200);
  EXPECT_NE(late.body.find(R"("ended":true)"), std::string::npos);
  EXPECT_TRUE(Hits().empty());
  EXPECT_EQ(Ask("POST", "/api/v1/routes/r/rollouts/none/metrics", R"({"items": []})").status, 400);
  EXPECT_EQ(
      Ask("POST", "/api/v1/routes/r/rollouts/none/metrics", R"({"items": [)" + other + "]}").status,
      404);
}

// A limit on what one epoch keeps, and the rest of the batch is taken all the same.
TEST_F(ReportPaths, AnEpochKeepsSoManyUnitsAndNoMore) {
  std::vector<store::RolloutHit> hits(limits::kMaxReportedUnits);
  for (std::size_t i = 0; i < hits.size(); ++i) {
    hits[i].rollout = RolloutId(id_);
    hits[i].series = kRolloutSeries;
    hits[i].unit = i;
    hits[i].incarnation = "reports";
  }
  ASSERT_TRUE(store_.RecordEvidence({}, std::span(hits).first(hits.size() - 1)));
  EXPECT_NE(Report(Item('c', 1'000'000, "refunded", "1")).body.find(R"("bad":1,)"),
            std::string::npos);
  const net::Response full =
      Report(Item('c', 1'000'001, "refunded", "1") + "," + Item('c', 5, "judge", "0"));
  EXPECT_NE(full.body.find(R"("over_the_limit":1)"), std::string::npos) << full.body;
  EXPECT_NE(full.body.find(R"("bad":1,)"), std::string::npos);
}

// --- Verdicts ---

class VerdictPaths : public RolloutPaths {
 protected:
  VerdictPaths() : id_(begun_["id"].get<std::string>()) {}

  Rollout Row() { return *store_.FindRollout(id_); }
  /// Evidence of so many epochs, in which nothing was counted.
  static std::string EvidenceOf(std::size_t epochs) {
    rollout::Evidence evidence;
    evidence.steps.resize(epochs, {*BasisPoints::From(500), 0.05, 0, 0});
    std::string text = rollout::ToJson(evidence);
    EXPECT_TRUE(rollout::ParseEvidence(text)) << text;
    return text;
  }
  void Keep(const char* decision, std::size_t epochs) {
    clock_.Advance(std::chrono::seconds(1));
    store::RolloutVerdict look;
    look.rollout = id_;
    look.decision = decision;
    look.evidence = EvidenceOf(epochs);
    look.verdict = "{}";
    ASSERT_TRUE(store_.KeepLook(look, {0, Row().revision}));
  }
  /// What a driver does: the verdict of the step before is kept with the step up.
  void StepUpByVerdict() {
    store::MoveRollout up;
    up.route = RouteName("r");
    up.id = id_;
    up.move = store::RolloutMove::kEpoch;
    up.epoch = Row().epochs.back();
    up.epoch->step = 1;
    up.epoch->share = Row().plan.steps[1].share;
    up.proof = {"step-up", EvidenceOf(1), "{}", clock_.Now()};
    ASSERT_TRUE(store_.Apply(up, {}));
  }
  Json Shown() { return *ParseJson(Ask("GET", "/api/v1/rollouts/" + id_.get()).body); }

  Json begun_ = Start(R"(, "promote_at_end": true)");
  RolloutId id_;
};

// INV-12: a look may speak for the candidate of an earlier part, or of a wider margin.
TEST_F(VerdictPaths, PromotesByTheLatestVerdictAtTheLastStepOnly) {
  Keep("step-up", 1);
  EXPECT_EQ(Move(begun_, "promote").status, 422) << "this allows the second step";
  EXPECT_EQ(Move(begun_, "step").status, 200);
  clock_.Advance(std::chrono::seconds(1));
  EXPECT_EQ(Move(begun_, "step").status, 200);
  EXPECT_EQ(Move(begun_, "promote").status, 422) << "that look was of the first step";
  Keep("hold", 2);
  EXPECT_EQ(Move(begun_, "promote").status, 422);
  Keep("step-up", 2);
  const net::Response promoted = Move(begun_, "promote");
  EXPECT_EQ(promoted.status, 200) << promoted.body;
}

// INV-12: the verdict that led to the last share says nothing of it, though it has the very time
// at which that share began.
TEST_F(VerdictPaths, Inv12TheVerdictOfTheLastStepUpPromotesNobody) {
  StepUpByVerdict();
  ASSERT_EQ(Row().share(), Row().plan.steps.back().share);
  const net::Response refused = Move(begun_, "promote");
  EXPECT_EQ(refused.status, 422) << refused.body;
  EXPECT_EQ(Row().phase, RolloutPhase::kRunning);
}

// INV-12: a clock that is set back makes a look of before the step newer than the step.
TEST_F(VerdictPaths, Inv12ALookOfTheStepBeforePromotesNobodyWhateverItsTime) {
  clock_.Advance(std::chrono::hours(1));
  Keep("step-up", 1);
  clock_.SetWall(clock_.Now() - std::chrono::hours(1));
  EXPECT_EQ(Move(begun_, "step").status, 200);
  EXPECT_EQ(Move(begun_, "step").status, 200);
  EXPECT_EQ(Move(begun_, "promote").status, 422);
}

// What was decided before the clock was set back is not shown for as long as the clock lags.
TEST_F(VerdictPaths, ALookAtThePresentShareIsNewerThanTheStepThatLedToIt) {
  clock_.Advance(std::chrono::hours(1));
  StepUpByVerdict();
  EXPECT_EQ(Shown()["decision"], "step-up");
  clock_.SetWall(clock_.Now() - std::chrono::hours(1));
  Keep("hold", 2);
  EXPECT_EQ(Shown()["decision"], "hold");
  EXPECT_EQ((*ParseJson(Ask("GET", "/api/v1/rollouts").body))["items"][0]["decision"], "hold");
  EXPECT_EQ(Move(begun_, "promote").status, 422);
  Keep("step-up", 2);
  EXPECT_EQ(Move(begun_, "promote").status, 200);
}

// Evidence is long: who asks for all of it gets it in pieces.
TEST_F(VerdictPaths, VerdictsComeInPages) {
  Keep("hold", 1);
  StepUpByVerdict();
  const std::string target = "/api/v1/routes/r/rollouts/" + id_.get() + "/verdicts";
  const Json whole = *ParseJson(Ask("GET", target).body);
  EXPECT_EQ(whole["items"].size(), 2U);
  EXPECT_TRUE(whole["next_cursor"].is_null());
  const Json first = *ParseJson(Ask("GET", target + "?limit=1").body);
  EXPECT_EQ(first["items"], Json::array({whole["items"][0]}));
  const std::string cursor = first["next_cursor"];
  const Json second = *ParseJson(Ask("GET", target + "?limit=1&cursor=" + cursor).body);
  EXPECT_EQ(second["items"], Json::array({whole["items"][1]}));
  EXPECT_TRUE(second["next_cursor"].is_null());
  EXPECT_EQ(Ask("GET", target + "?cursor=7").status, 400);
}

}  // namespace
}  // namespace podium::control
