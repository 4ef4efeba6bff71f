// What is said of a plan before it starts.
#include "control/admin/rollout_outlook.h"

#include <gtest/gtest.h>

#include <cmath>
#include <string>

namespace podium::control {
namespace {

RolloutPlan RequestPlan() {
  RolloutPlan plan = DefaultPlan();
  plan.unit = SplitUnit::kRequest;
  plan.deadline = std::chrono::hours(1);
  return plan;
}

// A hundred a second, one in a hundred bad.
constexpr PrimaryTraffic kBusy{100'000, 1'000, 100};

bool Warns(const RolloutOutlook& outlook, const std::string& words) {
  for (const std::string& warning : outlook.warnings) {
    if (warning.find(words) != std::string::npos) return true;
  }
  return false;
}

TEST(OutlookOf, ASmallShareNeedsMoreRequests) {
  const RolloutPlan plan = RequestPlan();
  const RolloutOutlook outlook = OutlookOf(plan, kBusy, 1);
  ASSERT_EQ(outlook.steps.size(), plan.steps.size());
  EXPECT_GT(outlook.steps[0].to_catch, outlook.steps[1].to_catch);
  EXPECT_GT(outlook.steps[1].to_catch, outlook.steps[3].to_catch);
  // 1 % of the traffic, errors of 1 %: ln(1/0.03) + 1.5 over what one event says, per event.
  EXPECT_GT(outlook.steps[0].to_catch, 10'000);
  EXPECT_LT(outlook.steps[0].to_catch, 1'000'000);
  EXPECT_TRUE(std::isfinite(outlook.steps[0].to_pass));
}

TEST(OutlookOf, SaysWhichStepCannotBeJudged) {
  RolloutPlan plan = RequestPlan();
  EXPECT_TRUE(Warns(OutlookOf(plan, {1'000, 10, 0.01}, 1), "No power"))
      << "36 requests an hour prove nothing";
  plan.deadline = std::chrono::hours(24 * 90);
  plan.steps = {RolloutStep{*BasisPoints::From(5'000), {}, {}, false}};
  const RolloutOutlook roomy = OutlookOf(plan, kBusy, 1);
  EXPECT_TRUE(roomy.warnings.empty()) << roomy.warnings.front();
}

// The same traffic is enough for the first attempt and not for the tenth.
TEST(OutlookOf, AFurtherAttemptNeedsMore) {
  const RolloutPlan plan = RequestPlan();
  const RolloutOutlook first = OutlookOf(plan, kBusy, 1);
  const RolloutOutlook tenth = OutlookOf(plan, kBusy, 10);
  EXPECT_GT(tenth.steps[2].to_pass, first.steps[2].to_pass);
  EXPECT_TRUE(Warns(tenth, "attempt 10"));
  EXPECT_FALSE(Warns(first, "attempt"));
}

TEST(OutlookOf, WithoutTrafficNothingIsPromised) {
  const RolloutOutlook outlook = OutlookOf(RequestPlan(), {}, 1);
  EXPECT_TRUE(outlook.steps.empty());
  EXPECT_TRUE(Warns(outlook, "answered nothing"));
}

TEST(OutlookOf, StickyUnitsNeedKeysAndNotRequests) {
  RolloutPlan plan = RequestPlan();
  plan.unit = SplitUnit::kSession;
  plan.steps[0].bake = std::chrono::minutes(10);
  const RolloutOutlook outlook = OutlookOf(plan, {100, 1, 0.5}, 1);
  EXPECT_TRUE(outlook.steps.empty());
  EXPECT_TRUE(Warns(outlook, "active keys per epoch are fewer"));
}

TEST(OutlookOf, SaysWhatThePlanItselfGivesUp) {
  RolloutPlan plan = RequestPlan();
  plan.rule = RolloutRule::kThreshold;
  EXPECT_TRUE(Warns(OutlookOf(plan, kBusy, 1), "bounds no chance of error"));
  plan = RequestPlan();
  std::erase_if(plan.guards,
                [](const RolloutGuard& guard) { return guard.metric == GuardMetric::kErrorRate; });
  EXPECT_TRUE(Warns(OutlookOf(plan, kBusy, 1), "no guard looks at the error rate"));
}

TEST(OutlookJson, NeverIsNull) {
  RolloutOutlook outlook;
  outlook.steps.push_back({*BasisPoints::From(100), INFINITY, "latency", 12.2});
  const Json json = ToJson(outlook, kBusy);
  EXPECT_TRUE(json["steps"][0]["requests_to_pass"].is_null());
  EXPECT_EQ(json["steps"][0]["requests_to_catch_double_errors"], 13.0);
  EXPECT_EQ(json["primary"]["errors"], 1'000);
}

}  // namespace
}  // namespace podium::control
