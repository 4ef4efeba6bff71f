// What nobody may do beside a rollout that runs, decided without any store.
#include "store/rollout_verbs.h"

#include <gtest/gtest.h>

#include "store/rollout_shop_fixture.h"

namespace podium::store {
namespace {

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
