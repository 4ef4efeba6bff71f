// Rollouts as the API shows and takes them.
#include "control/admin/rollout_json.h"

#include <gtest/gtest.h>

#include <chrono>
#include <string>

namespace podium::control {
namespace {

constexpr WallTime kBegun{std::chrono::seconds(1'773'064'800)};

Rollout SecondStep() {
  Rollout rollout;
  rollout.id = RolloutId("ro7");
  rollout.route = RouteName("tumour");
  rollout.candidate = ModelId("tumour-v2");
  rollout.primary = ModelId("tumour-v1");
  rollout.plan = DefaultPlan();
  rollout.plan.alpha = 0.05;
  rollout.plan.steps[1].bake = std::chrono::minutes(10);
  rollout.attempt = 2;
  rollout.step = 1;
  rollout.epochs.resize(2);
  rollout.epochs[1].step = 1;
  rollout.epochs[1].share = *BasisPoints::From(500);
  rollout.started_at = kBegun;
  rollout.step_entered_at = kBegun + std::chrono::hours(1);
  rollout.started_by = "local:alice";
  rollout.said = "step 2 of 4";
  rollout.revision = Revision(41);
  return rollout;
}

TEST(RolloutJson, SaysWhereItIsAndUntilWhen) {
  const Json json = ToJson(SecondStep(), {});
  EXPECT_EQ(json["phase"], "running");
  EXPECT_EQ(json["step"], 2) << "people count from one";
  EXPECT_EQ(json["steps"], 4);
  EXPECT_EQ(json["traffic_pct"], 5.0);
  EXPECT_EQ(json["baked_at"], FormatUtc(kBegun + std::chrono::minutes(70)));
  EXPECT_EQ(json["deadline"],
            FormatUtc(kBegun + std::chrono::hours(1) + SecondStep().plan.deadline));
  EXPECT_TRUE(json["sentence"].is_null()) << "nobody has looked yet";
  EXPECT_TRUE(json["gate"].is_null());
  EXPECT_TRUE(json["ended_at"].is_null());
  EXPECT_EQ(json["revision"], 41);
  EXPECT_EQ(json["epochs"].size(), 2U);
  // The second attempt may spend a quarter of what the first one had.
  EXPECT_NEAR(json["alpha"].get<double>(), 0.05 * 6 / 9.869604401 / 4, 1e-9);
}

TEST(RolloutJson, AStepsOwnDeadlineCounts) {
  Rollout rollout = SecondStep();
  rollout.plan.steps[1].deadline = std::chrono::minutes(30);
  EXPECT_EQ(DeadlineOf(rollout), rollout.step_entered_at + std::chrono::minutes(30));
}

TEST(RolloutJson, TheGateIsOfThePresentStep) {
  Rollout rollout = SecondStep();
  rollout.plan.steps[1].gate = true;
  EXPECT_EQ(ToJson(rollout, {})["gate"], "closed");
  rollout.gate_open = true;
  EXPECT_EQ(ToJson(rollout, {})["gate"], "open");
}

// What is over has no deadline, and nothing of its share is left.
TEST(RolloutJson, AnEndedOneHasNoMoreToExpect) {
  Rollout rollout = SecondStep();
  rollout.phase = RolloutPhase::kRolledBack;
  rollout.ended_at = kBegun + std::chrono::hours(2);
  rollout.paged = true;
  const Json json = ToJson(rollout, {});
  EXPECT_EQ(json["traffic_pct"], 0.0);
  EXPECT_TRUE(json["deadline"].is_null());
  EXPECT_TRUE(json["baked_at"].is_null());
  EXPECT_EQ(json["overdue"], false);
  EXPECT_EQ(json["ended_at"], FormatUtc(rollout.ended_at));
}

TEST(RolloutJson, TheLatestVerdictComesWithItsNumbers) {
  RolloutBeside beside;
  beside.latest = store::RolloutVerdict{RolloutId("ro7"),
                                        0,
                                        kBegun,
                                        "hold",
                                        "Hold 2: so far.",
                                        R"({"steps":[]})",
                                        R"({"log_e_rollback":0.25})"};
  const Json json = ToJson(SecondStep(), beside);
  EXPECT_EQ(json["decision"], "hold");
  EXPECT_EQ(json["sentence"], "Hold 2: so far.");
  EXPECT_EQ(json["verdict"]["log_e_rollback"], 0.25);
  EXPECT_FALSE(json.contains("evidence")) << "that is what /verdicts is for";
}

TEST(RolloutJson, AVerdictKeepsItsEvidenceToTheLastDigit) {
  store::RolloutVerdict verdict;
  verdict.number = 3;
  verdict.decision = "step-up";
  verdict.evidence = R"({"alpha_rollback":0.030396355092701333})";
  verdict.verdict = "{}";
  const Json json = ToJson(verdict);
  EXPECT_EQ(json["number"], 3);
  EXPECT_EQ(DumpJson(json["evidence"]), verdict.evidence) << "or it cannot be computed again";
}

TEST(ReadRolloutStart, TakesThePlanBesideTheRest) {
  const auto start = ReadRolloutStart(*ParseJson(
      R"({"candidate": "2", "reason": "why", "force": true, "unit": "request",
          "steps": [{"share_pct": 5}, {"share_pct": 50, "gate": true}]})"));
  ASSERT_TRUE(start) << start.error().message;
  EXPECT_EQ(start->candidate, "2");
  EXPECT_EQ(start->reason, "why");
  EXPECT_TRUE(start->force);
  EXPECT_EQ(start->plan.unit, SplitUnit::kRequest);
  ASSERT_EQ(start->plan.steps.size(), 2U);
  EXPECT_TRUE(start->plan.steps[1].gate);
  const auto usual = ReadRolloutStart(*ParseJson(R"({"candidate": "2"})"));
  ASSERT_TRUE(usual);
  EXPECT_EQ(usual->plan, DefaultPlan());
}

// A misspelt guard would guard nothing.
TEST(ReadRolloutStart, RefusesWhatItDoesNotKnow) {
  for (const char* body :
       {R"({})", R"({"candidate": 2})", R"({"candidate": "2", "gaurds": []})",
        R"({"candidate": "2", "steps": [{"share": 5}]})", R"({"candidate": "2", "steps": []})",
        R"({"candidate": "2", "force": "yes"})"}) {
    const auto start = ReadRolloutStart(*ParseJson(body));
    ASSERT_FALSE(start) << body;
    EXPECT_EQ(start.error().code, ErrorCode::kInvalidArgument) << body;
  }
}

TEST(ReadRolloutVerb, ReadsAShareWhereOneIsMeant) {
  const auto share = ReadRolloutVerb(*ParseJson(R"({"traffic_pct": 2.5})"), true, false);
  ASSERT_TRUE(share);
  EXPECT_EQ(share->share, *BasisPoints::From(250));
  EXPECT_FALSE(ReadRolloutVerb(*ParseJson(R"({})"), true, false));
  EXPECT_FALSE(ReadRolloutVerb(*ParseJson(R"({"traffic_pct": 101})"), true, false));
  EXPECT_FALSE(ReadRolloutVerb(*ParseJson(R"({"traffic_pct": 1})"), false, false));
  EXPECT_FALSE(ReadRolloutVerb(*ParseJson(R"({"force": true})"), false, false));
  EXPECT_TRUE(ReadRolloutVerb(*ParseJson(R"({"force": true, "reason": "r"})"), false, true));
}

}  // namespace
}  // namespace podium::control
