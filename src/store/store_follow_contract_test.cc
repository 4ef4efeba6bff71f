// The contract of RegistryStore, part seven: a route that follows a registered model.
#include <gmock/gmock.h>

#include "base/json.h"
#include "store/store_contract.h"

namespace podium::store {
namespace {

using ::testing::HasSubstr;

class RegistryFollow : public RegistryContract {
 protected:
  static Follow Ranker() {
    Follow follow;
    follow.model = "iris ränker";
    follow.champion = "@blue";
    follow.challenger = "Staging";
    follow.challenger_share = Share(250);
    return follow;
  }
  static MutationContext As(const std::string& actor, bool as_follower = false) {
    MutationContext context;
    context.actor = actor;
    context.as_follower = as_follower;
    return context;
  }
  Json NewestEventData() {
    const std::vector<OutboxEvent> events = registry_.Events();
    const Result<Json> data = events.empty() ? Json() : ParseJson(events.back().data);
    return data ? *data : Json();
  }
  std::string NewestEvent() {
    const std::vector<OutboxEvent> events = registry_.Events();
    return events.empty() ? "" : events.back().type;
  }
};
INSTANTIATE_TEST_SUITE_P(Stores, RegistryFollow, AllBackends(), BackendName);

TEST_P(RegistryFollow, WhatIsFollowedComesBackAsItWasSet) {
  registry_.Add("a");
  registry_.Activate("a");
  const Committed done = registry_.Do(SetFollow{kIris, Ranker()}, As("ann"));
  EXPECT_EQ(done.route.follow, Ranker());
  EXPECT_EQ(done.audit.kind, PromotionKind::kFollow);
  EXPECT_EQ(done.audit.actor, "ann");
  EXPECT_EQ(done.version, std::nullopt);
  EXPECT_EQ(registry_.TheRoute().follow, Ranker());
  EXPECT_EQ(registry_.TheRoute().revision, Revision(3));
  const auto delta = store_->ReadTable(Revision(2));
  ASSERT_TRUE(delta);
  ASSERT_EQ(delta->routes.size(), 1u) << "whoever follows the table hears of it";
  EXPECT_EQ(delta->routes.front().follow, Ranker());
  EXPECT_TRUE(delta->versions.empty());
  EXPECT_EQ(registry_.Roles(), "a=primary");
  EXPECT_EQ(NewestEvent(), "podium.route.follow_set");
  EXPECT_EQ(DumpJson(NewestEventData()["follow"]),
            R"({"model":"iris ränker","champion":"@blue","challenger":"Staging",)"
            R"("challenger_share":2.5,"on_champion":"promote","held":false,)"
            R"("held_because":null,"held_at":null})");

  EXPECT_FALSE(registry_.Do(SetFollow{kIris, Ranker()}).changed);
  EXPECT_EQ(registry_.Audit().size(), 3u);

  const Committed ended = registry_.Do(SetFollow{kIris, std::nullopt});
  EXPECT_EQ(ended.audit.kind, PromotionKind::kUnfollow);
  EXPECT_EQ(registry_.TheRoute().follow, std::nullopt);
  EXPECT_EQ(registry_.Roles(), "a=primary") << "traffic stays as it is";
  EXPECT_EQ(NewestEvent(), "podium.route.follow_ended");
  ASSERT_TRUE(NewestEventData().contains("follow"));
  EXPECT_TRUE(NewestEventData()["follow"].is_null());
  EXPECT_FALSE(registry_.Do(SetFollow{kIris, std::nullopt}).changed);
  EXPECT_TRUE(store_->VerifyAudit()->intact());
}

TEST_P(RegistryFollow, ARouteMayBeginByFollowing) {
  registry_.Do(SetFollow{kIris, Ranker()});
  EXPECT_EQ(registry_.Roles(), "");
  EXPECT_FALSE(registry_.TheRoute().salt.empty());
  const auto now = store_->ReadRouteAt(kIris, {});
  ASSERT_TRUE(now) << Describe(now.error());
  EXPECT_TRUE(now->input.versions.empty());
  const auto standing = store_->ReadStanding(kIris, {});
  ASSERT_TRUE(standing) << Describe(standing.error());
  EXPECT_TRUE(standing->unknown.empty());
  EXPECT_EQ(standing->salt, registry_.TheRoute().salt);
  // And its first version comes by its follower.
  registry_.Do(RegisterVersion{Row("a")}, As("mlflow:here", true));
  registry_.Do(ActivateVersion{ModelId("a")}, As("mlflow:here", true));
  EXPECT_EQ(registry_.Roles(), "a=primary");
  EXPECT_EQ(registry_.TheRoute().follow, Ranker()) << "other verbs leave it as it is";
}

TEST_P(RegistryFollow, ARefusalLeavesNothing) {
  for (const char* id : {"a", "b", "c"}) registry_.Add(id);
  registry_.Activate("a");
  registry_.Canary("b", 500);
  registry_.Do(SetFollow{kIris, Ranker()});
  const std::string before = TextOf(*store_->ReadTable(Revision(0)));
  const std::size_t events = registry_.Events().size();
  const Mutation refused[] = {
      ActivateVersion{ModelId("b")},
      PromoteVersion{ModelId("b")},
      DeleteVersion{ModelId("a"), true},
      SetCanary{kIris, ModelId("b"), Share(100)},
      EndCanary{kIris},
      SetArms{kIris, {}},
  };
  for (const Mutation& mutation : refused) {
    EXPECT_THAT(registry_.Refuse(ErrorCode::kConflict, mutation),
                HasSubstr("route iris follows registered model iris ränker: "));
  }
  EXPECT_EQ(TextOf(*store_->ReadTable(Revision(0))), before);
  EXPECT_EQ(registry_.Events().size(), events);
  registry_.Do(RetireVersion{ModelId("c")});
  registry_.Do(DeleteVersion{ModelId("c")});
}

// Rows, hold, audit row and event are one transaction: nobody sees the rollback without the hold,
// whose follower would at once undo it.
TEST_P(RegistryFollow, ARollbackHoldsTheRouteUntilItIsResumed) {
  for (const char* id : {"a", "b"}) registry_.Add(id, VersionStatus::kShadow);
  registry_.Activate("a");
  registry_.Do(SetFollow{kIris, Ranker()});
  registry_.Do(SetCanary{kIris, ModelId("b"), Share(500)}, As("mlflow:here", true));
  registry_.Do(PromoteVersion{ModelId("b")}, As("mlflow:here", true));
  const std::size_t events = registry_.Events().size();
  MutationContext ann = As("ann");
  ann.reason = "worse";
  const Committed rolled = registry_.Do(RollBackRoute{kIris}, ann);
  ASSERT_TRUE(rolled.route.follow);
  EXPECT_TRUE(rolled.route.follow->held);
  EXPECT_EQ(rolled.route.follow->held_because, "ann rolled back: worse");
  EXPECT_EQ(rolled.route.follow->held_at, rolled.audit.at);
  EXPECT_TRUE(SameAims(*rolled.route.follow, Ranker()));
  EXPECT_EQ(registry_.TheRoute().follow, rolled.route.follow);
  EXPECT_EQ(registry_.Roles(), "a=primary b=shadow");
  ASSERT_EQ(registry_.Events().size(), events + 1);
  EXPECT_EQ(NewestEvent(), "podium.route.rolled_back");
  EXPECT_EQ(NewestEventData()["follow"]["held"], true);
  EXPECT_EQ(NewestEventData()["follow"]["held_because"], "ann rolled back: worse");

  // The follower that has not heard of it yet is late; people drive the route meanwhile.
  EXPECT_THAT(
      registry_.Refuse(ErrorCode::kConflict, PromoteVersion{ModelId("b")}, As("mlflow:here", true)),
      HasSubstr("until it is resumed (ann rolled back: worse)"));
  registry_.Canary("b", 100);
  registry_.RollBack();
  EXPECT_EQ(registry_.TheRoute().follow, rolled.route.follow) << "the first reason stays";

  const Committed resumed = registry_.Do(ResumeFollow{kIris}, ann);
  EXPECT_EQ(resumed.audit.kind, PromotionKind::kFollowResume);
  EXPECT_EQ(registry_.TheRoute().follow, Ranker());
  EXPECT_EQ(NewestEvent(), "podium.route.follow_resumed");
  EXPECT_FALSE(registry_.Do(ResumeFollow{kIris}).changed);
  registry_.Do(PromoteVersion{ModelId("b")}, As("mlflow:here", true));
  EXPECT_TRUE(store_->VerifyAudit()->intact());
}

TEST_P(RegistryFollow, TheTrailKnowsWhatWasFollowedWhen) {
  for (const char* id : {"a", "b"}) registry_.Add(id, VersionStatus::kShadow);  // 1, 2
  registry_.Activate("a");                                                      // 3
  registry_.Activate("b");                                                      // 4
  registry_.Do(SetFollow{kIris, Ranker()}, As("ann"));                          // 5
  registry_.Add("c");                                                           // 6
  const Committed rolled = registry_.Do(RollBackRoute{kIris}, As("bob"));       // 7
  registry_.Do(ResumeFollow{kIris}, As("eve"));                                 // 8
  registry_.Do(SetFollow{kIris, std::nullopt});                                 // 9
  struct Case {
    std::int64_t revision;
    std::optional<Follow> follow;
    const char* by;  ///< Empty: no row has said anything of it yet.
  };
  const Case cases[] = {{4, std::nullopt, ""}, {5, Ranker(), "ann"},
                        {6, Ranker(), "ann"},  {7, rolled.route.follow, "bob"},
                        {8, Ranker(), "eve"},  {9, std::nullopt, "local"}};
  for (const Case& c : cases) {
    SCOPED_TRACE(c.revision);
    const auto then =
        store_->ReadStanding(kIris, {MakeGeneration(0, Revision(c.revision)), std::nullopt});
    ASSERT_TRUE(then) << Describe(then.error());
    EXPECT_EQ(then->follow, c.follow);
    EXPECT_EQ(then->follow_by ? then->follow_by->actor : "", c.by);
    EXPECT_TRUE(then->unknown.empty());
  }
  // What is followed decides no call: the rows of history are those of traffic alone.
  const auto now = store_->ReadRouteAt(kIris, {});
  ASSERT_TRUE(now) << Describe(now.error());
  EXPECT_EQ(now->since, MakeGeneration(0, Revision(7)));
}

TEST_P(RegistryFollow, AKeyedRequestSentTwiceIsDoneOnce) {
  MutationContext context;
  context.idempotency = IdempotencyKey{"k", "body"};
  const Committed first = registry_.Do(SetFollow{kIris, Ranker()}, context);
  registry_.Do(SetFollow{kIris, std::nullopt});
  const Committed again = registry_.Do(SetFollow{kIris, Ranker()}, context);
  EXPECT_TRUE(again.replayed);
  EXPECT_EQ(again.audit.hash, first.audit.hash);
  EXPECT_EQ(again.version, std::nullopt);
  EXPECT_EQ(registry_.TheRoute().follow, std::nullopt);
}

// A version may have any name, so what an event says is not told by a word in the evidence.
TEST_P(RegistryFollow, OnlyEventsAboutItSayWhatIsFollowed) {
  for (const char* id : {"a", "follow"}) registry_.Add(id);
  registry_.Activate("a");
  registry_.Split({{"follow", 100}});
  EXPECT_THAT(registry_.Audit().back().evidence, HasSubstr("\"follow\""));
  EXPECT_FALSE(NewestEventData().contains("follow"));
}

// The table is the interface: what was set is there for another process, and after a restart.
TEST_P(RegistryFollow, IsKeptAcrossARestart) {
  registry_.Add("a");
  registry_.Activate("a");
  registry_.Add("b", VersionStatus::kShadow);
  registry_.Promote("b");
  registry_.Do(SetFollow{kIris, Ranker()});
  const Committed rolled = registry_.Do(RollBackRoute{kIris}, As("ann"));
  if (GetParam().keeps_rows) {
    store_.reset();
    store_ = GetParam().open(clock_, rng_, folder_);
    ASSERT_TRUE(store_);
  }
  EXPECT_EQ(Registry(*store_).TheRoute().follow, rolled.route.follow);
}

}  // namespace
}  // namespace podium::store
