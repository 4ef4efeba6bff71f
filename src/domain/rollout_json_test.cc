// The plan as callers write it, and rows as they stand in the table: what was written comes back,
// and nothing that people write crashes.
#include "domain/rollout_json.h"

#include <gtest/gtest.h>

#include <limits>

#include "base/limits.h"

namespace podium {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

Result<RolloutPlan> ReadPlanText(std::string_view text) {
  const Result<Json> json = ParseJson(text);
  if (!json) return Fail(json.error());
  return PlanFromJson(*json);
}

RolloutPlan FullPlan() {
  RolloutPlan plan = DefaultPlan();
  plan.unit = SplitUnit::kUser;
  plan.steps[0].bake = seconds(90);
  plan.steps[1].bake = minutes(10);
  plan.steps[1].gate = true;
  plan.steps[2].deadline = hours(48);
  plan.guards.push_back({GuardMetric::kCost, 2.5, false, 20.0, std::nullopt, std::nullopt});
  plan.guards[0].percent = 10;
  plan.guards[0].points = 0.5;
  plan.guards[0].at_most = 0.25;
  plan.windows = {{0b0011111, hours(9), minutes(17 * 60 + 30)}, {}};
  plan.alpha = 0.01;
  plan.margin = 1.25;
  plan.deadline = hours(36);
  plan.on_overdue = OnOverdue::kRollBack;
  plan.promote_at_end = true;
  plan.success_threshold = 0.99;
  plan.exploration = 0.1;
  plan.discount = 0.999;
  return plan;
}

TEST(PlanFromJson, AnEmptyOneIsTheDefault) {
  const Result<RolloutPlan> plan = ReadPlanText("{}");
  ASSERT_TRUE(plan) << Describe(plan.error());
  EXPECT_EQ(*plan, DefaultPlan());
}

TEST(PlanFromJson, WhatIsWrittenComesBack) {
  RolloutPlan threshold = DefaultPlan();
  threshold.rule = RolloutRule::kThreshold;
  for (const RolloutPlan& plan : {DefaultPlan(), FullPlan(), threshold}) {
    const std::string text = DumpJson(ToJson(plan));
    SCOPED_TRACE(text);
    const Result<RolloutPlan> back = ReadPlanText(text);
    ASSERT_TRUE(back) << Describe(back.error());
    EXPECT_EQ(*back, plan);
    const Result<RolloutPlan> direct = PlanFromJson(ToJson(plan));
    ASSERT_TRUE(direct) << "numbers of a program are no other than those of a text";
    EXPECT_EQ(*direct, plan);
  }
}

TEST(PlanFromJson, ReadsWhatTheDocumentsShow) {
  const Result<RolloutPlan> plan = ReadPlanText(R"({
    "rule": "sequential", "unit": "session",
    "steps": [{"share_pct": 0.5, "bake": "30m", "deadline": "2h"}, {"share_pct": 10, "gate": true},
              {"share_pct": 50, "bake": 3600}],
    "guards": [{"metric": "error_rate", "max_increase_pct": 10, "at_most_pct": 0.5},
               {"metric": "first_token", "weight": 2, "guards_promotion": false}],
    "windows": [{"days": ["mon", "fri"], "from": "09:00", "to": "24:00"}],
    "profile": "strict", "margin": 2, "deadline": "12h", "on_deadline": "rollback",
    "promote_at_end": true})");
  ASSERT_TRUE(plan) << Describe(plan.error());
  EXPECT_EQ(plan->unit, SplitUnit::kSession);
  ASSERT_EQ(plan->steps.size(), 3u);
  EXPECT_EQ(plan->steps[0].share.value(), 50);
  EXPECT_EQ(plan->steps[0].bake, minutes(30));
  EXPECT_EQ(plan->steps[0].deadline, hours(2));
  EXPECT_TRUE(plan->steps[1].gate);
  EXPECT_EQ(plan->steps[1].deadline, seconds(0)) << "the plan's";
  EXPECT_EQ(plan->steps[2].bake, hours(1));
  ASSERT_EQ(plan->guards.size(), 2u);
  EXPECT_EQ(plan->guards[0].percent, 10.0);
  EXPECT_EQ(plan->guards[0].points, std::nullopt);
  EXPECT_EQ(plan->guards[0].at_most, 0.5);
  EXPECT_EQ(plan->guards[1].metric, GuardMetric::kFirstToken);
  EXPECT_FALSE(plan->guards[1].guards_promotion);
  ASSERT_EQ(plan->windows.size(), 1u);
  EXPECT_EQ(plan->windows[0], (RolloutWindow{0b0010001, hours(9), hours(24)}));
  EXPECT_EQ(plan->alpha, 0.01);
  EXPECT_EQ(plan->margin, 2.0);
  EXPECT_EQ(plan->deadline, hours(12));
  EXPECT_EQ(plan->on_overdue, OnOverdue::kRollBack);
  EXPECT_TRUE(plan->promote_at_end);
}

