// The estimators equal their formulas over whole arrays (tools/make_off_policy_golden.py), are
// right on average where the truth is known, and refuse what the log cannot answer.
#include "control/analytics/off_policy.h"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <sstream>

#include "base/json.h"
#include "base/rng.h"

namespace podium::control {
namespace {

void ExpectEstimate(const Estimate& got, const Json& want, const char* what) {
  SCOPED_TRACE(what);
  EXPECT_NEAR(got.value, want["value"].get<double>(), 1e-9);
  EXPECT_NEAR(got.low, want["low"].get<double>(), 1e-9);
  EXPECT_NEAR(got.high, want["high"].get<double>(), 1e-9);
  EXPECT_EQ(got.n, want["n"].get<std::int64_t>());
}

TEST(OffPolicyGolden, EstimatesAreThoseOfTheFormulas) {
  std::ifstream file(PODIUM_SOURCE_DIR "/tests/data/compare/off_policy.json");
  std::stringstream text;
  text << file.rdbuf();
  const Result<Json> cases = ParseJson(text.str());
  ASSERT_TRUE(cases) << "tests/data/compare/off_policy.json";
  ASSERT_GE(cases->size(), 4U);
  for (const Json& c : *cases) {
    SCOPED_TRACE(c["name"].get<std::string>());
    std::vector<LoggedDecision> log;
    for (const Json& row : c["log"]) {
      log.push_back({row["arm"].get<std::size_t>(), row["propensity"].get<double>(),
                     row["reward"].get<double>(), row["keep"].get<double>(),
                     row["stratum"].get<std::size_t>(), row["unit"].get<std::uint64_t>()});
    }
    OffPolicyOptions options;
    options.clip = c["clip"].get<double>();
    options.least_ess = 10;
    const auto report = EvaluateOffPolicy(log, c["target"].get<TargetPolicy>(), options);
    ASSERT_TRUE(report) << Describe(report.error());
    const Json& want = c["want"];
    ExpectEstimate(report->ips, want["ips"], "ips");
    ExpectEstimate(report->snips, want["snips"], "snips");
    ExpectEstimate(report->doubly_robust, want["doubly_robust"], "doubly robust");
    EXPECT_NEAR(report->direct, want["direct"].get<double>(), 1e-9);
    EXPECT_NEAR(report->ess, want["ess"].get<double>(), 1e-6);
    EXPECT_NEAR(report->max_weight, want["max_weight"].get<double>(), 1e-9);
    EXPECT_EQ(report->n, want["n"].get<std::int64_t>());
    EXPECT_EQ(report->units, want["units"].get<std::int64_t>());
    EXPECT_EQ(report->without_propensity, want["without_propensity"].get<std::int64_t>());
    EXPECT_EQ(report->clipped, want["clipped"].get<std::int64_t>());
  }
}

double Uniform(Rng& rng) { return static_cast<double>(rng.Next64() >> 11U) * 0x1.0p-53; }

/// Arm 1 earns 0.7, arm 0 earns 0.3; arm 1 was drawn with probability 0.2.
std::vector<LoggedDecision> KnownLog(int n, std::uint64_t seed) {
  SeededRng rng(seed);
  std::vector<LoggedDecision> log;
  for (int i = 0; i < n; ++i) {
    LoggedDecision decision;
    decision.arm = Uniform(rng) < 0.2 ? 1 : 0;
    decision.propensity = decision.arm == 1 ? 0.2 : 0.8;
    decision.reward = Uniform(rng) < (decision.arm == 1 ? 0.7 : 0.3) ? 1 : 0;
    decision.unit = static_cast<std::uint64_t>(i);
    log.push_back(decision);
  }
  return log;
}

// Intervals of 95 % hold the truth about 95 times of 100.
TEST(OffPolicy, TheTruthIsInTheIntervals) {
  constexpr int kRuns = 200;
  constexpr double kTruth = 0.6 * 0.7 + 0.4 * 0.3;
  int held = 0;
  int held_robust = 0;
  for (int run = 0; run < kRuns; ++run) {
    const auto report =
        EvaluateOffPolicy(KnownLog(1'000, static_cast<std::uint64_t>(run) + 1), {{0.4, 0.6}});
    ASSERT_TRUE(report) << Describe(report.error());
    held += report->snips.low <= kTruth && kTruth <= report->snips.high ? 1 : 0;
    held_robust += report->doubly_robust.low <= kTruth && kTruth <= report->doubly_robust.high;
  }
  // 190 are expected; four standard deviations are 12.3.
  EXPECT_GT(held, 177);
  EXPECT_GT(held_robust, 177);
}

TEST(OffPolicy, TheLoggedPolicyItselfIsWorthWhatItEarned) {
  const std::vector<LoggedDecision> log = KnownLog(1'000, 9);
  double mean = 0;
  for (const LoggedDecision& decision : log) mean += decision.reward / 1'000;
  const auto report = EvaluateOffPolicy(log, {{0.8, 0.2}});
  ASSERT_TRUE(report);
  EXPECT_NEAR(report->ips.value, mean, 1e-12);
  EXPECT_NEAR(report->snips.value, mean, 1e-12);
  EXPECT_NEAR(report->ess, 1'000, 1e-6);
  EXPECT_EQ(report->max_weight, 1);
}

// A unit that comes often is one unit: its decisions stand or fall together.
TEST(OffPolicy, ClustersWidenTheInterval) {
  std::vector<LoggedDecision> log = KnownLog(1'000, 3);
  const auto single = EvaluateOffPolicy(log, {{0.5, 0.5}});
  std::vector<LoggedDecision> repeated;
  for (const LoggedDecision& decision : log) {
    for (int i = 0; i < 4; ++i) repeated.push_back(decision);
  }
  const auto clustered = EvaluateOffPolicy(repeated, {{0.5, 0.5}});
  ASSERT_TRUE(single && clustered);
  EXPECT_NEAR(clustered->ips.high - clustered->ips.low, single->ips.high - single->ips.low, 1e-9);
}

TEST(OffPolicy, WhatTheLogCannotAnswerIsRefused) {
  struct Case {
    const char* name;
    std::vector<LoggedDecision> log;
    TargetPolicy target;
    ErrorCode want;
  };
  std::vector<LoggedDecision> one_arm(500, LoggedDecision{0, 1.0, 1.0, 1, 0, 0});
  std::vector<LoggedDecision> unknown(500, LoggedDecision{0, 0.0, 1.0, 1, 0, 0});
  std::vector<LoggedDecision> rare = KnownLog(300, 5);
  const Case cases[] = {
      {"an arm that was never drawn", one_arm, {{0.5, 0.5}}, ErrorCode::kUnprocessable},
      {"no propensities", unknown, {{1.0, 0.0}}, ErrorCode::kUnprocessable},
      {"an empty log", {}, {{1.0, 0.0}}, ErrorCode::kUnprocessable},
      {"too small a sample", rare, {{0.0, 1.0}}, ErrorCode::kUnprocessable},
      {"no policy", rare, {{0.5, 0.6}}, ErrorCode::kInvalidArgument},
      {"no arms", rare, {}, ErrorCode::kInvalidArgument},
      {"a negative probability", rare, {{1.5, -0.5}}, ErrorCode::kInvalidArgument},
      {"a stratum beyond the target",
       {LoggedDecision{0, 0.5, 1, 1, 7, 0}},
       {{1.0, 0.0}},
       ErrorCode::kInvalidArgument},
      {"a reward that is none",
       {LoggedDecision{0, 0.5, std::nan(""), 1, 0, 0}},
       {{1.0, 0.0}},
       ErrorCode::kInvalidArgument},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    const auto report = EvaluateOffPolicy(c.log, c.target);
    ASSERT_FALSE(report);
    EXPECT_EQ(report.error().code, c.want) << Describe(report.error());
  }
}

}  // namespace
}  // namespace podium::control
