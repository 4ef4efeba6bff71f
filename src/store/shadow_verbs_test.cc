// What may be said of a route's shadows and challenger, decided without any store.
#include "store/shadow_verbs.h"

#include <gtest/gtest.h>

#include "base/json.h"
#include "store/shadow_row.h"

namespace podium::store {
namespace {

const RouteName kShadowShop("shop");

ModelVersion ShadowVersion(const char* id, VersionStatus status) {
  ModelVersion row;
  row.model_id = ModelId(id);
  row.route = kShadowShop;
  row.name = "shop";
  row.version = id;
  row.provider_key = "local";
  row.status = status;
  return row;
}

/// `p` is primary, `s` a shadow, `b` on standby, `c` a canary without a share.
RouteSnapshot ShadowedShop(const char* named = "") {
  RouteSnapshot state;
  state.route = Route();
  state.route->name = kShadowShop;
  state.versions = {
      ShadowVersion("p", VersionStatus::kPrimary), ShadowVersion("s", VersionStatus::kShadow),
      ShadowVersion("b", VersionStatus::kStandby), ShadowVersion("c", VersionStatus::kCanary)};
  for (const ModelVersion& row : state.versions) {
    if (row.model_id == ModelId(named)) state.named = row;
  }
  return state;
}

Stamp ShadowStamp() {
  return {Revision(7), WallTime(std::chrono::seconds(9)), ModelId("fresh"), "route-salt",
          "new-salt"};
}

ShadowPlan HalfOf(std::vector<ModelId> versions = {}) {
  ShadowPlan plan;
  plan.rate = *BasisPoints::From(5000);
  plan.versions = std::move(versions);
  return plan;
}

ChallengerPlan AgainstOne(const char* id) {
  ChallengerPlan plan;
  plan.challenger = ModelId(id);
  plan.testing = true;
  return plan;
}

std::string Verdict(const Result<Changes>& changes) {
  if (!changes) return std::string(TraitsOf(changes.error().code).slug);
  return changes->changed ? "done" : "unchanged";
}

TEST(SetShadow, NamesShadowsOfTheRouteOrAll) {
  struct Case {
    const char* name;
    SetShadow verb;
    const char* want;
  };
  ShadowPlan twice = HalfOf({ModelId("s"), ModelId("s")});
  ShadowPlan capless = HalfOf();
  capless.daily_cap = NanoUsd{-1};
  ShadowPlan vague = HalfOf();
  vague.tolerance = 1.5;
  const Case cases[] = {
      {"all", {kShadowShop, HalfOf()}, "done"},
      {"one", {kShadowShop, HalfOf({ModelId("s")})}, "done"},
      {"the primary", {kShadowShop, HalfOf({ModelId("p")})}, "invalid_argument"},
      {"one on standby", {kShadowShop, HalfOf({ModelId("b")})}, "invalid_argument"},
      {"nobody", {kShadowShop, HalfOf({ModelId("x")})}, "not_found"},
      {"one twice", {kShadowShop, twice}, "invalid_argument"},
      {"a negative cap", {kShadowShop, capless}, "invalid_argument"},
      {"a tolerance above 1", {kShadowShop, vague}, "invalid_argument"},
      {"off, when nobody said anything", {kShadowShop, std::nullopt}, "unchanged"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    EXPECT_EQ(Verdict(Decide(ShadowedShop(), c.verb, {}, ShadowStamp())), c.want);
  }
}

// What configuration says counts once: whatever a person said afterwards stays, off too.
TEST(SetShadow, ASeedNeverOverwrites) {
  const SetShadow seed{kShadowShop, HalfOf(), true};
  EXPECT_EQ(Verdict(Decide(ShadowedShop(), seed, {}, ShadowStamp())), "done");
  RouteSnapshot said = ShadowedShop();
  said.route->shadow = HalfOf({ModelId("s")});
  EXPECT_EQ(Verdict(Decide(said, seed, {}, ShadowStamp())), "unchanged");
  const auto off = Decide(said, SetShadow{kShadowShop, std::nullopt}, {}, ShadowStamp());
  ASSERT_TRUE(off);
  ASSERT_TRUE(off->route.shadow) << "that it is off was said";
  EXPECT_FALSE(off->route.shadow->on());
  said.route->shadow = off->route.shadow;
  EXPECT_EQ(Verdict(Decide(said, seed, {}, ShadowStamp())), "unchanged");
}

// C1, D2: the demoted one takes the place of the one that is promoted; nobody watches itself.
TEST(SetShadow, APromoteChangesPlaces) {
  RouteSnapshot state = ShadowedShop("s");
  state.route->shadow = HalfOf({ModelId("s")});
  const auto promoted = Decide(state, PromoteVersion{ModelId("s")}, {}, ShadowStamp());
  ASSERT_TRUE(promoted) << Describe(promoted.error());
  EXPECT_EQ(promoted->route.shadow->versions, std::vector<ModelId>{ModelId("p")});
  state.route->shadow = HalfOf();
  const auto all = Decide(state, PromoteVersion{ModelId("s")}, {}, ShadowStamp());
  ASSERT_TRUE(all);
  EXPECT_EQ(all->route.shadow, HalfOf());
}

TEST(SetChallenger, IsAShadowOrOnStandby) {
  for (const auto& [id, want] : {std::pair("s", "done"),
                                 {"b", "done"},
                                 {"p", "invalid_argument"},
                                 {"c", "invalid_argument"},
                                 {"x", "not_found"}}) {
    SCOPED_TRACE(id);
    const SetChallenger verb{kShadowShop, AgainstOne(id)};
    EXPECT_EQ(Verdict(Decide(ShadowedShop(id), verb, {}, ShadowStamp())), want);
  }
  RouteSnapshot split = ShadowedShop("s");
  split.route->arms = {{ModelId("b"), 0, *BasisPoints::From(100)}};
  EXPECT_EQ(Verdict(Decide(split, SetChallenger{kShadowShop, AgainstOne("s")}, {}, ShadowStamp())),
            "conflict");
  RouteSnapshot same = ShadowedShop("s");
  same.route->challenger = AgainstOne("s");
  EXPECT_EQ(Verdict(Decide(same, SetChallenger{kShadowShop, AgainstOne("s")}, {}, ShadowStamp())),
            "unchanged");
  const auto ended = Decide(same, SetChallenger{kShadowShop, std::nullopt}, {}, ShadowStamp());
  ASSERT_TRUE(ended);
  EXPECT_EQ(ended->route.challenger, std::nullopt);
  EXPECT_EQ(ended->audit.from, ModelId("s"));
}

// What people write by SQL is read, or refused with its name; nothing crashes.
TEST(ShadowRow, ComesBackAsItWasWrittenOrSaysWhy) {
  const ShadowPlan plan = HalfOf({ModelId("s")});
  EXPECT_EQ(ShadowFromText(ShadowToText(plan)), plan);
  ChallengerPlan against = AgainstOne("s");
  against.sticky = true;
  against.deadline = std::chrono::milliseconds(200);
  EXPECT_EQ(ChallengerFromText(ChallengerToText(against)), against);
  EXPECT_EQ(ShadowFromText(R"({"rate_bp": 5})")->rate.value(), 5);
  for (const char* bad :
       {"", "1", "{}", R"({"rate_bp": "5"})", R"({"rate_bp": 10001})",
        R"({"rate_bp": 1, "versions": "s"})", R"({"rate_bp": 1, "tolerance": []})",
        R"({"rate_bp": 1, "versions": [1]})"}) {
    SCOPED_TRACE(bad);
    const auto read = ShadowFromText(bad);
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error().code, ErrorCode::kUnprocessable);
  }
  for (const char* bad :
       {"[]", "{}", R"({"challenger": 1})", R"({"challenger": "s", "testing": "yes"})",
        R"({"challenger": "s", "weight_bp": -1})", R"({"challenger": "s", "deadline_ms": -1})"}) {
    SCOPED_TRACE(bad);
    EXPECT_FALSE(ChallengerFromText(bad));
  }
}

}  // namespace
}  // namespace podium::store