// Requirement E1 speaks of initial weight, step size, interval and maximum: steps of it are the
// same plan.
TEST(PlanFromJson, TheShortFormIsCompiledIntoSteps) {
  struct Case {
    const char* text;
    std::vector<int> shares;
    seconds bake;
  };
  const Case cases[] = {
      {R"({"initial_pct": 5, "step_pct": 10, "max_pct": 30, "interval": "60s"})",
       {500, 1500, 2500, 3000},
       seconds(60)},
      {R"({"initial_pct": 5, "step_pct": 5, "max_pct": 15, "interval": 0})",
       {500, 1000, 1500},
       seconds(0)},
      {R"({"initial_pct": 20})", {2000, 4000, 5000}, seconds(0)},
      {R"({"max_pct": 3})", {100, 200, 300}, seconds(0)},
      {R"({"initial_pct": 100, "max_pct": 100})", {10'000}, seconds(0)},
      {R"({"initial_pct": 5, "max_pct": 5, "step_pct": 0})", {500}, seconds(0)},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.text);
    const Result<RolloutPlan> plan = ReadPlanText(c.text);
    ASSERT_TRUE(plan) << Describe(plan.error());
    std::vector<int> shares;
    for (const RolloutStep& step : plan->steps) {
      shares.push_back(step.share.value());
      EXPECT_EQ(step.bake, c.bake);
    }
    EXPECT_EQ(shares, c.shares);
  }
}

TEST(PlanFromJson, NamesThePlaceAtFault) {
  struct Case {
    const char* text;
    const char* where;
  };
  const Case cases[] = {
      {"[]", ""},
      {"null", ""},
      {R"({"step": []})", "/step"},
      {R"({"steps": {}})", "/steps"},
      {R"({"steps": []})", "/steps"},
      {R"({"steps": [5]})", "/steps/0"},
      {R"({"steps": [{"share": 5}]})", "/steps/0/share"},
      {R"({"steps": [{}]})", "/steps/0/share_pct"},
      {R"({"steps": [{"share_pct": "5"}]})", "/steps/0/share_pct"},
      {R"({"steps": [{"share_pct": 5}, {"share_pct": 100.5}]})", "/steps/1/share_pct"},
      {R"({"steps": [{"share_pct": 5}, {"share_pct": 5}]})", "/steps/1/share_pct"},
      {R"({"steps": [{"share_pct": 0.001}]})", "/steps/0/share_pct"},
      {R"({"steps": [{"share_pct": 5, "bake": "1d"}]})", "/steps/0/bake"},
      {R"({"steps": [{"share_pct": 5, "bake": ""}]})", "/steps/0/bake"},
      {R"({"steps": [{"share_pct": 5, "bake": "s"}]})", "/steps/0/bake"},
      {R"({"steps": [{"share_pct": 5, "bake": "-5s"}]})", "/steps/0/bake"},
      {R"({"steps": [{"share_pct": 5, "bake": -5}]})", "/steps/0/bake"},
      {R"({"steps": [{"share_pct": 5, "bake": 0.5}]})", "/steps/0/bake"},
      {R"({"steps": [{"share_pct": 5, "bake": "99999999999999999999h"}]})", "/steps/0/bake"},
      {R"({"steps": [{"share_pct": 5, "bake": 18446744073709551615}]})", "/steps/0/bake"},
      {R"({"steps": [{"share_pct": 5, "gate": 1}]})", "/steps/0/gate"},
      {R"({"guards": [{}]})", "/guards/0/metric"},
      {R"({"guards": [{"metric": "speed"}]})", "/guards/0/metric"},
      {R"({"guards": [{"metric": "latency", "max": 1}]})", "/guards/0/max"},
      {R"({"guards": [{"metric": "latency", "weight": "1"}]})", "/guards/0/weight"},
      {R"({"windows": [{"days": ["monday"]}]})", "/windows/0/days"},
      {R"({"windows": [{"days": "mon"}]})", "/windows/0/days"},
      {R"({"windows": [{"days": []}]})", "/windows/0/days"},
      {R"({"windows": [{"from": "9:00"}]})", "/windows/0/from"},
      {R"({"windows": [{"from": "09:60"}]})", "/windows/0/from"},
      {R"({"windows": [{"to": "24:01"}]})", "/windows/0/to"},
      {R"({"alpha": 0.05, "profile": "standard"})", "/profile"},
      {R"({"profile": "lax"})", "/profile"},
      {R"({"alpha": "0.05"})", "/alpha"},
      {R"({"margin": true})", "/margin"},
      {R"({"unit": "tenant"})", "/unit"},
      {R"({"rule": 1})", "/rule"},
      {R"({"on_deadline": "promote"})", "/on_deadline"},
      {R"({"deadline": "0s"})", "/deadline"},
      {R"({"steps": [{"share_pct": 5}], "interval": "1m"})", "/steps"},
      {R"({"initial_pct": 0})", "/initial_pct"},
      {R"({"initial_pct": 60})", "/max_pct"},
      {R"({"initial_pct": 5, "step_pct": 0})", "/step_pct"},
      {R"({"initial_pct": 1, "step_pct": 0.1})", "/step_pct"},
      {R"({"initial_pct": 5, "interval": "24h"})", "/interval"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.text);
    const Result<RolloutPlan> plan = ReadPlanText(c.text);
    ASSERT_FALSE(plan);
    EXPECT_EQ(plan.error().code, ErrorCode::kInvalidArgument);
    EXPECT_EQ(plan.error().where, c.where) << Describe(plan.error());
  }
}

TEST(PlanFromJson, ListsHaveLimits) {
  Json windows = Json::array();
  for (std::size_t i = 0; i < limits::kMaxPlanWindows; ++i) windows.push_back(Json::object());
  EXPECT_TRUE(PlanFromJson({{"windows", windows}}));
  windows.push_back(Json::object());
  EXPECT_EQ(PlanFromJson({{"windows", windows}}).error().where, "/windows");
  Json steps = Json::array();
  for (std::size_t i = 0; i < limits::kMaxPlanSteps; ++i) {
    steps.push_back({{"share_pct", static_cast<double>(i + 1)}});
  }
  EXPECT_TRUE(PlanFromJson({{"steps", steps}}));
  steps.push_back({{"share_pct", 100}});
  EXPECT_EQ(PlanFromJson({{"steps", steps}}).error().where, "/steps");
}

Rollout FullRow() {
  Rollout row;
  row.id = RolloutId("r1");
  row.route = RouteName("ads");
  row.candidate = ModelId("c");
  row.primary = ModelId("p");
  row.attempt = 3;
  row.plan = FullPlan();
  row.phase = RolloutPhase::kPaused;
  row.step = 2;
  row.gate_open = true;
  row.paged = true;
  row.log_e_peak = 1.0 / 3;
  row.epochs.resize(2);
  row.epochs[1].step = 2;
  row.epochs[1].of_step = 3;
  row.epochs[1].in_step = 0;
  row.epochs[1].share = *BasisPoints::From(29);
  row.epochs[1].began_at = WallTimeOf(1'700'000'000'000'001);
  row.epochs[1].thresholds.latency_ms = {1.5, 20, std::numeric_limits<double>::infinity()};
  row.epochs[1].thresholds.cost_nano_usd = {0, 1e15, 3};
  row.epochs[1].bad_before[9] = std::numeric_limits<std::uint64_t>::max();
  row.epochs[1].units_before = 1'000'000'000'000;
  row.epochs[1].judged_requests[0] = 16;
  row.epochs[1].repeat_share[0] = 0.1;
  row.started_at = WallTimeOf(1);
  row.step_entered_at = WallTimeOf(2);
  row.ended_at = WallTimeOf(3);
  row.started_by = "größe \"ann\"";
  row.said = "held";
  row.ended_by = "driver";
  row.revision = Revision(41);
  return row;
}

TEST(RolloutRow, ComesBackAsItWas) {
  Rollout fresh;
  fresh.id = RolloutId("r1");
  fresh.route = RouteName("ads");
  fresh.candidate = ModelId("c");
  fresh.primary = ModelId("p");
  fresh.plan = DefaultPlan();
  fresh.epochs.resize(1);
  for (const Rollout& row : {fresh, FullRow()}) {
    const std::string text = RolloutToText(row);
    SCOPED_TRACE(text);
    const Result<Rollout> back = RolloutFromText(text);
    ASSERT_TRUE(back) << Describe(back.error());
    EXPECT_EQ(*back, row);
    EXPECT_EQ(RolloutToText(*back), text);
  }
}

TEST(RolloutRow, InfinityIsNull) {
  const Json json = *ParseJson(RolloutToText(Rollout()));
  EXPECT_TRUE(json["log_e_peak"].is_null());
  Rollout row = FullRow();
  const Json full = *ParseJson(RolloutToText(row));
  EXPECT_TRUE(full["epochs"][1]["thresholds"]["latency_ms"][2].is_null());
  EXPECT_EQ(full["epochs"][1]["thresholds"]["latency_ms"][0], 1.5);
}

TEST(RolloutMarkRow, ComesBackAsItWas) {
  RolloutMark plain;
  plain.id = RolloutId("r1");
  for (const RolloutMark& mark : {plain, MarkOf(FullRow())}) {
    const std::string text = MarkToText(mark);
    SCOPED_TRACE(text);
    const Result<RolloutMark> back = MarkFromText(text);
    ASSERT_TRUE(back) << Describe(back.error());
    EXPECT_EQ(*back, mark);
  }
}

// While replicas of two releases share a table, the older one must go on reading it.
TEST(RolloutRow, MembersOfALaterReleaseArePassedOver) {
  Json json = *ParseJson(RolloutToText(FullRow()));
  json["tenant"] = "x";
  json["plan"]["speed"] = 1;
  json["epochs"][0]["colour"] = "red";
  const Result<Rollout> row = RolloutFromText(DumpJson(json));
  ASSERT_TRUE(row) << Describe(row.error());
  EXPECT_EQ(*row, FullRow());
  Json mark = *ParseJson(MarkToText(MarkOf(FullRow())));
  mark["later"] = Json::array();
  EXPECT_TRUE(MarkFromText(DumpJson(mark)));
}

TEST(RolloutRow, DamageIsAnErrorThatNamesIt) {
  struct Case {
    const char* member;
    Json value;
  };
  const Case cases[] = {
      {"id", ""},          {"id", 3},           {"route", Json()},
      {"attempt", -1},     {"plan", "fast"},    {"phase", "resting"},
      {"step", 0.5},       {"gate_open", "no"}, {"log_e_peak", "high"},
      {"epochs", {1}},     {"epochs", "none"},  {"started_at", "now"},
      {"revision", "one"}, {"step", 99},        {"epochs", Json::array()},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(fmt::format("{} = {}", c.member, DumpJson(c.value)));
    Json json = *ParseJson(RolloutToText(FullRow()));
    json[c.member] = c.value;
    const Result<Rollout> row = RolloutFromText(DumpJson(json));
    ASSERT_FALSE(row);
    EXPECT_EQ(row.error().code, ErrorCode::kUnprocessable);
    EXPECT_NE(row.error().message.find(c.member), std::string::npos) << row.error().message;
  }
  Json json = *ParseJson(RolloutToText(FullRow()));
  json["epochs"][0]["step"] = FullRow().plan.steps.size();
  EXPECT_FALSE(RolloutFromText(DumpJson(json))) << "who goes by its epoch would go beyond the plan";
  for (const char* text : {"", "{", "[]", "null", "3", "{}", R"({"id": "r", "epoch": -1})",
                           R"({"id": "r", "epoch": 4294967296})", R"({"id": "r", "unit": "x"})",
                           R"({"id": "r", "thresholds": {"latency_ms": [1, 2]}})",
                           R"({"id": "r", "thresholds": {"latency_ms": ["a", 2, 3]}})"}) {
    SCOPED_TRACE(text);
    EXPECT_FALSE(RolloutFromText(text));
    const Result<RolloutMark> mark = MarkFromText(text);
    ASSERT_FALSE(mark);
    EXPECT_EQ(mark.error().code, ErrorCode::kUnprocessable);
  }
}

}  // namespace
}  // namespace podium
