// Decide without any store: every verb against every status.
#include "store/decide.h"

#include <gtest/gtest.h>

#include <map>

namespace podium::store {
namespace {

const RouteName kRoute("iris");

ModelVersion Version(const std::string& id, VersionStatus status, int share = 0) {
  ModelVersion row;
  row.model_id = ModelId(id);
  row.route = kRoute;
  row.name = "iris";
  row.version = id;
  row.provider_key = "local";
  row.status = status;
  row.share = *BasisPoints::From(share);
  return row;
}

/// A route with `p` as its primary and `x`, which the verbs are about, in any status.
RouteSnapshot With(VersionStatus status, int share = 0) {
  RouteSnapshot state;
  state.route = Route();
  state.route->name = kRoute;
  state.versions = {Version("p", VersionStatus::kPrimary)};
  if (status == VersionStatus::kPrimary) {
    state.versions[0].status = VersionStatus::kShadow;
  }
  state.versions.push_back(Version("x", status, share));
  if (status == VersionStatus::kArm) {
    state.route->policy = RoutePolicy::kAb;
    state.route->arms = {{ModelId("x"), 0, *BasisPoints::From(share)}};
    state.versions[1].share = BasisPoints();
  }
  if (status == VersionStatus::kCanary) state.route->canary_salt = "old";
  state.named = state.versions[1];
  return state;
}

Stamp TheStamp() {
  return {Revision(7), WallTime(std::chrono::seconds(9)), ModelId("fresh"), "route-salt",
          "new-salt"};
}

std::string Try(const RouteSnapshot& state, const Mutation& mutation) {
  const Result<Changes> changes = Decide(state, mutation, {}, TheStamp());
  if (!changes) return std::string(TraitsOf(changes.error().code).slug);
  if (!changes->changed) return "unchanged";
  std::string text;
  for (const ModelVersion& row : changes->versions) {
    text += (text.empty() ? "" : " ") + row.model_id.get() + "=" +
            (row.deleted ? "gone" : std::string(NameOf(row.status)));
  }
  return text;
}

TEST(Decide, EveryVerbOnEveryStatus) {
  const ModelId x("x");
  const BasisPoints some = *BasisPoints::From(100);
  const std::map<std::string, Mutation> verbs = {
      {"activate", ActivateVersion{x}},       {"arm", SetArms{kRoute, {{x, 0, some}}}},
      {"canary", SetCanary{kRoute, x, some}}, {"delete", DeleteVersion{x, false}},
      {"delete!", DeleteVersion{x, true}},    {"promote", PromoteVersion{x}},
      {"retire", RetireVersion{x}},
  };
  struct Case {
    VersionStatus status;
    int share;
    std::map<std::string, std::string> want;
  };
  const Case cases[] = {
      {VersionStatus::kPrimary,
       0,
       {{"activate", "p=standby"},
        {"arm", "invalid_argument"},
        {"canary", "invalid_argument"},
        {"delete", "conflict"},
        {"delete!", "x=gone"},
        {"promote", "invalid_argument"},
        {"retire", "conflict"}}},
      {VersionStatus::kCanary,
       500,
       {{"activate", "p=standby x=primary"},
        {"arm", "invalid_argument"},
        {"canary", "x=canary"},
        {"delete", "conflict"},
        {"delete!", "x=gone"},
        {"promote", "p=shadow x=primary"},
        {"retire", "conflict"}}},
      {VersionStatus::kCanary,
       0,
       {{"activate", "p=standby x=primary"},
        {"arm", "invalid_argument"},
        {"canary", "x=canary"},
        {"delete", "x=gone"},
        {"delete!", "x=gone"},
        {"promote", "p=shadow x=primary"},
        {"retire", "x=retired"}}},
      {VersionStatus::kShadow,
       0,
       {{"activate", "p=standby x=primary"},
        {"arm", "x=arm"},
        {"canary", "x=canary"},
        {"delete", "x=gone"},
        {"delete!", "x=gone"},
        {"promote", "p=shadow x=primary"},
        {"retire", "x=retired"}}},
      {VersionStatus::kArm,
       100,
       {{"activate", "p=standby x=primary"},
        {"arm", "unchanged"},
        {"canary", "invalid_argument"},
        {"delete", "conflict"},
        {"delete!", "x=gone"},
        {"promote", "invalid_argument"},
        {"retire", "conflict"}}},
      {VersionStatus::kStandby,
       0,
       {{"activate", "p=standby x=primary"},
        {"arm", "x=arm"},
        {"canary", "x=canary"},
        {"delete", "x=gone"},
        {"delete!", "x=gone"},
        {"promote", "invalid_argument"},
        {"retire", "x=retired"}}},
      {VersionStatus::kRetired,
       0,
       {{"activate", "invalid_argument"},
        {"arm", "invalid_argument"},
        {"canary", "invalid_argument"},
        {"delete", "x=gone"},
        {"delete!", "x=gone"},
        {"promote", "invalid_argument"},
        {"retire", "unchanged"}}},
  };
  for (const Case& c : cases) {
    for (const auto& [name, verb] : verbs) {
      SCOPED_TRACE(fmt::format("{} on {} {}", name, NameOf(c.status), c.share));
      EXPECT_EQ(Try(With(c.status, c.share), verb), c.want.at(name));
    }
  }
}

// The unique index on primaries looks at each row as it is written: the old one must go first.
TEST(Decide, DemotesBeforeItPromotes) {
  RouteSnapshot state = With(VersionStatus::kShadow);
  std::swap(state.versions[0], state.versions[1]);
  const auto changes = Decide(state, PromoteVersion{ModelId("x")}, {}, TheStamp());
  ASSERT_TRUE(changes);
  ASSERT_EQ(changes->versions.size(), 2u);
  EXPECT_EQ(changes->versions[0].model_id, ModelId("p"));
  EXPECT_EQ(changes->versions[1].status, VersionStatus::kPrimary);
}

// A rollback undoes what it was admitted to undo, or nothing: what it would find instead was warmed
// by nobody (INV-7), and was asked for by nobody.
TEST(Decide, ARollbackIsHeldToTheCanaryThatItWasAdmittedOn) {
  struct Case {
    const char* pinned;  // Null: not pinned.
    VersionStatus x;
    int share;
    std::string want;
  };
  const Case cases[] = {
      {nullptr, VersionStatus::kCanary, 500, "done"},
      {nullptr, VersionStatus::kCanary, 0, "done"},
      {"x", VersionStatus::kCanary, 500, "done"},
      {"x", VersionStatus::kCanary, 1, "done"},
      {"x", VersionStatus::kCanary, 0, "canary x of route iris lost its share"},
      {"x", VersionStatus::kStandby, 0, "canary x of route iris lost its share"},
      {"", VersionStatus::kCanary, 0, "done"},
      {"", VersionStatus::kStandby, 0, "done"},
      {"", VersionStatus::kCanary, 1, "x became the canary with a share of route iris"},
      {"y", VersionStatus::kCanary, 500, "x became the canary with a share of route iris"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(fmt::format("{} pinned, x is {} {}", c.pinned == nullptr ? "nothing" : c.pinned,
                             NameOf(c.x), c.share));
    RouteSnapshot state = With(c.x, c.share);
    state.versions.push_back(Version("before", VersionStatus::kShadow));
    Promotion standing;
    standing.from = ModelId("before");
    standing.to = ModelId("p");
    state.standing_promotions = {standing};
    MutationContext context;
    if (c.pinned != nullptr) context.pinned_canary = ModelId(c.pinned);
    const auto changes = Decide(state, RollBackRoute{kRoute}, context, TheStamp());
    if (c.want == "done") {
      EXPECT_TRUE(changes) << Describe(changes.error());
      continue;
    }
    ASSERT_FALSE(changes);
    EXPECT_EQ(changes.error().code, ErrorCode::kConflict);
    EXPECT_EQ(changes.error().message, c.want + " after this request was admitted: look again");
  }
}

TEST(Decide, Inv7HoldsASplitToTheArmsThatItWasAdmittedOn) {
  const BasisPoints some = *BasisPoints::From(300);
  RouteSnapshot state = With(VersionStatus::kArm, 0);
  state.route->arms = {{ModelId("x"), 0, some}};
  MutationContext context;
  context.pinned_arms = state.route->arms;
  const SetArms more{kRoute, {{ModelId("x"), 0, *BasisPoints::From(400)}}};
  EXPECT_TRUE(Decide(state, more, context, TheStamp()));
  state.route->arms[0].weight = BasisPoints();  // By another call meanwhile.
  const auto refused = Decide(state, more, context, TheStamp());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kConflict);
  EXPECT_EQ(refused.error().message,
            "the arms of route iris changed after this request was admitted: look again");
}

TEST(Decide, StampsOnlyWhatChanged) {
  RouteSnapshot state = With(VersionStatus::kStandby);
  state.versions.push_back(Version("bystander", VersionStatus::kStandby));
  const auto changes =
      Decide(state, SetCanary{kRoute, ModelId("x"), *BasisPoints::From(1)}, {}, TheStamp());
  ASSERT_TRUE(changes);
  ASSERT_EQ(changes->versions.size(), 1u);
  EXPECT_EQ(changes->versions[0].revision, Revision(7));
  EXPECT_EQ(changes->versions[0].updated_at, TheStamp().now);
  EXPECT_EQ(changes->route.revision, Revision(7));
  EXPECT_EQ(changes->route.canary_salt, "new-salt");
  EXPECT_EQ(changes->audit.evidence, R"({"canary_salt":"new-salt"})");
  EXPECT_EQ(changes->audit.revision, Revision(7));
  EXPECT_EQ(changes->audit.at, TheStamp().now);
}

TEST(Decide, ARegistrationIsCheckedFieldByField) {
  struct Case {
    const char* name;
    const char* where;
    void (*spoil)(ModelVersion&);
  };
  const Case cases[] = {
      {"no route", "route", [](ModelVersion& v) { v.route = RouteName(); }},
      {"route with a slash", "route", [](ModelVersion& v) { v.route = RouteName("a/b"); }},
      {"long id", "model_id", [](ModelVersion& v) { v.model_id = ModelId(std::string(129, 'a')); }},
      {"no version", "version", [](ModelVersion& v) { v.version.clear(); }},
      {"name with a space", "name", [](ModelVersion& v) { v.name = "a b"; }},
      {"control byte", "source_run", [](ModelVersion& v) { v.source_run = "a\x01"; }},
      {"long uri", "artifact_uri",
       [](ModelVersion& v) { v.artifact_uri = std::string(2049, 'u'); }},
      {"short digest", "sha256", [](ModelVersion& v) { v.artifact_sha256 = "abc"; }},
      {"upper-case digest", "sha256",
       [](ModelVersion& v) { v.artifact_sha256 = std::string(64, 'A'); }},
      {"signature list", "signature", [](ModelVersion& v) { v.signature = "[]"; }},
      {"signature cut", "signature", [](ModelVersion& v) { v.signature = "{\"a\":"; }},
      {"NaN", "metrics", [](ModelVersion& v) { v.metrics["auc"] = __builtin_nan(""); }},
      {"infinity", "metrics", [](ModelVersion& v) { v.metrics["auc"] = __builtin_inf(); }},
      {"empty metric", "metrics", [](ModelVersion& v) { v.metrics[""] = 1; }},
      {"not UTF-8", "tags", [](ModelVersion& v) { v.tags["a"] = "\xff"; }},
      {"101 tags", "tags",
       [](ModelVersion& v) {
         for (int i = 0; i < 101; ++i) v.tags[std::to_string(i)] = "t";
       }},
      {"born primary", "status", [](ModelVersion& v) { v.status = VersionStatus::kPrimary; }},
      {"born retired", "status", [](ModelVersion& v) { v.status = VersionStatus::kRetired; }},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    ModelVersion row = Version("x", VersionStatus::kStandby);
    ASSERT_TRUE(Decide({}, RegisterVersion{row}, {}, TheStamp()));
    c.spoil(row);
    const auto refused = Decide({}, RegisterVersion{row}, {}, TheStamp());
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::kInvalidArgument);
    EXPECT_EQ(refused.error().where, c.where);
    EXPECT_FALSE(refused.error().message.empty());
  }
}

// INV-16: a row at every limit is taken.
TEST(Decide, ARegistrationAtEveryLimitIsTaken) {
  ModelVersion row = Version(std::string(128, 'x'), VersionStatus::kShadow);
  row.artifact_uri = std::string(2048, 'u');
  row.artifact_sha256 = std::string(64, 'a');
  for (int i = 0; i < 100; ++i) {
    row.tags[std::to_string(i)] = std::string(2048, 't');
    row.metrics[std::to_string(i)] = i;
  }
  const auto changes = Decide({}, RegisterVersion{row}, {}, TheStamp());
  EXPECT_TRUE(changes) << Describe(changes.error());
}

TEST(Decide, NamesTheRowsThatItNeeds) {
  ModelVersion row = Version("x", VersionStatus::kStandby);
  row.parent_id = ModelId("y");
  const Subject registration = SubjectOf(RegisterVersion{row});
  EXPECT_EQ(registration.route, kRoute);
  EXPECT_EQ(registration.id, ModelId("x"));
  EXPECT_EQ(registration.parent, ModelId("y"));
  EXPECT_EQ(SubjectOf(PromoteVersion{ModelId("x")}).route, RouteName());
  EXPECT_FALSE(SubjectOf(PromoteVersion{ModelId("x")}).history);
  EXPECT_TRUE(SubjectOf(RollBackRoute{kRoute}).history);
}

}  // namespace
}  // namespace podium::store
