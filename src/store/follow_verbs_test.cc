// Who drives a route, decided without any store: every verb on a route that follows, is held, or
// does neither, by a person and by the follower.
#include "store/follow_verbs.h"

#include <gtest/gtest.h>

#include <map>

#include "base/json.h"

namespace podium::store {
namespace {

const RouteName kAds("ads");

enum class Driver { kVerbs, kModel, kHeld };

Follow AdsRanker() {
  Follow follow;
  follow.model = "ads-ranker";
  return follow;
}

ModelVersion AdsVersion(const char* id, VersionStatus status, int share = 0) {
  ModelVersion row;
  row.model_id = ModelId(id);
  row.route = kAds;
  row.version = id;
  row.provider_key = "local";
  row.status = status;
  row.share = *BasisPoints::From(share);
  return row;
}

/// `p` is primary, `c` a canary with 5 %, `s` on standby; `named` is one of them.
RouteSnapshot Ads(Driver driver, const char* named = "s") {
  RouteSnapshot state;
  state.route = Route();
  state.route->name = kAds;
  state.route->canary_salt = "salt";
  if (driver != Driver::kVerbs) state.route->follow = AdsRanker();
  if (driver == Driver::kHeld) {
    state.route->follow->held = true;
    state.route->follow->held_because = "ann rolled back";
  }
  state.versions = {AdsVersion("p", VersionStatus::kPrimary),
                    AdsVersion("c", VersionStatus::kCanary, 500),
                    AdsVersion("s", VersionStatus::kStandby)};
  for (const ModelVersion& row : state.versions) {
    if (row.model_id == ModelId(named)) state.named = row;
  }
  return state;
}

Stamp AdsStamp() {
  return {Revision(7), WallTime(std::chrono::seconds(9)), ModelId("fresh"), "route-salt",
          "new-salt"};
}

MutationContext AsFollower() {
  MutationContext context;
  context.actor = "mlflow:here";
  context.as_follower = true;
  return context;
}

std::string Said(const Result<Changes>& changes) {
  if (!changes) return std::string(TraitsOf(changes.error().code).slug);
  return changes->changed ? "done" : "unchanged";
}

// One driver at a time: on a followed route people move no traffic but by a rollback, and a
// follower that is late moves nothing on a route that is not its own any more.
TEST(FollowedRoute, HasOneDriver) {
  const ModelId p("p"), c("c"), s("s");
  ModelVersion fresh = AdsVersion("n", VersionStatus::kStandby);
  struct Case {
    const char* name;
    Mutation mutation;
    const char* named;
    const char* by_person;  ///< On a route that follows. Otherwise they all are done.
    const char* late;       ///< By the follower where nothing follows.
  };
  const Case cases[] = {
      {"promote", PromoteVersion{c}, "c", "conflict", "conflict"},
      {"activate", ActivateVersion{s}, "s", "conflict", "conflict"},
      {"canary", SetCanary{kAds, c, *BasisPoints::From(100)}, "c", "conflict", "conflict"},
      {"end", EndCanary{kAds}, "c", "conflict", "conflict"},
      {"delete live", DeleteVersion{p, true}, "p", "conflict", "conflict"},
      {"delete a live canary", DeleteVersion{c, true}, "c", "conflict", "conflict"},
      {"register", RegisterVersion{fresh}, "", "done", "conflict"},
      {"retire", RetireVersion{s}, "s", "done", "conflict"},
      {"delete", DeleteVersion{s, false}, "s", "done", "conflict"},
      {"delete idle, allowed live", DeleteVersion{s, true}, "s", "done", "conflict"},
      {"rollback", RollBackRoute{kAds}, "", "done", "conflict"},
  };
  for (const Case& one : cases) {
    SCOPED_TRACE(one.name);
    const auto said = [&](Driver driver, const MutationContext& context) {
      return Said(Decide(Ads(driver, one.named), one.mutation, context, AdsStamp()));
    };
    EXPECT_EQ(said(Driver::kVerbs, {}), "done");
    EXPECT_EQ(said(Driver::kHeld, {}), "done");
    EXPECT_EQ(said(Driver::kModel, {}), one.by_person);
    EXPECT_EQ(said(Driver::kModel, AsFollower()), "done");
    EXPECT_EQ(said(Driver::kVerbs, AsFollower()), one.late);
    EXPECT_EQ(said(Driver::kHeld, AsFollower()), one.late);
  }
}

// Arms apart: the canary above is in their way.
TEST(FollowedRoute, TakesNoSplit) {
  const SetArms split{kAds, {{ModelId("s"), 0, *BasisPoints::From(100)}}};
  const auto said = [&](Driver driver, const MutationContext& context) {
    RouteSnapshot state = Ads(driver);
    state.versions[1] = AdsVersion("c", VersionStatus::kShadow);
    return Decide(state, split, context, AdsStamp());
  };
  EXPECT_EQ(Said(said(Driver::kVerbs, {})), "done");
  EXPECT_EQ(Said(said(Driver::kHeld, {})), "done");
  EXPECT_EQ(Said(said(Driver::kModel, AsFollower())), "conflict") << "of nobody";
  const Result<Changes> refused = said(Driver::kModel, {});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message,
            "route ads follows registered model ads-ranker: no split has a place beside its "
            "champion: first DELETE /api/v1/routes/ads/follow");
}

TEST(FollowedRoute, ARefusalSaysWhoOwnsItAndWhatToMoveThere) {
  struct Case {
    const char* champion;
    const char* challenger;
    Mutation mutation;
    const char* says;
  };
  const Mutation promote = PromoteVersion{ModelId("c")};
  const Mutation end = EndCanary{kAds};
  const Case cases[] = {
      {"", "", promote, "move its alias champion or stage Production there, or"},
      {"@blue", "", promote, "move its alias blue there, or"},
      {"Staging", "none", promote, "move its stage Staging there, or"},
      {"", "", end, "move its alias challenger or stage Staging there, or"},
      {"", "@green", end, "move its alias green there, or"},
      {"", "none", end, "it follows without a challenger"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.says);
    RouteSnapshot state = Ads(Driver::kModel, "c");
    state.route->follow->champion = c.champion;
    state.route->follow->challenger = c.challenger;
    const Result<Changes> refused = Decide(state, c.mutation, {}, AdsStamp());
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::kConflict);
    const std::string& message = refused.error().message;
    EXPECT_TRUE(message.starts_with("route ads follows registered model ads-ranker: ")) << message;
    EXPECT_TRUE(message.ends_with("DELETE /api/v1/routes/ads/follow")) << message;
    EXPECT_NE(message.find(c.says), std::string::npos) << message;
  }
}

