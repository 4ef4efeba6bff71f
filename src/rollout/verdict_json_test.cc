// Scripts and the audit read this form: its keys are a promise.
#include "rollout/verdict_json.h"

#include <gtest/gtest.h>

#include <limits>

#include "base/json.h"

namespace podium::rollout {
namespace {

// One metric with sticky keys, 40 of 60 hit keys the candidate's; pairs beside it.
Evidence StickyRegression() {
  Evidence evidence;
  evidence.candidate = "canary-7";
  evidence.unit = RolloutUnit::kSticky;
  evidence.declared_steps = 4;
  evidence.epochs_in_step = 0;
  evidence.steps = {{.share = *BasisPoints::From(500),
                     .label_probability = 0.05,
                     .canary_units = 100,
                     .units = 2000}};
  StepEvents events;
  events.canary_events = 40;
  events.events = 60;
  evidence.metrics = {{.name = "error rate", .series = {{.name = "errors", .steps = {events}}}}};
  evidence.paired = {{"judge", {40, 31, 500}, 1.5}};
  return evidence;
}

Json Written(const Evidence& evidence) {
  const Result<Verdict> verdict = Judge(evidence);
  EXPECT_TRUE(verdict);
  Result<Json> json = ParseJson(ToJson(*verdict));
  EXPECT_TRUE(json);
  return *json;
}

std::vector<std::string> KeysOf(const Json& object) {
  std::vector<std::string> keys;
  for (const auto& item : object.items()) keys.push_back(item.key());
  return keys;
}

TEST(VerdictJson, HasTheDocumentedKeys) {
  using Keys = std::vector<std::string>;
  const Json json = Written(StickyRegression());
  EXPECT_EQ(KeysOf(json),
            (Keys{"decision", "sentence", "log_e_rollback", "rollback_needs", "log_e_sample_ratio",
                  "sample_ratio_needs", "confidence", "blamed", "findings", "paired"}));
  EXPECT_EQ(KeysOf(json["findings"][0]),
            (Keys{"name", "step", "log_e_alarm", "log_e_first", "log_e_score", "alarm_needs",
                  "log_e_promote", "promote_needs", "guards_promotion", "ratio", "candidate",
                  "primary", "power", "sentence"}));
  EXPECT_EQ(KeysOf(json["paired"][0]),
            (Keys{"name", "log_e_worse", "log_e_not_worse", "ratio", "sentence"}));
}

TEST(VerdictJson, HoldsEveryNumberOfTheVerdict) {
  const Verdict verdict = *Judge(StickyRegression());
  const Json json = Written(StickyRegression());
  EXPECT_EQ(json["decision"], "roll_back");
  EXPECT_EQ(json["sentence"], verdict.sentence);
  EXPECT_EQ(json["log_e_rollback"].get<double>(), verdict.log_e_rollback);
  EXPECT_EQ(json["blamed"], Json::array({"error rate"}));
  const Finding& finding = verdict.findings[0];
  const Json& written = json["findings"][0];
  EXPECT_EQ(written["log_e_first"].get<double>(), finding.log_e_first);
  EXPECT_EQ(written["alarm_needs"].get<double>(), finding.alarm_needs);
  EXPECT_EQ(written["ratio"]["lower"].get<double>(), finding.ratio.lower);
  EXPECT_EQ(written["candidate"]["bad"], 40);
  EXPECT_EQ(written["primary"]["units"], 1900);
  EXPECT_TRUE(written["power"].is_null());  // Nobody said how many keys are left.
  EXPECT_NE(written["sentence"].get<std::string>().find("ln E"), std::string::npos);
  EXPECT_EQ(json["paired"][0]["log_e_worse"].get<double>(), verdict.paired[0].log_e_worse);
}

TEST(VerdictJson, SaysWhatPowerIsLeft) {
  Evidence evidence = StickyRegression();
  evidence.metrics[0].series[0].steps[0].canary_events = 2;
  evidence.metrics[0].series[0].steps[0].events = 41;
  evidence.units_left = 0;
  const Json json = Written(evidence);
  EXPECT_EQ(json["decision"], "no_power_left");
  const Json& power = json["findings"][0]["power"];
  EXPECT_EQ(power["attainable"], 41.0);
  EXPECT_EQ(power["no_power"], true);
  EXPECT_GT(power["needed"].get<double>(), 300);
}

// JSON has no infinity: null would read as "not known", which is the opposite.
TEST(VerdictJson, InfinityIsAText) {
  Evidence evidence = StickyRegression();
  evidence.metrics[0].series[0].steps[0].canary_events = 60;  // The primary has none.
  EXPECT_EQ(Written(evidence)["findings"][0]["ratio"]["estimate"], "Infinity");
  EXPECT_EQ(Written(evidence)["findings"][0]["ratio"]["upper"], "Infinity");
  Verdict verdict;
  verdict.log_e_rollback = -std::numeric_limits<double>::infinity();
  EXPECT_NE(ToJson(verdict).find("\"log_e_rollback\":\"-Infinity\""), std::string::npos);
}

}  // namespace
}  // namespace podium::rollout
