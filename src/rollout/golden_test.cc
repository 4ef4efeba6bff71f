// Every test statistic against an independent implementation with 60 digits
// (tools/make_rollout_golden.py): an e-value that is off decides wrongly and nobody notices.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "base/json.h"
#include "rollout/absolute_rate.h"
#include "rollout/alpha.h"
#include "rollout/label_likelihood.h"
#include "rollout/paired.h"
#include "rollout/sample_ratio.h"
#include "rollout/sticky.h"
#include "rollout/verdict.h"

namespace podium::rollout {
namespace {

const Json& Golden() {
  static const Json golden = [] {
    std::ifstream file(PODIUM_SOURCE_DIR "/tests/data/rollout/golden.json");
    std::stringstream text;
    text << file.rdbuf();
    Result<Json> parsed = ParseJson(text.str());
    return parsed ? *parsed : Json::object();
  }();
  return golden;
}

const Json& Group(const char* name, std::size_t least) {
  static const Json none = Json::array();
  const auto found = Golden().find(name);
  const Json& group = found == Golden().end() ? none : *found;
  EXPECT_GE(group.size(), least) << name;
  return group;
}

// 1e-9, of the value where it is large: ln E of ten million events is a difference of two numbers
// with eight digits before the point.
void ExpectExact(double got, double want) {
  EXPECT_NEAR(got, want, 1e-9 * std::max(1.0, std::abs(want)));
}

std::vector<LabelCounts> StepsOf(const Json& each) {
  std::vector<LabelCounts> steps;
  for (const Json& step : each["steps"]) {
    steps.push_back({.label_probability = step["rho"],
                     .null_ratio = step["r0"],
                     .canary = step["canary"],
                     .all = step["all"]});
  }
  return steps;
}

TEST(Golden, LabelTest) {
  for (const Json& each : Group("label", 180)) {
    SCOPED_TRACE(DumpJson(each));
    ExpectExact(LogLabelE(StepsOf(each), {each["octaves"], each["points"]}), each["log_e"]);
  }
}

TEST(Golden, RegressionWithRestarts) {
  for (const Json& each : Group("regression", 120)) {
    SCOPED_TRACE(DumpJson(each));
    ExpectExact(LogRegressionE(StepsOf(each), {each["declared"].get<std::size_t>()}),
                each["log_e"]);
  }
}

TEST(Golden, NonInferiorityWithTheAbsoluteCompanion) {
  for (const Json& each : Group("promotion", 40)) {
    SCOPED_TRACE(DumpJson(each));
    std::optional<AbsoluteCounts> absolute;
    if (!each["absolute"].is_null()) {
      absolute = AbsoluteCounts{each["absolute"][0], each["absolute"][1], each["absolute"][2]};
      ExpectExact(LogAbsoluteE(*absolute), each["log_e_absolute"]);
      ExpectExact(LogAboveE(*absolute), each["log_e_above"]);
    }
    ExpectExact(LogPromotionE(StepsOf(each), each["margin"], absolute), each["log_e"]);
  }
}

// At 10^7 counts too: differences of lgamma in double alone would lose 1e-8.
TEST(Golden, SampleRatio) {
  for (const Json& each : Group("sample_ratio", 46)) {
    SCOPED_TRACE(DumpJson(each));
    const auto weights = each["weights"].get<std::vector<double>>();
    const auto counts = each["counts"].get<std::vector<std::uint64_t>>();
    EXPECT_NEAR(LogSampleRatioE(weights, counts), each["log_e"].get<double>(), 1e-9);
  }
}

TEST(Golden, BoundedDifferences) {
  for (const Json& each : Group("bounded", 45)) {
    Result<BoundedDifference> test = BoundedDifference::WithMargin(each["margin"]);
    ASSERT_TRUE(test);
    for (const Json& difference : each["differences"]) test->Add(difference);
    SCOPED_TRACE(each["log_e"].get<double>());
    ExpectExact(test->log_e(), each["log_e"]);
  }
}

TEST(Golden, ScoreOfClosedKeys) {
  for (const Json& each : Group("score", 41)) {
    SCOPED_TRACE(DumpJson(each));
    const ScoreHistogram closed{each["canary"], each["active"]};
    ExpectExact(LogScoreE(closed, each["rho"], each["r0"]), each["log_e"]);
  }
}

TEST(Golden, ConfidenceSequenceByInversion) {
  for (const Json& each : Group("ratio", 10)) {
    SCOPED_TRACE(DumpJson(each));
    const RatioInterval interval =
        RatioConfidence(StepsOf(each), each["lower_threshold"], each["upper_threshold"]);
    ExpectExact(interval.estimate, each["estimate"]);
    ExpectExact(interval.lower, each["lower"]);
    ExpectExact(interval.upper, each["upper"]);
  }
}

TEST(Golden, AlphaOfRetriesAndTheAsymptoticInterval) {
  for (const Json& each : Group("other", 7)) {
    SCOPED_TRACE(DumpJson(each));
    if (each.contains("attempt")) {
      ExpectExact(AttemptAlpha(each["alpha"], each["attempt"]), each["attempt_alpha"]);
    } else {
      ExpectExact(
          AsymptoticMean(each["n"], 1, each["squares"], each["alpha"], each["planned"]).radius,
          each["radius"]);
    }
  }
}

// The whole way from a counter file to the verdict, as another program computes it.
TEST(Golden, VerdictFromCounters) {
  for (const Json& each : Group("evidence", 10)) {
    SCOPED_TRACE(DumpJson(each));
    Result<Evidence> evidence = ParseEvidence(DumpJson(each["evidence"]));
    ASSERT_TRUE(evidence) << Describe(evidence.error());
    Result<Verdict> verdict = Judge(*evidence);
    ASSERT_TRUE(verdict) << Describe(verdict.error());
    const Json& want = each["verdict"];
    EXPECT_EQ(NameOf(verdict->decision), want["decision"].get<std::string>()) << verdict->sentence;
    ExpectExact(verdict->log_e_sample_ratio, want["log_e_sample_ratio"]);
    if (want.contains("log_e_rollback")) {
      ExpectExact(verdict->log_e_rollback, want["log_e_rollback"]);
    }
    ASSERT_EQ(verdict->findings.size(), want["log_e_alarm"].size());
    for (std::size_t i = 0; i < verdict->findings.size(); ++i) {
      ExpectExact(verdict->findings[i].log_e_alarm, want["log_e_alarm"][i]);
      ExpectExact(verdict->findings[i].log_e_promote, want["log_e_promote"][i]);
    }
  }
}

}  // namespace
}  // namespace podium::rollout
