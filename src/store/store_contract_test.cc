// The contract of RegistryStore, part one: what each verb does to the rows, on every database.
#include "store/store_contract.h"

namespace podium::store {
namespace {

INSTANTIATE_TEST_SUITE_P(Stores, RegistryContract, AllBackends(), BackendName);

const RouteName kIris("iris");

Mutation DeleteOf(const std::string& id, bool live = false) {
  return DeleteVersion{ModelId(id), live};
}

// --- register ---

TEST_P(RegistryContract, RegistersTheFirstVersionWithItsRoute) {
  ModelVersion row = Row("a");
  row.metrics = {{"auc", 0.91}};
  row.tags = {{"team", "search"}};
  row.artifact_uri = "file:a.onnx";
  row.share = Share(500);  // Not the caller's to give.
  const Committed done = registry_.Do(RegisterVersion{row});

  EXPECT_EQ(done.revision, Revision(1));
  EXPECT_EQ(done.audit.kind, PromotionKind::kRegister);
  EXPECT_EQ(done.audit.to, ModelId("a"));
  const auto found = store_->FindVersion(ModelId("a"));
  ASSERT_TRUE(found) << Describe(found.error());
  EXPECT_EQ(found->name, "iris") << "defaults to the route";
  EXPECT_EQ(found->provider_key, kLocalProvider);
  EXPECT_EQ(found->metrics, row.metrics);
  EXPECT_EQ(found->tags, row.tags);
  EXPECT_EQ(found->share, BasisPoints());
  EXPECT_EQ(found->status, VersionStatus::kStandby) << "nothing is primary merely by being first";
  EXPECT_EQ(found->created_at, clock_.Now());
  EXPECT_EQ(TextOf(*found), TextOf(*done.version));

  const Route route = registry_.TheRoute();
  EXPECT_EQ(route.policy, RoutePolicy::kFixed);
  EXPECT_EQ(route.sticky_on, "session");
  EXPECT_EQ(route.salt.size(), 12u);
  EXPECT_TRUE(route.canary_salt.empty());
  EXPECT_EQ(route.revision, Revision(1));
}

TEST_P(RegistryContract, MintsAnIdWhenNoneIsGiven) {
  ModelVersion row = Row("");
  row.version = "1";
  const Committed done = registry_.Do(RegisterVersion{row});
  ASSERT_TRUE(done.version);
  EXPECT_EQ(done.version->model_id.get().size(), 13u);
  EXPECT_EQ(done.audit.to, done.version->model_id);
}

TEST_P(RegistryContract, RefusesADuplicateAndNamesTheRowThatIsThere) {
  registry_.Add("a");
  EXPECT_NE(registry_.Refuse(ErrorCode::kConflict, RegisterVersion{Row("a", "other")}).find("iris"),
            std::string::npos);
  ModelVersion same_place = Row("b");
  same_place.version = "a";
  const std::string message = registry_.Refuse(ErrorCode::kConflict, RegisterVersion{same_place});
  EXPECT_NE(message.find("it is a (standby)"), std::string::npos) << message;
  // The same version on another route is another placement.
  same_place.route = RouteName("roses");
  registry_.Do(RegisterVersion{same_place});
}

TEST_P(RegistryContract, ATombstoneKeepsItsIdButFreesItsPlace) {
  registry_.Add("a");
  registry_.Do(DeleteOf("a"));
  EXPECT_NE(registry_.Refuse(ErrorCode::kConflict, RegisterVersion{Row("a")}).find("deleted"),
            std::string::npos);
  ModelVersion anew = Row("a2");
  anew.version = "a";
  registry_.Do(RegisterVersion{anew});
  EXPECT_EQ(registry_.Roles(), "a2=standby");
}

TEST_P(RegistryContract, LineageMustExist) {
  registry_.Add("a");
  ModelVersion child = Row("b");
  child.parent_id = ModelId("a");
  registry_.Do(RegisterVersion{child});
  EXPECT_EQ(store_->FindVersion(ModelId("b"))->parent_id, ModelId("a"));
  child = Row("c");
  child.parent_id = ModelId("nobody");
  registry_.Refuse(ErrorCode::kInvalidArgument, RegisterVersion{child});
}

TEST_P(RegistryContract, TextsOfEveryAlphabetComeBackAsTheyWere) {
  ModelVersion row = Row("a");
  row.tags = {{"ключ", "väärtus \"quoted\" \\ ' ; --"}, {"emoji", "🌸"}};
  row.metrics = {
      {"tiny", 5e-324}, {"third", 1.0 / 3.0}, {"big", 1.7976931348623157e308}, {"zero", 0}};
  row.signature = R"j({"columns":["petal width (cm)"]})j";
  row.source_run = "run '1'; DROP TABLE routes";
  registry_.Do(RegisterVersion{row});
  const auto found = store_->FindVersion(ModelId("a"));
  ASSERT_TRUE(found);
  EXPECT_EQ(found->tags, row.tags);
  EXPECT_EQ(found->metrics, row.metrics);
  EXPECT_EQ(found->signature, row.signature);
  EXPECT_EQ(found->source_run, row.source_run);
}

// --- activate, promote ---

TEST_P(RegistryContract, ActivateMakesAllOthersStandbyInOneStep) {
  for (const char* id : {"a", "b", "c", "d"}) registry_.Add(id);
  registry_.Activate("a");
  registry_.Canary("b", 500);
  registry_.Do(RetireVersion{ModelId("d")});
  const Committed done = registry_.Activate("c");

  EXPECT_EQ(registry_.Roles(), "a=standby b=standby c=primary d=retired");
  EXPECT_TRUE(done.route.canary_salt.empty());
  EXPECT_EQ(done.route.primary_since, done.revision);
  EXPECT_EQ(done.route.previous_primary, ModelId("a"));
  EXPECT_EQ(done.audit.from, ModelId("a"));
  EXPECT_EQ(store_->FindVersion(ModelId("d"))->revision, Revision(7)) << "untouched rows stay";
}

TEST_P(RegistryContract, ActivateClearsArms) {
  for (const char* id : {"a", "b", "c"}) registry_.Add(id);
  registry_.Activate("a");
  registry_.Split({{"b", 3000}, {"c", 1000}});
  const Committed done = registry_.Activate("b");
  EXPECT_EQ(registry_.Roles(), "a=standby b=primary c=standby");
  EXPECT_TRUE(done.route.arms.empty());
  EXPECT_EQ(done.route.policy, RoutePolicy::kFixed);
}

TEST_P(RegistryContract, ActivatingWhatIsActiveChangesNothing) {
  registry_.Add("a");
  registry_.Activate("a");
  clock_.Advance(std::chrono::seconds(5));
  const Committed again = registry_.Activate("a");
  EXPECT_FALSE(again.changed);
  EXPECT_EQ(again.revision, Revision(2));
  EXPECT_EQ(store_->ReadRevision(), Revision(2));
  EXPECT_EQ(registry_.Audit().size(), 2u);
  EXPECT_EQ(again.version->model_id, ModelId("a"));
}

TEST_P(RegistryContract, PromoteSwapsAShadowWithThePrimary) {
  registry_.Add("a");
  registry_.Activate("a");
  registry_.Add("b", VersionStatus::kShadow);
  MutationContext context;
  context.actor = "ann";
  context.origin = "cli";
  context.reason = "better recall";
  context.request_id = "req-1";
  const Committed done = registry_.Do(PromoteVersion{ModelId("b")}, context);

  EXPECT_EQ(registry_.Roles(), "a=shadow b=primary");
  EXPECT_EQ(done.audit.kind, PromotionKind::kPromote);
  EXPECT_EQ(done.audit.from, ModelId("a"));
  EXPECT_EQ(done.audit.to, ModelId("b"));
  EXPECT_EQ(done.audit.actor, "ann");
  EXPECT_EQ(done.audit.origin, "cli");
  EXPECT_EQ(done.audit.reason, "better recall");
  EXPECT_EQ(done.audit.request_id, "req-1");
  EXPECT_EQ(done.route.primary_since, done.revision);
  EXPECT_EQ(done.route.previous_primary, ModelId("a"));
  EXPECT_EQ(store_->FindVersion(ModelId("a"))->revision, done.revision) << "the demoted row too";
}

TEST_P(RegistryContract, PromotingTheCanaryEndsIt) {
  registry_.Add("a");
  registry_.Add("b");
  registry_.Activate("a");
  registry_.Canary("b", 2500);
  const Committed done = registry_.Promote("b");
  EXPECT_EQ(registry_.Roles(), "a=shadow b=primary");
  EXPECT_TRUE(done.route.canary_salt.empty());
  EXPECT_EQ(done.audit.share_before, Share(2500));
}

TEST_P(RegistryContract, PromoteRefusesWithTheReason) {
  for (const char* id : {"a", "standby", "retired", "arm"}) registry_.Add(id);
  registry_.Activate("a");
  registry_.Do(RetireVersion{ModelId("retired")});
  registry_.Split({{"arm", 100}});
  struct Case {
    const char* id;
    ErrorCode code;
    const char* says;
  };
  const Case cases[] = {
      {"nobody", ErrorCode::kNotFound, "no version nobody"},
      {"a", ErrorCode::kInvalidArgument, "primary of route iris already"},
      {"standby", ErrorCode::kInvalidArgument, "standby"},
      {"retired", ErrorCode::kInvalidArgument, "retired"},
      {"arm", ErrorCode::kInvalidArgument, "arm"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.id);
    const std::string message = registry_.Refuse(c.code, PromoteVersion{ModelId(c.id)});
    EXPECT_NE(message.find(c.says), std::string::npos) << message;
  }
}

// A third version may not overtake a canary that holds traffic; one that holds none is no obstacle.
TEST_P(RegistryContract, PromotingPastALiveCanaryIsAConflict) {
  registry_.Add("a");
  registry_.Add("b");
  registry_.Activate("a");
  registry_.Add("c", VersionStatus::kShadow);
  registry_.Canary("b", 100);
  EXPECT_NE(registry_.Refuse(ErrorCode::kConflict, PromoteVersion{ModelId("c")}).find("1 %"),
            std::string::npos);
  registry_.Canary("b", 0);
  registry_.Promote("c");
  EXPECT_EQ(registry_.Roles(), "a=shadow b=canary@0 c=primary");
}

// C3: what the caller saw when it was admitted must still be so when it commits.
TEST_P(RegistryContract, APromotePinsThePrimaryItWasAdmittedAgainst) {
  registry_.Add("a");
  registry_.Activate("a");
  registry_.Add("b", VersionStatus::kShadow);
  registry_.Add("c", VersionStatus::kShadow);
  MutationContext admitted;
  admitted.pinned_primary = registry_.TheRoute().primary_since;
  registry_.Add("unrelated");  // Moves the revision, not the primary.
  registry_.Do(PromoteVersion{ModelId("b")}, admitted);
  const std::string message =
      registry_.Refuse(ErrorCode::kConflict, PromoteVersion{ModelId("c")}, admitted);
  EXPECT_NE(message.find("look again"), std::string::npos) << message;
  EXPECT_NE(message.find("to b"), std::string::npos) << message;
}

TEST_P(RegistryContract, IfMatchGuardsAVersionAndARoute) {
  registry_.Add("a");
  registry_.Activate("a");
  registry_.Add("b", VersionStatus::kShadow);
  MutationContext context;
  context.if_match = Revision(99);
  const std::string message =
      registry_.Refuse(ErrorCode::kRevisionMismatch, PromoteVersion{ModelId("b")}, context);
  EXPECT_NE(message.find("revision 3, not 99"), std::string::npos) << message;
  context.if_match = Revision(3);
  registry_.Do(PromoteVersion{ModelId("b")}, context);
  // A verb on the route looks at the route's revision, which moved with the promote.
  registry_.Refuse(ErrorCode::kRevisionMismatch, RollBackRoute{kIris}, context);
  context.if_match = Revision(4);
  registry_.Do(RollBackRoute{kIris}, context);
}

// --- rollback ---

// C2: A, B, C; each rollback undoes the one before, and none of them counts as a promotion.
TEST_P(RegistryContract, RollbacksUnstackPromotions) {
  registry_.Add("a");
  registry_.Activate("a");
  registry_.Add("b", VersionStatus::kShadow);
  registry_.Add("c", VersionStatus::kShadow);
  const Revision second = registry_.Promote("b").revision;
  const Revision third = registry_.Promote("c").revision;
  EXPECT_EQ(registry_.TheRoute().previous_primary, ModelId("b"));

  Committed done = registry_.RollBack();
  EXPECT_EQ(registry_.Roles(), "a=shadow b=primary c=shadow");
  EXPECT_EQ(done.audit.kind, PromotionKind::kRollback);
  EXPECT_EQ(done.audit.undoes, third);
  EXPECT_EQ(done.audit.from, ModelId("c"));
  EXPECT_EQ(done.audit.to, ModelId("b"));
  EXPECT_EQ(done.route.previous_primary, ModelId("a"));
  EXPECT_EQ(done.route.primary_since, done.revision);

  done = registry_.RollBack();
  EXPECT_EQ(registry_.Roles(), "a=primary b=shadow c=shadow");
  EXPECT_EQ(done.audit.undoes, second);
  EXPECT_FALSE(done.route.previous_primary);
  registry_.Refuse(ErrorCode::kConflict, RollBackRoute{kIris});

  // A new promotion can be undone again, and only it.
  registry_.Promote("c");
  registry_.RollBack();
  EXPECT_EQ(registry_.Roles(), "a=primary b=shadow c=shadow");
  registry_.Refuse(ErrorCode::kConflict, RollBackRoute{kIris});
}

TEST_P(RegistryContract, RollbackOfALiveCanaryTakesItsShareAndStops) {
  registry_.Add("a");
  registry_.Activate("a");
  registry_.Add("b", VersionStatus::kShadow);
  registry_.Add("c");
  registry_.Promote("b");
  registry_.Canary("c", 1000);
  const std::string salt = registry_.TheRoute().canary_salt;
  Committed done = registry_.RollBack();
  EXPECT_EQ(registry_.Roles(), "a=shadow b=primary c=canary@0");
  EXPECT_EQ(done.audit.from, ModelId("c"));
  EXPECT_EQ(done.audit.to, ModelId("b"));
  EXPECT_EQ(done.audit.share_before, Share(1000));
  EXPECT_FALSE(done.audit.undoes);
  EXPECT_EQ(done.route.canary_salt, salt) << "it may be raised again for the same users";
  // The next one goes on to the promotion.
  done = registry_.RollBack();
  EXPECT_EQ(registry_.Roles(), "a=primary b=shadow c=canary@0");
}

TEST_P(RegistryContract, RollbackUndoesAnActivationToo) {
  registry_.Add("a");
  registry_.Add("b");
  registry_.Activate("a");
  registry_.Activate("b");
  registry_.RollBack();
  EXPECT_EQ(registry_.Roles(), "a=primary b=shadow");
}

// Activating the primary again may sweep others to standby, but moves no primary: nothing to undo.
TEST_P(RegistryContract, AnActivationThatMovedNoPrimaryIsNotUndone) {
  registry_.Add("a");
  registry_.Activate("a");
  registry_.Add("b", VersionStatus::kShadow);
  registry_.Promote("b");
  registry_.Activate("b");
  EXPECT_EQ(registry_.Roles(), "a=standby b=primary");
  EXPECT_EQ(registry_.TheRoute().previous_primary, ModelId("a"));
  registry_.RollBack();
  EXPECT_EQ(registry_.Roles(), "a=primary b=shadow");
}

TEST_P(RegistryContract, RollbackWithoutATargetSaysWhy) {
  EXPECT_NE(registry_.Refuse(ErrorCode::kNotFound, RollBackRoute{kIris}).find("no route iris"),
            std::string::npos);
  registry_.Add("a");
  registry_.Refuse(ErrorCode::kConflict, RollBackRoute{kIris});
  registry_.Activate("a");
  EXPECT_NE(registry_.Refuse(ErrorCode::kConflict, RollBackRoute{kIris}).find("first"),
            std::string::npos);
  registry_.Add("b", VersionStatus::kShadow);
  registry_.Add("c", VersionStatus::kShadow);
  registry_.Promote("b");
  registry_.Promote("c");
  registry_.Do(RetireVersion{ModelId("b")});
  EXPECT_FALSE(registry_.TheRoute().previous_primary) << "no one can be sent back there";
  EXPECT_NE(registry_.Refuse(ErrorCode::kConflict, RollBackRoute{kIris}).find("b: it was retired"),
            std::string::npos);
  registry_.Do(DeleteOf("b"));
  EXPECT_NE(registry_.Refuse(ErrorCode::kConflict, RollBackRoute{kIris}).find("b: it was deleted"),
            std::string::npos);
  EXPECT_EQ(registry_.Roles(), "a=shadow c=primary");
}

TEST_P(RegistryContract, RollbackToAnArmTakesItOutOfTheSplit) {
  registry_.Add("a");
  registry_.Activate("a");
  registry_.Add("b", VersionStatus::kShadow);
  registry_.Promote("b");
  registry_.Split({{"a", 2000}});
  const Committed done = registry_.RollBack();
  EXPECT_EQ(registry_.Roles(), "a=primary b=shadow");
  EXPECT_TRUE(done.route.arms.empty());
  EXPECT_EQ(done.route.policy, RoutePolicy::kFixed);
}

TEST_P(RegistryContract, RollbackToAWaitingCanaryEndsThatCanary) {
  registry_.Add("a");
  registry_.Activate("a");
  registry_.Add("b", VersionStatus::kShadow);
  registry_.Promote("b");
  registry_.Canary("a", 0);
  const Committed done = registry_.RollBack();
  EXPECT_EQ(registry_.Roles(), "a=primary b=shadow");
  EXPECT_TRUE(done.route.canary_salt.empty());
}

// --- canary ---

TEST_P(RegistryContract, ACanaryKeepsItsSaltThroughEveryShare) {
  registry_.Add("a");
  registry_.Add("b");
  registry_.Activate("a");
  Committed done = registry_.Canary("b", 500);
  const std::string salt = done.route.canary_salt;
  EXPECT_EQ(salt.size(), 12u);
  EXPECT_EQ(done.audit.kind, PromotionKind::kRamp);
  EXPECT_EQ(done.audit.share_before, BasisPoints());
  EXPECT_EQ(done.audit.share_after, Share(500));
  for (const int share : {1, 0, 10'000, 25}) {
    const int before = store_->FindVersion(ModelId("b"))->share.value();
    done = registry_.Canary("b", share);
    EXPECT_EQ(done.route.canary_salt, salt);
    EXPECT_EQ(done.audit.share_before, Share(before));
    EXPECT_EQ(done.audit.share_after, Share(share));
    EXPECT_EQ(done.version->share, Share(share));
  }
  EXPECT_FALSE(registry_.Canary("b", 25).changed);

  done = registry_.Do(EndCanary{kIris});
  EXPECT_EQ(done.audit.kind, PromotionKind::kAbort);
  EXPECT_EQ(done.audit.from, ModelId("b"));
  EXPECT_EQ(done.audit.share_before, Share(25));
  EXPECT_TRUE(done.route.canary_salt.empty());
  EXPECT_EQ(registry_.Roles(), "a=primary b=standby");
  registry_.Refuse(ErrorCode::kConflict, EndCanary{kIris});
  EXPECT_NE(registry_.Canary("b", 500).route.canary_salt, salt) << "a new canary, new buckets";
}

TEST_P(RegistryContract, AnIdleCanaryIsReplacedALiveOneIsNot) {
  for (const char* id : {"a", "b", "c"}) registry_.Add(id);
  registry_.Activate("a");
  registry_.Canary("b", 500);
  registry_.Refuse(ErrorCode::kConflict, SetCanary{kIris, ModelId("c"), Share(100)});
  const std::string salt = registry_.Canary("b", 0).route.canary_salt;
  const Committed done = registry_.Canary("c", 100);
  EXPECT_EQ(registry_.Roles(), "a=primary b=standby c=canary@100");
  EXPECT_NE(done.route.canary_salt, salt);
  EXPECT_EQ(done.audit.from, ModelId("b"));
}

TEST_P(RegistryContract, WhoMayBecomeTheCanary) {
  for (const char* id : {"a", "standby", "retired"}) registry_.Add(id);
  registry_.Add("shadow", VersionStatus::kShadow);
  registry_.Add("elsewhere", VersionStatus::kStandby, "roses");
  const auto canary = [](const char* id) {
    return SetCanary{kIris, ModelId(id), *BasisPoints::From(100)};
  };
  EXPECT_NE(registry_.Refuse(ErrorCode::kConflict, canary("standby")).find("activate one first"),
            std::string::npos);
  registry_.Activate("a");
  registry_.Do(RetireVersion{ModelId("retired")});
  registry_.Refuse(ErrorCode::kInvalidArgument, canary("a"));
  registry_.Refuse(ErrorCode::kInvalidArgument, canary("retired"));
  registry_.Refuse(ErrorCode::kNotFound, canary("nobody"));
  registry_.Refuse(ErrorCode::kNotFound, canary("elsewhere"));
  registry_.Refuse(ErrorCode::kNotFound, SetCanary{RouteName("nowhere"), ModelId("a"), Share(1)});
  registry_.Split({{"standby", 100}});
  registry_.Refuse(ErrorCode::kInvalidArgument, canary("standby"));
  registry_.Refuse(ErrorCode::kConflict, canary("shadow"));
  registry_.Split({});
  registry_.Do(canary("shadow"));
}

// --- arms ---

TEST_P(RegistryContract, ArmsAreReplacedAsAWhole) {
  for (const char* id : {"a", "b", "c", "d"}) registry_.Add(id);
  registry_.Activate("a");
  Committed done = registry_.Split({{"b", 2000}, {"c", 3000}});
  EXPECT_EQ(registry_.Roles(), "a=primary b=arm c=arm d=standby");
  EXPECT_EQ(done.audit.kind, PromotionKind::kArms);
  EXPECT_EQ(done.audit.evidence,
            R"({"arms":[{"model_id":"b","weight_bp":2000},{"model_id":"c","weight_bp":3000}]})");

  done = registry_.Split({{"d", 5000}, {"b", 5000}});
  EXPECT_EQ(registry_.Roles(), "a=primary b=arm c=standby d=arm");
  const Route route = registry_.TheRoute();
  EXPECT_EQ(route.policy, RoutePolicy::kAb);
  ASSERT_EQ(route.arms.size(), 2u);
  EXPECT_EQ(route.arms[0].model_id, ModelId("d"));
  EXPECT_EQ(route.arms[1].slot, 1);
  EXPECT_EQ(route.arms[1].weight, Share(5000));
  EXPECT_FALSE(registry_.Split({{"d", 5000}, {"b", 5000}}).changed);
  EXPECT_TRUE(registry_.Split({{"d", 5000}, {"b", 4999}}).changed) << "a weight alone is a change";

  registry_.Split({});
  EXPECT_EQ(registry_.Roles(), "a=primary b=standby c=standby d=standby");
  EXPECT_EQ(registry_.TheRoute().policy, RoutePolicy::kFixed);
}

TEST_P(RegistryContract, WhoMayBecomeAnArm) {
  for (const char* id : {"a", "b", "c", "retired"}) registry_.Add(id);
  registry_.Do(RetireVersion{ModelId("retired")});
  const auto arms = [](std::vector<std::pair<const char*, int>> list) {
    SetArms verb{kIris, {}};
    for (const auto& [id, weight] : list) verb.arms.push_back({ModelId(id), 0, Share(weight)});
    return verb;
  };
  registry_.Refuse(ErrorCode::kConflict, arms({{"b", 1}}));
  registry_.Activate("a");
  registry_.Refuse(ErrorCode::kInvalidArgument, arms({{"a", 1}}));
  registry_.Refuse(ErrorCode::kInvalidArgument, arms({{"retired", 1}}));
  registry_.Refuse(ErrorCode::kNotFound, arms({{"nobody", 1}}));
  registry_.Refuse(ErrorCode::kInvalidArgument, arms({{"b", 1}, {"b", 2}}));
  registry_.Refuse(ErrorCode::kInvalidArgument, arms({{"b", 10'000}, {"c", 1}}));
  registry_.Canary("b", 100);
  registry_.Refuse(ErrorCode::kConflict, arms({{"c", 1}}));
  registry_.Refuse(ErrorCode::kInvalidArgument, arms({{"b", 1}}));
  registry_.Canary("b", 0);
  registry_.Do(arms({{"c", 10'000}}));
}

// --- retire, delete ---

TEST_P(RegistryContract, WhatServesCannotBeRetiredOrDeleted) {
  for (const char* id : {"a", "b"}) registry_.Add(id);
  registry_.Activate("a");
  registry_.Canary("b", 1);
  for (const char* id : {"a", "b"}) {
    SCOPED_TRACE(id);
    registry_.Refuse(ErrorCode::kConflict, RetireVersion{ModelId(id)});
    registry_.Refuse(ErrorCode::kConflict, DeleteOf(id));
  }
  registry_.Canary("b", 0);
  const Committed done = registry_.Do(RetireVersion{ModelId("b")});
  EXPECT_TRUE(done.route.canary_salt.empty());
  EXPECT_EQ(registry_.Roles(), "a=primary b=retired");
  EXPECT_FALSE(registry_.Do(RetireVersion{ModelId("b")}).changed);
  registry_.Refuse(ErrorCode::kInvalidArgument, ActivateVersion{ModelId("b")});
}

TEST_P(RegistryContract, AnArmWithWeightCannotBeRetiredOneWithoutCan) {
  for (const char* id : {"a", "b", "c"}) registry_.Add(id);
  registry_.Activate("a");
  registry_.Split({{"b", 0}, {"c", 1}});
  registry_.Refuse(ErrorCode::kConflict, RetireVersion{ModelId("c")});
  registry_.Refuse(ErrorCode::kConflict, DeleteOf("c"));
  const Committed done = registry_.Do(RetireVersion{ModelId("b")});
  ASSERT_EQ(done.route.arms.size(), 1u);
  EXPECT_EQ(done.route.arms[0].model_id, ModelId("c"));
}

TEST_P(RegistryContract, TheLibraryMayDeleteALivePrimary) {
  for (const char* id : {"a", "b"}) registry_.Add(id);
  registry_.Activate("a");
  registry_.Activate("b");
  const Committed done = registry_.Do(DeleteOf("b", /*live=*/true));
  EXPECT_EQ(registry_.Roles(), "a=standby");
  EXPECT_EQ(done.route.primary_since, done.revision);
  ASSERT_TRUE(done.version);
  EXPECT_TRUE(done.version->deleted);
  EXPECT_EQ(done.version->status, VersionStatus::kRetired);
  // The way back still leads to a, with nobody to demote.
  registry_.RollBack();
  EXPECT_EQ(registry_.Roles(), "a=primary");
}

TEST_P(RegistryContract, DeletingALiveCanaryOrArmCleansTheRoute) {
  for (const char* id : {"a", "b", "c"}) registry_.Add(id);
  registry_.Activate("a");
  registry_.Canary("b", 500);
  EXPECT_TRUE(registry_.Do(DeleteOf("b", true)).route.canary_salt.empty());
  registry_.Split({{"c", 500}});
  const Route route = registry_.Do(DeleteOf("c", true)).route;
  EXPECT_TRUE(route.arms.empty());
  EXPECT_EQ(route.policy, RoutePolicy::kFixed);
}

// After a primary was deleted alive, an activation starts afresh: going back past it would bring
// an older primary than anybody means by "the previous one".
TEST_P(RegistryContract, ARollbackDoesNotReachPastAnActivationFromNothing) {
  for (const char* id : {"a", "b", "c"}) registry_.Add(id);
  registry_.Activate("a");
  registry_.Activate("b");
  registry_.Do(DeleteOf("b", true));
  registry_.Activate("c");
  EXPECT_FALSE(registry_.TheRoute().previous_primary);
  registry_.Refuse(ErrorCode::kConflict, RollBackRoute{kIris});
}

TEST_P(RegistryContract, TheRouteOutlivesItsLastVersion) {
  registry_.Add("a");
  const std::string salt = registry_.TheRoute().salt;
  registry_.Do(DeleteOf("a"));
  EXPECT_EQ(registry_.Roles(), "");
  registry_.Add("b");
  EXPECT_EQ(registry_.TheRoute().salt, salt);
  for (const Mutation& verb : {Mutation(ActivateVersion{ModelId("a")}), DeleteOf("a"),
                               Mutation(RetireVersion{ModelId("a")})}) {
    EXPECT_NE(registry_.Refuse(ErrorCode::kNotFound, verb).find("deleted"), std::string::npos);
  }
  EXPECT_EQ(store_->FindVersion(ModelId("a")).error().code, ErrorCode::kNotFound);
}

}  // namespace
}  // namespace podium::store