// The follower decides by what it read. Where the route follows another model by now, what it wants
// is about the wrong one.
TEST(FollowedRoute, AFollowerIsHeldToWhatItWentBy) {
  MutationContext context = AsFollower();
  context.pinned_follow = AdsRanker();
  const Mutation promote = PromoteVersion{ModelId("c")};
  EXPECT_EQ(Said(Decide(Ads(Driver::kModel, "c"), promote, context, AdsStamp())), "done");
  RouteSnapshot other = Ads(Driver::kModel, "c");
  other.route->follow->model = "ads-ranker-2";
  EXPECT_EQ(Said(Decide(other, promote, context, AdsStamp())), "conflict");
  context.as_follower = false;
  EXPECT_EQ(Said(Decide(Ads(Driver::kVerbs, "c"), promote, context, AdsStamp())), "conflict");
}

TEST(FollowedRoute, ARollbackHoldsIt) {
  MutationContext context;
  context.actor = "local:ann";
  context.reason = "worse";
  const Result<Changes> changes =
      Decide(Ads(Driver::kModel), RollBackRoute{kAds}, context, AdsStamp());
  ASSERT_TRUE(changes) << Describe(changes.error());
  Follow want = AdsRanker();
  want.held = true;
  want.held_because = "local:ann rolled back: worse";
  want.held_at = AdsStamp().now;
  EXPECT_EQ(changes->route.follow, want);
  EXPECT_EQ(changes->audit.kind, PromotionKind::kRollback);
  EXPECT_NE(changes->audit.evidence.find(R"("held":true)"), std::string::npos);
  ASSERT_EQ(changes->versions.size(), 1u);
  EXPECT_EQ(changes->versions[0].share, BasisPoints());

  const Result<Changes> again =
      Decide(Ads(Driver::kHeld), RollBackRoute{kAds}, context, AdsStamp());
  ASSERT_TRUE(again);
  EXPECT_EQ(again->route.follow->held_because, "ann rolled back") << "the first who did";
  EXPECT_EQ(again->audit.evidence, "");
  const Result<Changes> plain =
      Decide(Ads(Driver::kVerbs), RollBackRoute{kAds}, context, AdsStamp());
  ASSERT_TRUE(plain);
  EXPECT_EQ(plain->route.follow, std::nullopt);
}

