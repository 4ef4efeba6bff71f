// The contract of RegistryStore, part five: what the audit trail says of any past moment, and what
// becomes visible when somebody has been at it.
#include <gmock/gmock.h>

#include "store/audit_replay.h"
#include "store/store_contract.h"

namespace podium::store {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class RegistryStanding : public RegistryContract {
 protected:
  RouteStanding At(std::int64_t revision) {
    auto found = store_->ReadStanding(kIris, {MakeGeneration(0, Revision(revision)), std::nullopt});
    EXPECT_TRUE(found) << Describe(found.error());
    return found ? std::move(*found) : RouteStanding{};
  }
};

MutationContext By(const std::string& actor) {
  MutationContext context;
  context.actor = actor;
  context.origin = "cli";
  context.reason = "try it";
  return context;
}
INSTANTIATE_TEST_SUITE_P(Stores, RegistryStanding, AllBackends(), BackendName);

TEST_P(RegistryStanding, SaysWhoHeldWhatAndWhoBroughtItAbout) {
  registry_.Add("a");                                      // 1
  registry_.Add("b");                                      // 2
  registry_.Do(ActivateVersion{ModelId("a")}, By("ann"));  // 3
  registry_.Do(SetCanary{kIris, ModelId("b"), Share(500)},
               By("bob"));                                               // 4
  registry_.Do(SetCanary{kIris, ModelId("b"), Share(2500)}, By("eve"));  // 5
  registry_.RollBack();                                                  // 6
  const RouteStanding then = At(4);
  EXPECT_EQ(then.primary, ModelId("a"));
  EXPECT_EQ(then.primary_by->actor, "ann");
  EXPECT_EQ(then.canary, ModelId("b"));
  EXPECT_EQ(then.share, Share(500));
  EXPECT_EQ(then.canary_by->actor, "bob");
  EXPECT_EQ(then.canary_by->origin, "cli");
  EXPECT_EQ(then.canary_by->reason, "try it");
  EXPECT_EQ(then.canary_salt, registry_.TheRoute().canary_salt);
  EXPECT_EQ(then.salt, registry_.TheRoute().salt);
  EXPECT_THAT(then.unknown, IsEmpty());
  EXPECT_EQ(then.versions.size(), 2u);
  EXPECT_EQ(At(5).canary_by->actor, "eve");
  EXPECT_EQ(At(5).canary_salt, then.canary_salt) << "a larger share keeps its users";
  EXPECT_EQ(At(6).share, Share(0));
  EXPECT_EQ(At(6).canary, ModelId("b")) << "a rollback takes the share, not the role";
  EXPECT_EQ(At(2).primary, std::nullopt);
}

// A version that was deleted since then still served then.
TEST_P(RegistryStanding, TheDeletedAreStillThereThen) {
  registry_.Add("a");
  registry_.Activate("a");
  registry_.Add("b");
  registry_.Activate("b");
  registry_.Do(DeleteVersion{ModelId("a")});
  const RouteStanding then = At(2);
  EXPECT_EQ(then.primary, ModelId("a"));
  ASSERT_EQ(then.versions.size(), 1u);
  EXPECT_TRUE(then.versions.front().deleted);
  EXPECT_FALSE(VersionsOf(then).front().deleted);
}

TEST_P(RegistryStanding, WhatIsNotThereSaysSo) {
  registry_.Add("x", VersionStatus::kStandby, "roses");
  registry_.Add("a");
  const auto code = [&](const RouteName& route, const HistoryPoint& point) {
    return store_->ReadStanding(route, point).error().code;
  };
  EXPECT_EQ(code(RouteName("nowhere"), {}), ErrorCode::kNotFound);
  EXPECT_EQ(code(kIris, {MakeGeneration(0, Revision(1)), std::nullopt}), ErrorCode::kNotFound);
  EXPECT_EQ(code(kIris, {MakeGeneration(0, Revision(3)), std::nullopt}), ErrorCode::kUnprocessable);
  EXPECT_EQ(code(kIris, {std::nullopt, clock_.Now() - std::chrono::hours(1)}),
            ErrorCode::kNotFound);
}

Promotion Bare(PromotionKind kind, std::int64_t revision, std::optional<ModelId> to) {
  Promotion row;
  row.revision = Revision(revision);
  row.kind = kind;
  row.to = std::move(to);
  return row;
}

// Rows of a registry that somebody has edited say what they say: never more, and never a crash.
TEST(AuditReplayText, WhatARowDoesNotSayIsNamed) {
  AuditReplay replay(kIris);
  replay.Add(Bare(PromotionKind::kRegister, 1, ModelId("a")));
  replay.Add(Bare(PromotionKind::kRamp, 2, ModelId("b")));
  Promotion arms = Bare(PromotionKind::kArms, 3, std::nullopt);
  arms.evidence = R"({"arms":[{"model_id":"c","weight_bp":500},{"model_id":"d"},7]})";
  replay.Add(arms);
  arms.revision = Revision(4);
  arms.evidence = "[";
  replay.Add(arms);
  const RouteStanding standing = std::move(replay).Take();
  EXPECT_THAT(standing.unknown,
              ElementsAre(HasSubstr("the route's salt is not in its first row, 1"),
                          HasSubstr("salt of the canary of revision 2"),
                          HasSubstr("which arms revision 3 has set"),
                          HasSubstr("which arms revision 4 has set")));
  EXPECT_THAT(standing.arms, IsEmpty());
}

}  // namespace
}  // namespace podium::store
