// The contract of RegistryStore, part one: what a mutation keeps and answers, on every database.
// What each verb does to a route, and what it refuses, is told in tests/scenarios.
#include "store/store_contract.h"

namespace podium::store {
namespace {

INSTANTIATE_TEST_SUITE_P(Stores, RegistryContract, AllBackends(), BackendName);

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

TEST_P(RegistryContract, APromoteKeepsWhoAskedHowAndWhy) {
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

TEST_P(RegistryContract, AnAuditRowOfArmsHoldsThemAndTheirSlotsFollowTheList) {
  for (const char* id : {"a", "b", "c"}) registry_.Add(id);
  registry_.Activate("a");
  const Committed done = registry_.Split({{"c", 2000}, {"b", 3000}});
  EXPECT_EQ(done.audit.evidence,
            R"({"arms":[{"model_id":"c","weight_bp":2000},{"model_id":"b","weight_bp":3000}]})");
  const Route route = registry_.TheRoute();
  ASSERT_EQ(route.arms.size(), 2u);
  EXPECT_EQ(route.arms[0].model_id, ModelId("c"));
  EXPECT_EQ(route.arms[0].slot, 0);
  EXPECT_EQ(route.arms[1].slot, 1);
  EXPECT_EQ(TextOf(route), TextOf(done.route));
}

TEST_P(RegistryContract, TheAnswerToADeleteIsItsTombstone) {
  registry_.Add("a");
  registry_.Activate("a");
  const Committed done = registry_.Do(DeleteVersion{ModelId("a"), /*allow_live=*/true});
  EXPECT_EQ(done.route.primary_since, done.revision);
  ASSERT_TRUE(done.version);
  EXPECT_TRUE(done.version->deleted);
  EXPECT_EQ(done.version->status, VersionStatus::kRetired);
  EXPECT_EQ(store_->FindVersion(ModelId("a")).error().code, ErrorCode::kNotFound);
}

}  // namespace
}  // namespace podium::store