// A model that harms the server is ended at once, whoever set it; nothing else is the guard's.
TEST(FollowedRoute, TheGuardEndsAHarmfulCanaryAllTheSame) {
  MutationContext guard;
  guard.as_guard = true;
  for (const Driver driver : {Driver::kVerbs, Driver::kModel, Driver::kHeld}) {
    const Result<Changes> ended = Decide(Ads(driver), EndCanary{kAds}, guard, AdsStamp());
    ASSERT_TRUE(ended) << Describe(ended.error());
    EXPECT_EQ(ended->route.follow, Ads(driver).route->follow) << "which is no rollback";
  }
  EXPECT_EQ(Said(Decide(Ads(Driver::kModel), ActivateVersion{ModelId("s")}, guard, AdsStamp())),
            "conflict");
}

// A rollback that cannot be done holds nothing either.
TEST(FollowedRoute, WithNothingToRollBackItGoesOn) {
  RouteSnapshot state = Ads(Driver::kModel);
  state.versions = {AdsVersion("p", VersionStatus::kPrimary)};
  EXPECT_EQ(Said(Decide(state, RollBackRoute{kAds}, {}, AdsStamp())), "conflict");
}

TEST(StartFollowing, ChangesTheRouteAndNoTraffic) {
  const Result<Changes> changes =
      Decide(Ads(Driver::kVerbs), SetFollow{kAds, AdsRanker()}, {}, AdsStamp());
  ASSERT_TRUE(changes) << Describe(changes.error());
  EXPECT_EQ(changes->route.follow, AdsRanker());
  EXPECT_EQ(changes->route.revision, AdsStamp().revision);
  EXPECT_TRUE(changes->versions.empty());
  EXPECT_EQ(changes->audit.kind, PromotionKind::kFollow);
  const Result<Json> evidence = ParseJson(changes->audit.evidence);
  ASSERT_TRUE(evidence);
  EXPECT_EQ((*evidence)["follow"]["model"], "ads-ranker");
  EXPECT_FALSE(evidence->contains("route_salt")) << "only of a new route";
}

TEST(StartFollowing, MakesTheRouteItIsToldOf) {
  RouteSnapshot nothing;
  const Result<Changes> changes = Decide(nothing, SetFollow{kAds, AdsRanker()}, {}, AdsStamp());
  ASSERT_TRUE(changes) << Describe(changes.error());
  EXPECT_EQ(changes->route.name, kAds);
  EXPECT_EQ(changes->route.salt, "route-salt");
  EXPECT_NE(changes->audit.evidence.find(R"("route_salt":"route-salt")"), std::string::npos);
  EXPECT_EQ(Said(Decide(nothing, SetFollow{kAds, std::nullopt}, {}, AdsStamp())), "not_found");
  EXPECT_EQ(Said(Decide(nothing, ResumeFollow{kAds}, {}, AdsStamp())), "not_found");
  EXPECT_EQ(Said(Decide(nothing, SetFollow{RouteName("a b"), AdsRanker()}, {}, AdsStamp())),
            "invalid_argument");
}

TEST(StartFollowing, SaysWhatCannotBeFollowed) {
  Follow bad = AdsRanker();
  bad.champion = "Blah";
  Result<Changes> refused = Decide(Ads(Driver::kVerbs), SetFollow{kAds, bad}, {}, AdsStamp());
  EXPECT_EQ(Said(refused), "invalid_argument");
  EXPECT_EQ(refused.error().where, "champion");

  Follow rollout = AdsRanker();
  rollout.on_champion = OnChampion::kRollout;
  EXPECT_TRUE(Decide(Ads(Driver::kVerbs), SetFollow{kAds, rollout}, {}, AdsStamp()));

  RouteSnapshot split = Ads(Driver::kVerbs);
  split.route->policy = RoutePolicy::kAb;
  split.route->arms = {{ModelId("s"), 0, *BasisPoints::From(100)}};
  refused = Decide(split, SetFollow{kAds, AdsRanker()}, {}, AdsStamp());
  EXPECT_EQ(Said(refused), "conflict");
  EXPECT_NE(refused.error().message.find("end the arms first"), std::string::npos);
}

