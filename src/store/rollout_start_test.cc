// What starts a rollout, decided without any store.
#include "store/rollout_verbs.h"

#include <gtest/gtest.h>

#include <functional>

#include "store/rollout_shop_fixture.h"

namespace podium::store {
namespace {

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

}  // namespace
}  // namespace podium::store
