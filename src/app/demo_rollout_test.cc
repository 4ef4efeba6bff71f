#include "app/demo_rollout.h"

#include <gtest/gtest.h>

#include "base/json.h"
#include "domain/rollout_json.h"

namespace podium::app {
namespace {

// The promise of the demo: what it shows is what everybody gets who asks for a rollout.
TEST(DemoRollout, HasTheChancesOfErrorMarginsAndGuardsThatPodiumShipsWith) {
  DemoVersion version;
  version.model_id = "digits-v2";
  Json body = ParseJson(RolloutBody(version)).value();
  EXPECT_EQ(body.at("candidate"), "digits-v2");
  body.erase("candidate");
  body.erase("reason");
  const Result<RolloutPlan> plan = PlanFromJson(body);
  ASSERT_TRUE(plan) << plan.error().message;
  const RolloutPlan shipped = DefaultPlan();
  EXPECT_EQ(plan->rule, RolloutRule::kSequential);
  EXPECT_EQ(plan->unit, SplitUnit::kRequest);
  EXPECT_EQ(plan->alpha, shipped.alpha);
  EXPECT_EQ(plan->margin, shipped.margin);
  // With a rate of errors that is good enough, since there are none in either version.
  std::vector<RolloutGuard> guards = shipped.guards;
  guards.at(0).at_most = 0.5;
  EXPECT_EQ(plan->guards, guards);
  EXPECT_TRUE(plan->promote_at_end);
}

TEST(DemoRollout, TheNewestOneIsRead) {
  const auto none = ReadNewestRollout(R"({"items":[]})");
  ASSERT_TRUE(none);
  EXPECT_EQ(*none, std::nullopt);
  EXPECT_FALSE(ReadNewestRollout("{}"));
  const auto running = ReadNewestRollout(
      R"({"items":[{"id":"ro_1","candidate":"digits-v2","candidate_version":"v2","phase":"running",)"
      R"("step":1,"steps":2,"traffic_pct":20.0,"said":"began","sentence":"so far equal"},{}]})");
  ASSERT_TRUE(running);
  EXPECT_EQ(**running, (DemoRollout{"ro_1", "v2", "running", 1, 2, 20, "so far equal"}));
  const auto ended = ReadNewestRollout(
      R"({"items":[{"id":"ro_1","candidate":"digits-v3","candidate_version":null,)"
      R"("phase":"rolled_back","step":1,"steps":2,"traffic_pct":0,"said":"worse","sentence":"x"}]})");
  ASSERT_TRUE(ended);
  EXPECT_EQ((*ended)->candidate, "digits-v3");
  EXPECT_EQ((*ended)->sentence, "worse");
}

TEST(DemoRollout, IsToldWithItsSentence) {
  const DemoRollout running{"ro_1", "v2", "running", 1, 2, 20, "nothing is proven yet"};
  EXPECT_EQ(RolloutHeadline(running), "rollout of v2 running, step 1 of 2 at 20%");
  const DemoRollout ended{"ro_1", "v3", "rolled_back", 1, 2, 0, "5 of 60 failed"};
  EXPECT_EQ(RolloutLine(ended, "digits", std::chrono::seconds(42)),
            "00:00:42 digits: rollout of v3 rolled back: 5 of 60 failed");
  EXPECT_EQ(RolloutLines(ended, 24, 3),
            (std::vector<std::string>{"rollout of v3 rolled", "  back: 5 of 60 failed"}));
  EXPECT_EQ(RolloutLines(ended, 24, 1), (std::vector<std::string>{"rollout of v3 rolled"}));
}

}  // namespace
}  // namespace podium::app