// A job that sends what it always sends must not bring back what a person has rolled back.
TEST(StartFollowing, SetAnewItStaysHeld) {
  const SetFollow same{kAds, AdsRanker()};
  EXPECT_EQ(Said(Decide(Ads(Driver::kModel), same, {}, AdsStamp())), "unchanged");
  EXPECT_EQ(Said(Decide(Ads(Driver::kHeld), same, {}, AdsStamp())), "unchanged");
  SetFollow other_share = same;
  other_share.follow->challenger_share = *BasisPoints::From(7);
  const Result<Changes> anew = Decide(Ads(Driver::kHeld), other_share, {}, AdsStamp());
  EXPECT_EQ(Said(anew), "done");
  EXPECT_TRUE(anew->route.follow->held);
  EXPECT_EQ(anew->route.follow->held_because, "ann rolled back");
  SetFollow other_model = same;
  other_model.follow->model = "another";
  EXPECT_FALSE(Decide(Ads(Driver::kHeld), other_model, {}, AdsStamp())->route.follow->held);
  // A caller cannot hold a route by saying so: only a rollback does.
  Follow held = AdsRanker();
  held.held = true;
  held.held_because = "I say so";
  EXPECT_EQ(Said(Decide(Ads(Driver::kModel), SetFollow{kAds, held}, {}, AdsStamp())), "unchanged");
}

TEST(StartFollowing, EndsWithTheRouteAsItIs) {
  const SetFollow end{kAds, std::nullopt};
  EXPECT_EQ(Said(Decide(Ads(Driver::kVerbs), end, {}, AdsStamp())), "unchanged");
  for (const Driver driver : {Driver::kModel, Driver::kHeld}) {
    const Result<Changes> ended = Decide(Ads(driver), end, {}, AdsStamp());
    ASSERT_TRUE(ended) << Describe(ended.error());
    EXPECT_EQ(ended->route.follow, std::nullopt);
    EXPECT_TRUE(ended->versions.empty());
    EXPECT_EQ(ended->audit.kind, PromotionKind::kUnfollow);
    EXPECT_EQ(ended->audit.evidence, R"({"follow":null})");
  }
}

TEST(ResumeFollowing, IsForWhatIsHeld) {
  const ResumeFollow resume{kAds};
  EXPECT_EQ(Said(Decide(Ads(Driver::kModel), resume, {}, AdsStamp())), "unchanged");
  const Result<Changes> refused = Decide(Ads(Driver::kVerbs), resume, {}, AdsStamp());
  EXPECT_EQ(Said(refused), "conflict");
  EXPECT_NE(refused.error().message.find("nothing to resume"), std::string::npos);
  const Result<Changes> resumed = Decide(Ads(Driver::kHeld), resume, {}, AdsStamp());
  ASSERT_TRUE(resumed) << Describe(resumed.error());
  EXPECT_EQ(resumed->route.follow, AdsRanker());
  EXPECT_EQ(resumed->audit.kind, PromotionKind::kFollowResume);
  EXPECT_TRUE(resumed->versions.empty());

  RouteSnapshot split = Ads(Driver::kHeld);
  split.route->arms = {{ModelId("s"), 0, *BasisPoints::From(100)}};
  EXPECT_EQ(Said(Decide(split, resume, {}, AdsStamp())), "conflict");
}

// If-Match and the pins hold for these verbs as for the others of a route.
TEST(StartFollowing, IsHeldToTheRevisionItSaw) {
  MutationContext context;
  context.if_match = Revision(3);
  for (const Mutation& mutation :
       {Mutation(SetFollow{kAds, std::nullopt}), Mutation(SetFollow{kAds, AdsRanker()}),
        Mutation(ResumeFollow{kAds})}) {
    EXPECT_EQ(Said(Decide(Ads(Driver::kHeld), mutation, context, AdsStamp())),
              TraitsOf(ErrorCode::kRevisionMismatch).slug);
  }
}

}  // namespace
}  // namespace podium::store
