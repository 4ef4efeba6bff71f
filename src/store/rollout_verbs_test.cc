// Rollouts as verbs, decided without any store: what starts, moves and ends one, and what nobody
// may do beside one that runs.
#include "store/rollout_verbs.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "base/limits.h"

namespace podium::store {
namespace {

const RouteName kShop("shop");
const RolloutId kFirst("r1");

BasisPoints Bp(int share) { return *BasisPoints::From(share); }

ModelVersion ShopVersion(const char* id, VersionStatus status, int share = 0) {
  ModelVersion row;
  row.model_id = ModelId(id);
  row.route = kShop;
  row.version = id;
  row.provider_key = "local";
  row.status = status;
  row.share = Bp(share);
  return row;
}

Stamp ShopStamp() {
  return {Revision(70), WallTime(std::chrono::seconds(9)), ModelId("fresh"), "route-salt",
          "new-salt",   RolloutId("fresh-rollout")};
}

/// `p` is primary, `c` waits to be the candidate, `s` is a shadow; `named` is one of them.
RouteSnapshot Shop(const char* named = "c") {
  RouteSnapshot state;
  state.route = Route();
  state.route->name = kShop;
  state.route->primary_since = Revision(3);
  state.versions = {ShopVersion("p", VersionStatus::kPrimary),
                    ShopVersion("c", VersionStatus::kStandby),
                    ShopVersion("s", VersionStatus::kShadow)};
  for (const ModelVersion& row : state.versions) {
    if (row.model_id == ModelId(named)) state.named = row;
  }
  return state;
}

Rollout Running() {
  Rollout rollout;
  rollout.id = kFirst;
  rollout.route = kShop;
  rollout.candidate = ModelId("c");
  rollout.primary = ModelId("p");
  rollout.plan = DefaultPlan();
  rollout.epochs.resize(1);
  rollout.epochs[0].share = Bp(100);
  rollout.revision = Revision(41);
  rollout.said = "ann started it";
  return rollout;
}

/// The rollout of `c` runs at 1 %, as every part of the rows says.
RouteSnapshot Rolling(const Rollout& rollout = Running(), const char* named = "") {
  RouteSnapshot state = Shop(named);
  state.versions[1] = ShopVersion("c", VersionStatus::kCanary, rollout.share().value());
  if (state.named && state.named->model_id == ModelId("c")) state.named = state.versions[1];
  state.route->canary_salt = "old-salt";
  state.route->rollout = MarkOf(rollout);
  state.rollout = rollout;
  state.named_rollout = rollout;
  state.lease_token = 5;
  state.verdicts = 2;
  return state;
}

StartRollout StartOf(const char* candidate = "c") {
  return {kShop, ModelId(candidate), DefaultPlan(), {}};
}

MoveRollout MoveTo(RolloutMove move) {
  MoveRollout verb;
  verb.route = kShop;
  verb.id = kFirst;
  verb.move = move;
  return verb;
}

MoveRollout EpochAt(std::uint32_t step, int share) {
  MoveRollout verb = MoveTo(RolloutMove::kEpoch);
  verb.epoch = RolloutEpoch();
  verb.epoch->step = step;
  verb.epoch->share = Bp(share);
  return verb;
}

MoveRollout Driven(MoveRollout verb) {
  verb.token = 5;
  verb.seen = Revision(41);
  verb.said = "the verdict";
  return verb;
}

MoveRollout Proven(MoveRollout verb, const char* decision = "step-up") {
  verb.proof = RolloutProof{decision, R"({"steps":[]})", R"({"decision":"x"})"};
  return verb;
}

MutationContext Ann() {
  MutationContext context;
  context.actor = "ann";
  context.named_person = true;
  return context;
}

Result<Changes> Ask(const RouteSnapshot& state, const Mutation& mutation,
                    const MutationContext& context = {}) {
  return Decide(state, mutation, context, ShopStamp());
}

std::string Slug(const Result<Changes>& changes) {
  if (!changes) return std::string(TraitsOf(changes.error().code).slug);
  return changes->changed ? "done" : "unchanged";
}

/// "p=shadow c=primary": the rows that are written.
std::string Rows(const Changes& changes) {
  std::string text;
  for (const ModelVersion& row : changes.versions) {
    text += fmt::format("{}{}={}", text.empty() ? "" : " ", row.model_id.get(), NameOf(row.status));
    if (row.status == VersionStatus::kCanary) text += fmt::format("@{}", row.share.value());
  }
  return text;
}

Json Told(const Changes& changes) {
  return ParseJson(changes.audit.evidence).value_or(Json::object())["rollout"];
}

// --- Starting ---

TEST(StartRollout, MakesTheCandidateTheCanaryInOneTransaction) {
  StartRollout verb = StartOf();
  verb.first.thresholds.latency_ms[2] = 250;
  verb.first.units_before = 1000;
  verb.first.step = 3;            // It begins at the first step whatever is said of it.
  verb.first.share = Bp(10'000);  // With that step's share.
  MutationContext context = Ann();
  context.reason = "new weights";
  const Result<Changes> changes = Ask(Shop(), verb, context);
  ASSERT_TRUE(changes) << Describe(changes.error());
  EXPECT_EQ(Rows(*changes), "c=canary@100");
  EXPECT_EQ(changes->route.canary_salt, "new-salt");
  EXPECT_EQ(changes->route.revision, ShopStamp().revision);
  ASSERT_TRUE(changes->rollout);
  const Rollout& rollout = *changes->rollout;
  EXPECT_EQ(rollout.id, RolloutId("fresh-rollout"));
  EXPECT_EQ(rollout.route, kShop);
  EXPECT_EQ(rollout.candidate, ModelId("c"));
  EXPECT_EQ(rollout.primary, ModelId("p"));
  EXPECT_EQ(rollout.attempt, 1);
  EXPECT_EQ(rollout.phase, RolloutPhase::kRunning);
  EXPECT_EQ(rollout.plan, DefaultPlan());
  ASSERT_EQ(rollout.epochs.size(), 1u);
  EXPECT_EQ(rollout.epochs[0].step, 0u);
  EXPECT_EQ(rollout.epochs[0].share, Bp(100));
  EXPECT_EQ(rollout.epochs[0].began_at, ShopStamp().now);
  EXPECT_EQ(rollout.epochs[0].units_before, 1000u);
  EXPECT_EQ(rollout.started_at, ShopStamp().now);
  EXPECT_EQ(rollout.step_entered_at, ShopStamp().now);
  EXPECT_EQ(rollout.ended_at, WallTime());
  EXPECT_EQ(rollout.started_by, "ann");
  EXPECT_EQ(rollout.said, "ann started it at 1 %: new weights");
  EXPECT_EQ(rollout.revision, ShopStamp().revision);
  EXPECT_EQ(changes->route.rollout, MarkOf(rollout));
  EXPECT_EQ(changes->route.rollout->thresholds.latency_ms[2], 250);
  EXPECT_EQ(changes->artifact, "version:c");
  EXPECT_EQ(changes->event, "podium.rollout.started");
  EXPECT_EQ(changes->audit.kind, PromotionKind::kRamp);
  EXPECT_EQ(changes->audit.to, ModelId("c"));
  EXPECT_EQ(changes->audit.share_after, Bp(100));
  EXPECT_EQ(changes->audit.reason, "new weights");
  EXPECT_EQ(Told(*changes)["id"], "fresh-rollout");
  EXPECT_EQ(Told(*changes)["move"], "start");
  EXPECT_NE(changes->audit.evidence.find(R"("canary_salt":"new-salt")"), std::string::npos);
}

TEST(StartRollout, IsRefusedWhereItCannotBeJudged) {
  using Change = std::function<void(RouteSnapshot&, StartRollout&)>;
  struct Case {
    const char* name;
    Change change;
    const char* want;
    const char* says;
  };
  const auto as = [](VersionStatus status, int share = 0) {
    return [=](RouteSnapshot& state, StartRollout&) {
      state.versions[1] = ShopVersion("c", status, share);
    };
  };
  const auto canary_is_s = [](int share) {
    return [=](RouteSnapshot& state, StartRollout&) {
      state.versions[2] = ShopVersion("s", VersionStatus::kCanary, share);
      state.route->canary_salt = "old-salt";
    };
  };
  const Case cases[] = {
      {"standby", as(VersionStatus::kStandby), "done", ""},
      {"shadow", as(VersionStatus::kShadow), "done", ""},
      {"canary without a share", as(VersionStatus::kCanary), "done", ""},
      {"canary with a share", as(VersionStatus::kCanary, 500), "done", ""},
      {"another canary without a share", canary_is_s(0), "done", ""},
      {"another canary with a share", canary_is_s(500), "conflict",
       "s is canary of route shop with 5 %"},
      {"retired", as(VersionStatus::kRetired), "invalid_argument", "c is retired"},
      {"arm", as(VersionStatus::kArm), "invalid_argument", "end the split first"},
      {"primary",
       [](RouteSnapshot& state, StartRollout& verb) {
         verb.candidate = ModelId("p");
         state.named = state.versions[0];
       },
       "invalid_argument", "p is the primary of route shop already"},
      {"nobody's", [](RouteSnapshot&, StartRollout& verb) { verb.candidate = ModelId("x"); },
       "not_found", "route shop has no version x"},
      {"no route", [](RouteSnapshot& state, StartRollout&) { state = {}; }, "not_found",
       "there is no route shop"},
      {"no primary",
       [](RouteSnapshot& state, StartRollout&) {
         state.versions[0].status = VersionStatus::kStandby;
       },
       "conflict", "has no primary"},
      {"a split",
       [](RouteSnapshot& state, StartRollout&) {
         state.route->policy = RoutePolicy::kAb;
         state.route->arms = {{ModelId("s"), 0, Bp(100)}};
       },
       "conflict", "end the split before a rollout"},
      {"a challenger under test",
       [](RouteSnapshot& state, StartRollout&) {
         state.route->challenger = ChallengerPlan();
         state.route->challenger->challenger = ModelId("s");
         state.route->challenger->testing = true;
       },
       "conflict", "challenger s of route shop answers some of the primary's calls"},
      {"a challenger whose test is off",
       [](RouteSnapshot& state, StartRollout&) {
         state.route->challenger = ChallengerPlan();
         state.route->challenger->challenger = ModelId("s");
       },
       "done", ""},
      {"a bad plan", [](RouteSnapshot&, StartRollout& verb) { verb.plan.steps.clear(); },
       "invalid_argument", "a plan has 1 to"},
      {"one that runs",
       [](RouteSnapshot& state, StartRollout&) { state = Rolling(Running(), "s"); }, "conflict",
       "rollout r1 of version c runs on route shop: one at a time"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    RouteSnapshot state = Shop();
    StartRollout verb = StartOf();
    c.change(state, verb);
    const Result<Changes> changes = Ask(state, verb);
    EXPECT_EQ(Slug(changes), c.want) << (changes ? "" : Describe(changes.error()));
    if (!changes) {
      EXPECT_NE(changes.error().message.find(c.says), std::string::npos) << changes.error().message;
    }
  }
}

// Coins of an earlier canary would make its users this rollout's sample.
TEST(StartRollout, ThrowsCoinsOfItsOwn) {
  RouteSnapshot own = Shop();
  own.versions[1] = ShopVersion("c", VersionStatus::kCanary, 500);
  own.route->canary_salt = "old-salt";
  const Result<Changes> changes = Ask(own, StartOf());
  ASSERT_TRUE(changes);
  EXPECT_EQ(Rows(*changes), "c=canary@100");
  EXPECT_EQ(changes->route.canary_salt, "new-salt");
  EXPECT_EQ(changes->audit.share_before, Bp(500));

  RouteSnapshot others = Shop();
  others.versions[2] = ShopVersion("s", VersionStatus::kCanary);
  others.route->canary_salt = "old-salt";
  const Result<Changes> taken = Ask(others, StartOf());
  ASSERT_TRUE(taken);
  EXPECT_EQ(Rows(*taken), "s=standby c=canary@100");
  EXPECT_EQ(taken->route.canary_salt, "new-salt");
  EXPECT_EQ(taken->audit.from, ModelId("s"));
}

TEST(StartRollout, CountsTheAttempts) {
  RouteSnapshot state = Shop();
  state.earlier_attempts = 4;
  const Result<Changes> changes = Ask(state, StartOf());
  ASSERT_TRUE(changes);
  EXPECT_EQ(changes->rollout->attempt, 5);
  EXPECT_TRUE(SubjectOf(StartOf()).attempts);
}

// What is tried again under another name must not get a fresh alpha.
TEST(StartRollout, TheSameArtifactIsTheSameAttempt) {
  ModelVersion row = ShopVersion("c", VersionStatus::kStandby);
  EXPECT_EQ(ArtifactOf(row), "version:c");
  row.provider_key = "openai";
  row.upstream_model = "gpt-x";
  EXPECT_EQ(ArtifactOf(row), "upstream:openai/gpt-x");
  row.artifact_sha256 = std::string(64, 'a');
  EXPECT_EQ(ArtifactOf(row), "sha256:" + std::string(64, 'a'));
}

ModelVersion WithColumns(ModelVersion row, int columns) {
  row.signature = fmt::format(R"({{"inputs":[{{"name":"x","datatype":"FP32","shape":[-1,{}]}}],)"
                              R"("outputs":[{{"name":"y","datatype":"FP32","shape":[-1]}}]}})",
                              columns);
  return row;
}

TEST(StartRollout, TheSignatureGateStandsBeforeIt) {
  RouteSnapshot state = Shop();
  state.versions[0] = WithColumns(state.versions[0], 4);
  state.versions[1] = WithColumns(state.versions[1], 5);
  EXPECT_EQ(Slug(Ask(state, StartOf())), "conflict");
  MutationContext force = Ann();
  force.force = true;
  const Result<Changes> forced = Ask(state, StartOf(), force);
  ASSERT_TRUE(forced) << Describe(forced.error());
  ASSERT_EQ(forced->signatures.size(), 1u);
  EXPECT_TRUE(forced->signatures[0].forced);

  // Once forced it goes on without being asked again, as a canary with a share does.
  RouteSnapshot rolling = Rolling();
  rolling.versions[0] = state.versions[0];
  rolling.versions[1] = WithColumns(rolling.versions[1], 5);
  EXPECT_EQ(Slug(Ask(rolling, EpochAt(1, 500))), "done");
  EXPECT_EQ(Slug(Ask(rolling, MoveTo(RolloutMove::kPromote), Ann())), "done");
  // Its share was taken to 0: with the next one it comes before callers anew.
  rolling.versions[1].share = Bp(0);
  EXPECT_EQ(Slug(Ask(rolling, EpochAt(1, 500))), "conflict");
  EXPECT_EQ(Slug(Ask(rolling, MoveTo(RolloutMove::kPromote), Ann())), "conflict");
  EXPECT_EQ(Slug(Ask(rolling, MoveTo(RolloutMove::kAbort))), "done") << "never asked";
}

// --- Moving ---

TEST(MoveRollout, EveryMoveOnARunningOne) {
  struct Case {
    RolloutMove move;
    const char* rows;
    PromotionKind kind;
    RolloutPhase phase;
    const char* told;
    const char* event;
    const char* said;
  };
  const Case cases[] = {
      {RolloutMove::kPause, "", PromotionKind::kRollout, RolloutPhase::kPaused, "pause",
       "podium.rollout.paused", "ann paused it: why"},
      {RolloutMove::kPage, "", PromotionKind::kRollout, RolloutPhase::kRunning, "page",
       "podium.rollout.overdue", "ann noticed that it is overdue: why"},
      {RolloutMove::kPromote, "p=shadow c=primary", PromotionKind::kPromote,
       RolloutPhase::kPromoted, "promote", "podium.rollout.promoted", "ann promoted it: why"},
      {RolloutMove::kRollBack, "c=standby", PromotionKind::kRollback, RolloutPhase::kRolledBack,
       "roll_back", "podium.rollout.rolled_back", "ann rolled it back: why"},
      {RolloutMove::kAbort, "c=standby", PromotionKind::kAbort, RolloutPhase::kAborted, "abort",
       "podium.rollout.aborted", "ann aborted it: why"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.told);
    MutationContext context = Ann();
    context.reason = "why";
    const Result<Changes> changes = Ask(Rolling(), MoveTo(c.move), context);
    ASSERT_TRUE(changes) << Describe(changes.error());
    EXPECT_EQ(Rows(*changes), c.rows);
    EXPECT_EQ(changes->audit.kind, c.kind);
    EXPECT_EQ(changes->audit.reason, "why");
    EXPECT_EQ(changes->audit.share_before, Bp(100));
    ASSERT_TRUE(changes->rollout);
    EXPECT_EQ(changes->rollout->phase, c.phase);
    EXPECT_EQ(changes->rollout->said, c.said);
    EXPECT_EQ(changes->rollout->revision, ShopStamp().revision);
    EXPECT_EQ(Told(*changes)["move"], c.told);
    EXPECT_EQ(Told(*changes)["id"], "r1");
    EXPECT_EQ(changes->event, c.event);
    EXPECT_EQ(changes->artifact, "") << "its row is there already";
    EXPECT_FALSE(changes->verdict);
    const bool ended = HasEnded(c.phase);
    EXPECT_EQ(changes->route.rollout.has_value(), !ended);
    EXPECT_EQ(changes->rollout->ended_at, ended ? ShopStamp().now : WallTime());
    EXPECT_EQ(changes->rollout->ended_by, ended ? "person" : "");
    EXPECT_EQ(changes->route.canary_salt, ended ? "" : "old-salt");
  }
}

TEST(MoveRollout, APromotionIsOneThatCanBeRolledBack) {
  const Result<Changes> changes = Ask(Rolling(), MoveTo(RolloutMove::kPromote), Ann());
  ASSERT_TRUE(changes);
  EXPECT_EQ(changes->audit.from, ModelId("p"));
  EXPECT_EQ(changes->audit.to, ModelId("c"));
  EXPECT_EQ(changes->route.previous_primary, ModelId("p"));
  EXPECT_EQ(changes->route.primary_since, ShopStamp().revision);
}

TEST(MoveRollout, AnEpochTakesTheShareAndItsFrozenNumbers) {
  MoveRollout verb = Driven(EpochAt(1, 500));
  verb.epoch->of_step = 2;
  verb.epoch->in_step = 8;
  verb.epoch->thresholds.latency_ms = {1, 2, 3};
  verb.log_e_peak = 1.5;
  const Result<Changes> changes = Ask(Rolling(), verb);
  ASSERT_TRUE(changes) << Describe(changes.error());
  EXPECT_EQ(Rows(*changes), "c=canary@500");
  EXPECT_EQ(changes->route.canary_salt, "old-salt") << "the same coins";
  const Rollout& rollout = *changes->rollout;
  ASSERT_EQ(rollout.epochs.size(), 2u);
  EXPECT_EQ(rollout.epochs[1].began_at, ShopStamp().now);
  EXPECT_EQ(rollout.epochs[1].of_step, 2u);
  EXPECT_EQ(rollout.step, 1u);
  EXPECT_EQ(rollout.step_entered_at, ShopStamp().now);
  EXPECT_EQ(rollout.log_e_peak, 1.5);
  EXPECT_EQ(rollout.said, "the verdict");
  EXPECT_EQ(changes->route.rollout->epoch, 1u);
  EXPECT_EQ(changes->route.rollout->thresholds.latency_ms[2], 3);
  EXPECT_EQ(changes->audit.kind, PromotionKind::kRamp);
  EXPECT_EQ(changes->audit.share_before, Bp(100));
  EXPECT_EQ(changes->audit.share_after, Bp(500));
  EXPECT_EQ(changes->audit.reason, "the verdict");
  EXPECT_EQ(changes->event, "podium.rollout.stepped");
}

// A further part of a hold is no new step: its time runs on, and its gate stays as it is.
TEST(MoveRollout, AFurtherEpochOfAStepKeepsItsTimeAndGate) {
  Rollout before = Running();
  before.gate_open = before.paged = true;
  before.step_entered_at = WallTime(std::chrono::seconds(2));
  const Result<Changes> same = Ask(Rolling(before), EpochAt(0, 100));
  ASSERT_TRUE(same) << Describe(same.error());
  EXPECT_EQ(Rows(*same), "") << "the share is as it was";
  EXPECT_EQ(same->rollout->step_entered_at, before.step_entered_at);
  EXPECT_TRUE(same->rollout->gate_open);
  EXPECT_TRUE(same->rollout->paged);
  EXPECT_EQ(same->route.rollout->epoch, 1u);
  const Result<Changes> next = Ask(Rolling(before), EpochAt(1, 500));
  EXPECT_EQ(next->rollout->step_entered_at, ShopStamp().now);
  EXPECT_FALSE(next->rollout->gate_open);
  EXPECT_FALSE(next->rollout->paged);
}

TEST(MoveRollout, WhatAnEpochMayBe) {
  struct Case {
    const char* name;
    std::function<void(Rollout&, MoveRollout&)> change;
    const char* by_person;
    const char* by_driver;
    const char* says;
  };
  const auto gated = [](Rollout& rollout, MoveRollout&) { rollout.plan.steps[0].gate = true; };
  const Case cases[] = {
      {"up", [](auto&, auto&) {}, "done", "done", ""},
      {"without one", [](auto&, auto& verb) { verb.epoch.reset(); }, "invalid_argument",
       "invalid_argument", "of one of the plan's 4 steps"},
      {"of a step beyond", [](auto&, auto& verb) { verb.epoch->step = 4; }, "invalid_argument",
       "invalid_argument", "of one of the plan's 4 steps"},
      {"its number is 0", [](auto&, auto& verb) { verb.epoch->of_step = 0; }, "invalid_argument",
       "invalid_argument", "of one of the plan's 4 steps"},
      {"the last share", [](auto&, auto& verb) { verb.epoch->share = Bp(5000); }, "done", "done",
       ""},
      {"above it", [](auto&, auto& verb) { verb.epoch->share = Bp(5001); }, "unprocessable",
       "unprocessable",
       "50.01 % is above 50 %, the most that the plan of rollout r1 grants: promote instead, with "
       "POST /api/v1/routes/shop/rollouts/r1/promote"},
      {"nothing", [](auto&, auto& verb) { verb.epoch->share = Bp(0); }, "unprocessable",
       "unprocessable",
       "a rollout at 0 % learns nothing: pause it, or take it back with POST "
       "/api/v1/routes/shop/rollouts/r1/abort"},
      {"paused, up", [](auto& rollout, auto&) { rollout.phase = RolloutPhase::kPaused; }, "done",
       "conflict", "rollout r1 is paused: nothing raises its share of 1 %"},
      {"paused, the same",
       [](auto& rollout, auto& verb) {
         rollout.phase = RolloutPhase::kPaused;
         verb.epoch->share = Bp(100);
       },
       "done", "done", ""},
      {"a closed gate", gated, "done", "conflict",
       "the gate of step 1 of rollout r1 is closed: a person opens it with POST "
       "/api/v1/routes/shop/rollouts/r1/step"},
      {"an open gate",
       [&](Rollout& rollout, MoveRollout& verb) {
         gated(rollout, verb);
         rollout.gate_open = true;
       },
       "done", "done", ""},
      {"within a closed gate",
       [&](Rollout& rollout, MoveRollout& verb) {
         gated(rollout, verb);
         verb.epoch->step = 0;
       },
       "done", "done", ""},
      {"the last that there may be",
       [](auto& rollout, auto&) {
         rollout.epochs.resize(limits::kMaxRolloutEpochs - 1, rollout.epochs[0]);
       },
       "done", "done", ""},
      {"one more",
       [](auto& rollout, auto&) {
         rollout.epochs.resize(limits::kMaxRolloutEpochs, rollout.epochs[0]);
       },
       "unprocessable", "unprocessable", "has had 1024 epochs"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    Rollout rollout = Running();
    MoveRollout verb = EpochAt(1, 500);
    c.change(rollout, verb);
    EXPECT_EQ(Slug(Ask(Rolling(rollout), verb)), c.by_person);
    const Result<Changes> driven = Ask(Rolling(rollout), Driven(verb));
    EXPECT_EQ(Slug(driven), c.by_driver);
    if (!driven) {
      EXPECT_NE(driven.error().message.find(c.says), std::string::npos) << driven.error().message;
    }
  }
}

// What is so already takes no revision, so that a driver or a person may ask twice.
TEST(MoveRollout, AskedTwiceItChangesNothing) {
  Rollout paused = Running();
  paused.phase = RolloutPhase::kPaused;
  Rollout paged = Running();
  paged.paged = true;
  Rollout open = Running();
  open.plan.steps[0].gate = open.gate_open = true;
  EXPECT_EQ(Slug(Ask(Rolling(paused), MoveTo(RolloutMove::kPause))), "unchanged");
  EXPECT_EQ(Slug(Ask(Rolling(paused), MoveTo(RolloutMove::kResume))), "done");
  EXPECT_EQ(Slug(Ask(Rolling(), MoveTo(RolloutMove::kResume))), "unchanged");
  EXPECT_EQ(Slug(Ask(Rolling(paged), Driven(MoveTo(RolloutMove::kPage)))), "unchanged");
  EXPECT_EQ(Slug(Ask(Rolling(open), MoveTo(RolloutMove::kOpenGate))), "unchanged");
  const Result<Changes> same = Ask(Rolling(paused), MoveTo(RolloutMove::kPause));
  EXPECT_EQ(same->rollout, paused) << "as it is, for the answer";
}

TEST(MoveRollout, OnlyAGateCanBeOpened) {
  const Result<Changes> refused = Ask(Rolling(), MoveTo(RolloutMove::kOpenGate));
  EXPECT_EQ(Slug(refused), "conflict");
  EXPECT_EQ(refused.error().message, "step 1 of rollout r1 has no gate to open");
  Rollout gated = Running();
  gated.plan.steps[0].gate = true;
  const Result<Changes> opened = Ask(Rolling(gated), MoveTo(RolloutMove::kOpenGate), Ann());
  ASSERT_TRUE(opened);
  EXPECT_TRUE(opened->rollout->gate_open);
  EXPECT_EQ(opened->event, "podium.rollout.gate_opened");
  EXPECT_EQ(opened->rollout->said, "ann opened its gate");
}

// Whoever comes second hears how it ended: an abort is never overtaken by a promotion that was
// decided before it.
TEST(MoveRollout, AbortBeatsPromote) {
  const struct {
    RolloutPhase phase;
    const char* how;
  } ends[] = {{RolloutPhase::kPromoted, "promoted"},
              {RolloutPhase::kRolledBack, "rolled back"},
              {RolloutPhase::kAborted, "aborted"}};
  for (const auto& end : ends) {
    SCOPED_TRACE(end.how);
    Rollout over = Running();
    over.phase = end.phase;
    over.ended_at = WallTime(std::chrono::seconds(60));
    over.said = "ann did it";
    RouteSnapshot state = Shop();
    state.named_rollout = over;
    for (const RolloutMove move :
         {RolloutMove::kPause, RolloutMove::kPromote, RolloutMove::kAbort, RolloutMove::kRollBack,
          RolloutMove::kPage, RolloutMove::kOpenGate, RolloutMove::kResume}) {
      const Result<Changes> late = Ask(state, MoveTo(move), Ann());
      ASSERT_EQ(Slug(late), "conflict");
      EXPECT_EQ(late.error().message,
                fmt::format("rollout r1 of route shop was {} at 1970-01-01T00:01:00.000000Z (ann "
                            "did it): nothing is left to do",
                            end.how));
    }
    EXPECT_EQ(Slug(Ask(state, EpochAt(1, 500), Ann())), "conflict");
  }
}

TEST(MoveRollout, OfAnotherRouteOrNoneIsNotFound) {
  RouteSnapshot state = Rolling();
  state.named_rollout.reset();
  EXPECT_EQ(Slug(Ask(state, MoveTo(RolloutMove::kAbort))), "not_found");
  Rollout elsewhere = Running();
  elsewhere.route = RouteName("other");
  state.named_rollout = elsewhere;
  EXPECT_EQ(Slug(Ask(state, MoveTo(RolloutMove::kAbort))), "not_found");
}

// A driver that was cut off must not act on what it saw before.
TEST(MoveRollout, ADriverIsHeldToItsLeaseAndToWhatItSaw) {
  const MoveRollout verb = Driven(MoveTo(RolloutMove::kRollBack));
  EXPECT_EQ(Slug(Ask(Rolling(), verb)), "done");
  MoveRollout stale = verb;
  stale.token = 4;
  const Result<Changes> fenced = Ask(Rolling(), stale);
  EXPECT_EQ(Slug(fenced), "conflict");
  EXPECT_EQ(fenced.error().message,
            "another replica drives rollout r1 by now: its lease is number 5, not 4");
  stale.token = 6;
  EXPECT_EQ(Slug(Ask(Rolling(), stale)), "conflict");
  MoveRollout blind = verb;
  blind.seen = Revision(40);
  const Result<Changes> moved = Ask(Rolling(), blind);
  EXPECT_EQ(Slug(moved), "conflict");
  EXPECT_EQ(moved.error().message,
            "rollout r1 moved to revision 41 after revision 40 was looked at: look again");
}

// --- Invariants 12 and 13 ---

TEST(MoveRollout, Inv12NoPromotionWithoutAPositiveVerdictOrANamedPerson) {
  struct Case {
    const char* name;
    std::function<void(Rollout&, MoveRollout&, MutationContext&)> change;
    const char* want;
    const char* says;
  };
  const Case cases[] = {
      {"nobody and nothing", [](auto&, auto&, auto&) {}, "unprocessable", "X-Podium-Actor"},
      {"no data", [](auto&, auto& verb, auto&) { verb = Proven(verb, "hold"); }, "unprocessable",
       "X-Podium-Actor"},
      {"no power left", [](auto&, auto& verb, auto&) { verb = Proven(verb, "no-power-left"); },
       "unprocessable", "X-Podium-Actor"},
      {"frozen", [](auto&, auto& verb, auto&) { verb = Proven(verb, "freeze"); }, "unprocessable",
       "X-Podium-Actor"},
      {"proven", [](auto&, auto& verb, auto&) { verb = Proven(verb); }, "done", ""},
      {"proven, and the plan leaves it to people",
       [](auto& rollout, auto& verb, auto&) {
         rollout.plan.promote_at_end = false;
         verb = Proven(verb);
       },
       "unprocessable", "leaves the promotion at 50 % to a person"},
      {"proven before the last share",
       [](auto& rollout, auto& verb, auto&) {
         rollout.epochs[0].share = Bp(2500);
         verb = Proven(verb);
       },
       "unprocessable", "leaves the promotion at 25 % to a person"},
      {"proven and paused",
       [](auto& rollout, auto& verb, auto&) {
         rollout.phase = RolloutPhase::kPaused;
         verb = Proven(verb);
       },
       "conflict", "only a person promotes it"},
      {"proven before its bake is over",
       [](auto& rollout, auto& verb, auto&) {
         rollout.plan.steps[0].bake = std::chrono::seconds(9);
         rollout.step_entered_at = WallTime(std::chrono::seconds(1));
         verb = Proven(verb);
         verb.proof->at = WallTime(std::chrono::seconds(10)) - std::chrono::microseconds(1);
       },
       "conflict", "bakes for 9 s, and its verdict is of before that is over"},
      {"proven at the end of its bake",
       [](auto& rollout, auto& verb, auto&) {
         rollout.plan.steps[0].bake = std::chrono::seconds(9);
         rollout.step_entered_at = WallTime(std::chrono::seconds(1));
         verb = Proven(verb);
         verb.proof->at = WallTime(std::chrono::seconds(10));
       },
       "done", ""},
      {"proven behind a closed gate",
       [](auto& rollout, auto& verb, auto&) {
         rollout.plan.steps[0].gate = true;
         verb = Proven(verb);
       },
       "conflict", "the gate of rollout r1 is closed"},
      {"proven behind an open gate",
       [](auto& rollout, auto& verb, auto&) {
         rollout.plan.steps[0].gate = rollout.gate_open = true;
         verb = Proven(verb);
       },
       "done", ""},
      {"a person before its bake is over, behind a closed gate",
       [](auto& rollout, auto&, auto& context) {
         rollout.plan.steps[0].bake = std::chrono::seconds(60);
         rollout.plan.steps[0].gate = true;
         context = Ann();
       },
       "done", ""},
      {"a person", [](auto&, auto&, auto& context) { context = Ann(); }, "done", ""},
      {"a person at 1 %, paused, against the plan",
       [](auto& rollout, auto& verb, auto& context) {
         rollout.epochs[0].share = Bp(100);
         rollout.phase = RolloutPhase::kPaused;
         rollout.plan.promote_at_end = false;
         verb = Proven(verb, "hold");
         context = Ann();
       },
       "done", ""},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    Rollout rollout = Running();
    rollout.epochs[0].share = Bp(5000);
    rollout.plan.promote_at_end = true;
    MoveRollout verb = MoveTo(RolloutMove::kPromote);
    MutationContext context;
    c.change(rollout, verb, context);
    const Result<Changes> changes = Ask(Rolling(rollout), verb, context);
    EXPECT_EQ(Slug(changes), c.want) << (changes ? "" : Describe(changes.error()));
    if (!changes) {
      EXPECT_NE(changes.error().message.find(c.says), std::string::npos) << changes.error().message;
    }
  }
}

TEST(MoveRollout, Inv13OverdueIsToldAndMovesNothing) {
  const Result<Changes> told = Ask(Rolling(), Proven(Driven(MoveTo(RolloutMove::kPage)), "hold"));
  ASSERT_TRUE(told) << Describe(told.error());
  EXPECT_TRUE(told->versions.empty());
  EXPECT_EQ(told->route.rollout, MarkOf(Running()));
  EXPECT_TRUE(told->rollout->paged);
  EXPECT_EQ(told->rollout->share(), Bp(100));
  EXPECT_EQ(told->rollout->phase, RolloutPhase::kRunning);
  // Nor does the other thing that a deadline may do.
  const Result<Changes> back = Ask(Rolling(), Driven(MoveTo(RolloutMove::kRollBack)));
  ASSERT_TRUE(back);
  EXPECT_EQ(Rows(*back), "c=standby");
}

// Guards run in every phase: a pause holds up no rollback.
TEST(MoveRollout, Inv13APausedOneIsRolledBackAllTheSame) {
  Rollout paused = Running();
  paused.phase = RolloutPhase::kPaused;
  for (const RolloutMove move : {RolloutMove::kRollBack, RolloutMove::kPage}) {
    EXPECT_EQ(Slug(Ask(Rolling(paused), Driven(MoveTo(move)))), "done");
  }
  EXPECT_EQ(Slug(Ask(Rolling(paused), Driven(EpochAt(0, 50)))), "done") << "down is no step up";
}

// --- What goes with it ---

TEST(MoveRollout, TheProofIsStoredWithWhatItLedTo) {
  MoveRollout verb = Proven(Driven(EpochAt(1, 500)));
  const Result<Changes> changes = Ask(Rolling(), verb);
  ASSERT_TRUE(changes) << Describe(changes.error());
  const RolloutVerdict want{kFirst,
                            3,
                            ShopStamp().now,
                            "step-up",
                            "the verdict",
                            verb.proof->evidence,
                            verb.proof->verdict};
  EXPECT_EQ(changes->verdict, want);
  verb.proof->evidence.assign(limits::kMaxVerdictBytes - verb.proof->verdict.size(), 'x');
  EXPECT_EQ(Slug(Ask(Rolling(), verb)), "done");
  verb.proof->evidence += 'x';
  EXPECT_EQ(Slug(Ask(Rolling(), verb)), TraitsOf(ErrorCode::kTooLarge).slug);
}

TEST(MoveRollout, ASentenceThatIsTooLongIsCut) {
  MoveRollout verb = MoveTo(RolloutMove::kRollBack);
  verb.said = std::string(2 * limits::kMaxReasonBytes, 'x');
  const Result<Changes> changes = Ask(Rolling(), verb);
  ASSERT_TRUE(changes) << "a rollback is not lost to its reason";
  EXPECT_LE(changes->rollout->said.size(), limits::kMaxReasonBytes);
  EXPECT_EQ(changes->audit.reason, changes->rollout->said);
  verb.said = "two\nlines";
  EXPECT_EQ(Slug(Ask(Rolling(), verb)), "invalid_argument");
}

// Rows changed by SQL under it: the evidence is about others, so it only ends.
TEST(MoveRollout, OnceTheRolesAreOthersItCanOnlyEnd) {
  RouteSnapshot no_canary = Rolling();
  no_canary.versions[1] = ShopVersion("c", VersionStatus::kStandby);
  RouteSnapshot other_primary = Rolling();
  other_primary.versions[0] = ShopVersion("p2", VersionStatus::kPrimary);
  RouteSnapshot gone = Rolling();
  gone.versions.erase(gone.versions.begin() + 1);
  for (const RouteSnapshot& state : {no_canary, other_primary, gone}) {
    const Result<Changes> refused = Ask(state, EpochAt(1, 500));
    ASSERT_EQ(Slug(refused), "conflict");
    EXPECT_NE(refused.error().message.find("end it with POST"), std::string::npos);
    EXPECT_EQ(Slug(Ask(state, MoveTo(RolloutMove::kPromote), Ann())), "conflict");
    for (const RolloutMove move : {RolloutMove::kAbort, RolloutMove::kRollBack}) {
      const Result<Changes> ended = Ask(state, MoveTo(move));
      ASSERT_EQ(Slug(ended), "done");
      EXPECT_FALSE(ended->route.rollout);
    }
  }
}

// --- Beside a rollout ---

TEST(BesideARollout, NobodyElseMovesItsTraffic) {
  struct Case {
    const char* name;
    Mutation mutation;
    const char* named;
    const char* want;
    const char* says;
  };
  const ModelId p("p"), c("c"), s("s");
  ModelVersion fresh = ShopVersion("n", VersionStatus::kStandby);
  const Case cases[] = {
      {"canary", SetCanary{kShop, c, Bp(700)}, "c", "conflict",
       "set its share with POST /api/v1/routes/shop/rollouts/r1/share"},
      {"another canary", SetCanary{kShop, s, Bp(700)}, "s", "conflict", "r1/share"},
      {"end", EndCanary{kShop}, "", "conflict",
       "end it first with POST /api/v1/routes/shop/rollouts/r1/abort"},
      {"arms", SetArms{kShop, {{s, 0, Bp(100)}}}, "", "conflict", "r1/abort"},
      {"activate", ActivateVersion{s}, "s", "conflict", "r1/abort"},
      {"promote another", PromoteVersion{s}, "s", "conflict", "r1/abort"},
      {"promote the candidate", PromoteVersion{c}, "c", "conflict",
       "promote it with POST /api/v1/routes/shop/rollouts/r1/promote"},
      {"promote the candidate and abort", PromoteVersion{c, true}, "c", "conflict", "r1/promote"},
      {"delete the candidate", DeleteVersion{c, true}, "c", "conflict", "r1/abort"},
      {"delete the primary", DeleteVersion{p, true}, "p", "conflict", "r1/abort"},
      {"retire the candidate", RetireVersion{c}, "c", "conflict", "r1/abort"},
      {"retire the primary", RetireVersion{p}, "p", "conflict", "r1/abort"},
      {"retire another", RetireVersion{s}, "s", "done", ""},
      {"delete another", DeleteVersion{s, false}, "s", "done", ""},
      {"register", RegisterVersion{fresh}, "", "done", ""},
      {"roll back", RollBackRoute{kShop}, "", "done", ""},
      {"promote another and abort", PromoteVersion{s, true}, "s", "done", ""},
  };
  for (const Case& one : cases) {
    SCOPED_TRACE(one.name);
    RouteSnapshot state = Rolling(Running(), one.named);
    const Result<Changes> changes = Ask(state, one.mutation);
    EXPECT_EQ(Slug(changes), one.want) << (changes ? "" : Describe(changes.error()));
    if (!changes) {
      const std::string& message = changes.error().message;
      EXPECT_TRUE(message.starts_with("rollout r1 of version c runs on route shop: ")) << message;
      EXPECT_NE(message.find(one.says), std::string::npos) << message;
    }
    // A rehearsal knows of it by the route's mark alone, and must say the same.
    state.rollout.reset();
    EXPECT_EQ(Slug(Ask(state, one.mutation)), one.want);
    // Paused is no other than running.
    Rollout paused = Running();
    paused.phase = RolloutPhase::kPaused;
    EXPECT_EQ(Slug(Ask(Rolling(paused, one.named), one.mutation)), one.want);
    // And without one they are as they always were.
    RouteSnapshot without = Rolling(Running(), one.named);
    without.rollout.reset();
    without.route->rollout.reset();
    EXPECT_EQ(Slug(Ask(without, RollBackRoute{kShop})), "done");
  }
}

TEST(BesideARollout, ARollbackOfTheRouteEndsItAndTakesTheShare) {
  MutationContext context = Ann();
  context.reason = "refunds fail";
  const Result<Changes> changes = Ask(Rolling(), RollBackRoute{kShop}, context);
  ASSERT_TRUE(changes) << Describe(changes.error());
  EXPECT_EQ(Rows(*changes), "c=canary@0") << "as every rollback of a canary";
  EXPECT_EQ(changes->rollout->phase, RolloutPhase::kRolledBack);
  EXPECT_EQ(changes->rollout->said, "ann rolled it back: refunds fail");
  EXPECT_EQ(changes->rollout->ended_by, "person");
  EXPECT_EQ(changes->rollout->ended_at, ShopStamp().now);
  EXPECT_FALSE(changes->route.rollout);
  EXPECT_EQ(Told(*changes)["move"], "route_rollback");
  EXPECT_EQ(changes->event, "") << "the verb's own";
}

// At share 0 it is still what a rollback takes back, and not the promotion before it.
TEST(BesideARollout, ARollbackOfTheRouteUndoesNoPromotionInstead) {
  Rollout idle = Running();
  idle.epochs[0].share = Bp(0);
  RouteSnapshot state = Rolling(idle);
  state.versions[1].share = Bp(0);
  Promotion standing;
  standing.revision = Revision(2);
  standing.from = ModelId("s");
  standing.to = ModelId("p");
  state.standing_promotions = {standing};
  const Result<Changes> changes = Ask(state, RollBackRoute{kShop});
  ASSERT_TRUE(changes);
  EXPECT_EQ(Rows(*changes), "");
  EXPECT_EQ(changes->audit.undoes, std::nullopt);
  EXPECT_EQ(changes->rollout->phase, RolloutPhase::kRolledBack);
}

TEST(BesideARollout, APromotionOfAnotherMayAbortIt) {
  const Result<Changes> changes =
      Ask(Rolling(Running(), "s"), PromoteVersion{ModelId("s"), true}, Ann());
  ASSERT_TRUE(changes) << Describe(changes.error());
  EXPECT_EQ(Rows(*changes), "c=standby p=shadow s=primary");
  EXPECT_EQ(changes->rollout->phase, RolloutPhase::kAborted);
  EXPECT_FALSE(changes->route.rollout);
  EXPECT_EQ(changes->audit.kind, PromotionKind::kPromote);
  EXPECT_EQ(Told(*changes)["phase"], "aborted");
}

TEST(BesideARollout, TheGuardAbortsIt) {
  MutationContext guard;
  guard.as_guard = true;
  guard.actor = "guard";
  const Result<Changes> changes = Ask(Rolling(), EndCanary{kShop}, guard);
  ASSERT_TRUE(changes) << Describe(changes.error());
  EXPECT_EQ(Rows(*changes), "c=standby");
  EXPECT_EQ(changes->rollout->phase, RolloutPhase::kAborted);
  EXPECT_EQ(changes->rollout->said, "guard aborted it");
  EXPECT_EQ(changes->rollout->ended_by, "guard");
  EXPECT_FALSE(changes->route.rollout);
}

// --- On a route that follows ---

RouteSnapshot FollowedBy(RouteSnapshot state) {
  state.route->follow = Follow();
  state.route->follow->model = "ranker";
  return state;
}

TEST(FollowedRollout, OnlyItsFollowerStartsOne) {
  const Result<Changes> refused = Ask(FollowedBy(Shop()), StartOf(), Ann());
  EXPECT_EQ(Slug(refused), "conflict");
  EXPECT_NE(refused.error().message.find("follows registered model ranker"), std::string::npos);
  MutationContext follower;
  follower.as_follower = true;
  EXPECT_EQ(Slug(Ask(FollowedBy(Shop()), StartOf(), follower)), "done");
  EXPECT_EQ(Slug(Ask(Shop(), StartOf(), follower)), "conflict") << "it follows nothing";
}

TEST(FollowedRollout, IsMovedByItsDriverAndByPeopleAndAPersonsVetoHoldsIt) {
  struct Case {
    const char* name;
    MoveRollout verb;
    MutationContext context;
    const char* held;
    const char* ended_by;
  };
  MutationContext follower;
  follower.as_follower = true;
  MutationContext because = Ann();
  because.reason = "worse";
  const Case cases[] = {
      {"abort", MoveTo(RolloutMove::kAbort), because, "ann aborted its rollout: worse", "person"},
      {"roll back", MoveTo(RolloutMove::kRollBack), Ann(), "ann rolled back", "person"},
      {"the driver's", Driven(MoveTo(RolloutMove::kRollBack)), {}, "", "driver"},
      {"the driver's abort", Driven(MoveTo(RolloutMove::kAbort)), {}, "", "driver"},
      {"the follower's", MoveTo(RolloutMove::kAbort), follower, "", "follower"},
      {"pause", MoveTo(RolloutMove::kPause), Ann(), "", ""},
      {"promote", MoveTo(RolloutMove::kPromote), Ann(), "", "person"},
      {"a step of the driver", Driven(EpochAt(1, 500)), {}, "", ""},
      {"a share set by a person", EpochAt(1, 200), Ann(), "", ""},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    const Result<Changes> changes = Ask(FollowedBy(Rolling()), c.verb, c.context);
    ASSERT_TRUE(changes) << Describe(changes.error());
    EXPECT_EQ(changes->route.follow->held_because, c.held);
    EXPECT_EQ(changes->route.follow->held, *c.held != '\0');
    EXPECT_EQ(changes->rollout->ended_by, c.ended_by);
    EXPECT_FALSE(Told(*changes).is_null()) << "the trail says both";
    EXPECT_EQ(changes->audit.evidence.find(R"("follow")") != std::string::npos, *c.held != '\0');
  }
  const Result<Changes> rolled_back = Ask(FollowedBy(Rolling()), RollBackRoute{kShop}, Ann());
  ASSERT_TRUE(rolled_back);
  EXPECT_EQ(rolled_back->route.follow->held_because, "ann rolled back");
  EXPECT_EQ(rolled_back->rollout->phase, RolloutPhase::kRolledBack);
}

// --- The trail ---

TEST(ToldOfRollout, ReadsWhatTheAuditRowSays) {
  const Result<Changes> changes = Ask(Rolling(), EpochAt(1, 500));
  const std::optional<RolloutTold> told = ToldOfRollout(changes->audit);
  ASSERT_TRUE(told);
  EXPECT_EQ(told->id, kFirst);
  EXPECT_EQ(told->move, "epoch");
  EXPECT_EQ(told->phase, RolloutPhase::kRunning);
  EXPECT_EQ(told->unit, SplitUnit::kRoute);
  EXPECT_EQ(told->epoch, 1u);
  for (const char* text :
       {"", "{", "{}", R"({"rollout": 1})", R"({"rollout": {"id": "r"}})", R"(["rollout"])",
        R"({"rollout": {"id": "r", "phase": "x", "unit": "user", "epoch": 1}})",
        R"({"rollout": {"id": "r", "phase": "running", "unit": "user", "epoch": -1}})"}) {
    Promotion row;
    row.evidence = text;
    EXPECT_FALSE(ToldOfRollout(row)) << text;
  }
}

}  // namespace
}  // namespace podium::store
