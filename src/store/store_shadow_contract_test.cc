// The contract of RegistryStore: what a route's shadows get copies of, and its challenger.
#include <gtest/gtest.h>

#include "store/store_contract.h"

namespace podium::store {
namespace {

class RegistryShadow : public RegistryContract {
 protected:
  std::string NewestType() {
    const std::vector<OutboxEvent> events = registry_.Events();
    return events.empty() ? "" : events.back().type;
  }
};
INSTANTIATE_TEST_SUITE_P(Stores, RegistryShadow, AllBackends(), BackendName);

TEST_P(RegistryShadow, BothComeBackAsTheyWereSet) {
  registry_.Add("a");
  registry_.Activate("a");
  registry_.Add("b");
  ShadowPlan plan;
  plan.rate = Share(2500);
  plan.daily_cap = NanoUsd{5'000'000'000};
  plan.tolerance = 0.25;
  const Committed set = registry_.Do(SetShadow{kIris, plan});
  EXPECT_EQ(set.audit.kind, PromotionKind::kShadow);
  EXPECT_EQ(registry_.TheRoute().shadow, plan);
  EXPECT_EQ(NewestType(), "podium.shadow.changed");
  const auto delta = store_->ReadTable(Revision(set.revision.get() - 1));
  ASSERT_TRUE(delta);
  ASSERT_EQ(delta->routes.size(), 1U) << "whoever follows the table hears of it";
  EXPECT_EQ(delta->routes.front().shadow, plan);
  EXPECT_FALSE(registry_.Do(SetShadow{kIris, plan}).changed);

  ChallengerPlan against;
  against.challenger = ModelId("b");
  against.testing = true;
  against.sticky = true;
  against.deadline = std::chrono::milliseconds(250);
  EXPECT_EQ(registry_.Do(SetChallenger{kIris, against}).audit.to, ModelId("b"));
  EXPECT_EQ(registry_.TheRoute().challenger, against);
  EXPECT_EQ(registry_.TheRoute().shadow, plan) << "neither touches the other";
  EXPECT_EQ(NewestType(), "podium.challenger.changed");

  registry_.Do(SetShadow{kIris, std::nullopt});
  ASSERT_TRUE(registry_.TheRoute().shadow);
  EXPECT_FALSE(registry_.TheRoute().shadow->on());
  registry_.Do(SetChallenger{kIris, std::nullopt});
  EXPECT_EQ(registry_.TheRoute().challenger, std::nullopt);
}

// C1: the one that made room goes on being watched, under the plan that named the other one.
TEST_P(RegistryShadow, APromoteLeavesTheDemotedOneWatching) {
  registry_.Add("a");
  registry_.Activate("a");
  ModelVersion row = Row("s");
  row.status = VersionStatus::kShadow;
  registry_.Do(RegisterVersion{row});
  ShadowPlan plan;
  plan.rate = Share(10'000);
  plan.versions = {ModelId("s")};
  registry_.Do(SetShadow{kIris, plan});
  registry_.Promote("s");
  EXPECT_EQ(registry_.Roles(), "a=shadow s=primary");
  EXPECT_EQ(registry_.TheRoute().shadow->versions, std::vector<ModelId>{ModelId("a")});
  registry_.RollBack();
  EXPECT_EQ(registry_.TheRoute().shadow->versions, std::vector<ModelId>{ModelId("s")});
}

}  // namespace
}  // namespace podium::store
