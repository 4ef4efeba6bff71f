// What of the log may answer for another split: what chance has drawn, while it could have drawn
// all that the split wants. Anything else would be an answer to another question.
#include "control/analytics/off_policy_log.h"

#include <gtest/gtest.h>

#include "store/memory_prediction_store.h"
#include "testing/sim_clock.h"

namespace podium::control {
namespace {

using store::PredictionFact;

constexpr WallTime kFrom = testing::SimClock::kStart;

/// Facts of a log, one after the other.
class LogOf {
 public:
  explicit LogOf(RewardKind reward = RewardKind::kSuccess) { question_.reward = reward; }
  LogOf& Wants(const std::string& version, double share) {
    question_.policy.push_back({version, share});
    return *this;
  }
  PredictionFact& Add(const std::string& version, double propensity) {
    PredictionFact fact;
    fact.id = "id" + std::to_string(100'000 + facts_.size());
    fact.unit = "unit" + std::to_string(facts_.size());
    fact.assigned = fact.served = version;
    fact.arm = "primary";
    fact.propensity = propensity;
    fact.generation = Generation(generation_);
    facts_.push_back(fact);
    return facts_.back();
  }
  /// `count` calls of a split: the canary's share of them succeeds with `canary_ok`, of ten.
  LogOf& Split(const std::string& primary, const std::string& canary, int count,
               int canary_ok = 9) {
    for (int i = 0; i < count; ++i) {
      if (i % 4 != 3) {
        Add(primary, 0.75).outcome = PredictionOutcome::kOk;
      } else if ((i / 4) % 10 >= canary_ok) {
        PredictionFact& failed = Add(canary, 0.25);
        failed.outcome = PredictionOutcome::kError;
        failed.served.clear();
      } else {
        Add(canary, 0.25);
      }
    }
    return *this;
  }
  LogOf& NextTable() {
    ++generation_;
    return *this;
  }
  Result<OffPolicyAnswer> Answer() {
    question_.route = "r";
    OffPolicyLog log(question_);
    for (const PredictionFact& fact : facts_) log.Add(fact);
    return log.Answer();
  }
  const OffPolicyQuestion& question() const { return question_; }

 private:
  OffPolicyQuestion question_;
  std::vector<PredictionFact> facts_;
  std::uint64_t generation_ = 1;
};

TEST(OffPolicyLog, ACanaryWithAllTrafficEarnsWhatItEarnedInItsShare) {
  const auto answer = LogOf().Wants("v2", 1).Split("v1", "v2", 2'000, 7).Answer();
  ASSERT_TRUE(answer) << Describe(answer.error());
  EXPECT_NEAR(answer->report.snips.value, 0.7, 1e-9);
  EXPECT_NEAR(answer->report.ips.value, 0.7, 1e-9);
  EXPECT_NEAR(answer->report.doubly_robust.value, 0.7, 1e-3);  // Its model is of halves.
  EXPECT_NEAR(answer->report.logged.value, 0.75 + 0.25 * 0.7, 1e-9);
  EXPECT_NEAR(answer->report.ess, 500, 1e-6);
  EXPECT_EQ(answer->report.max_weight, 4);
  ASSERT_EQ(answer->arms.size(), 2U);
  EXPECT_EQ(answer->arms[1].model_id, "v2");
  EXPECT_EQ(answer->arms[1].n, 500);
  EXPECT_EQ(answer->arms[1].share, 1);
}

// While v2 had no traffic nothing could have shown what it does: counted as weight 0 those calls
// would drag IPS down to half the truth.
TEST(OffPolicyLog, TimesWithoutTheVersionAreLeftOut) {
  LogOf log;
  log.Wants("v3", 1);
  for (int i = 0; i < 500; ++i) log.Add("v1", 1.0);
  log.NextTable().Split("v1", "v2", 2'000).NextTable().Split("v2", "v3", 2'000, 5);
  const auto answer = log.Answer();
  ASSERT_TRUE(answer) << Describe(answer.error());
  EXPECT_NEAR(answer->report.ips.value, 0.5, 1e-9);
  EXPECT_EQ(answer->report.n, 2'000);
  EXPECT_EQ(answer->left_out.not_randomised, 500);
  EXPECT_EQ(answer->left_out.unsupported, 2'000);
}

// Shares that move often leave stretches in which the smaller one was not drawn by chance. To leave
// them out would make it look more frequent than it was.
TEST(OffPolicyLog, AShortStretchIsOfTheSplitOfItsNeighbours) {
  std::vector<DrawnCall> calls;
  const auto add = [&](std::size_t arm, double propensity, std::uint64_t generation) {
    DrawnCall call;
    call.arm = arm;
    call.propensity = propensity;
    call.generation = generation;
    calls.push_back(call);
  };
  add(0, 0.95, 1);  // Before any whole split: of the next.
  add(0, 0.9, 2);
  add(1, 0.1, 2);
  add(0, 0.8, 3);  // Between two of them.
  add(2, 0.5, 4);  // Another version has come.
  add(1, 0.5, 4);
  EXPECT_EQ(SupportOf(calls, {0, 1}), (std::vector<bool>{true, true, true, true, false, false}));
  EXPECT_EQ(SupportOf(calls, {2}), (std::vector<bool>{false, false, false, false, true, true}));
  EXPECT_EQ(SupportOf(calls, {0, 2}), std::vector<bool>(6, false));
  EXPECT_EQ(SupportOf({}, {0}), std::vector<bool>());
}

TEST(OffPolicyLog, WhatSaysNothingIsCounted) {
  LogOf log;
  log.Wants("v2", 1).Split("v1", "v2", 1'000);
  log.Add("v2", 1.0).arm = "override";
  log.Add("v1", 0.0);
  log.Add("v1", 0.75).outcome = PredictionOutcome::kRefused;
  const auto answer = log.Answer();
  ASSERT_TRUE(answer) << Describe(answer.error());
  EXPECT_EQ(answer->report.n, 1'000);
  EXPECT_EQ(answer->left_out.overrides, 1);
  EXPECT_EQ(answer->left_out.without_propensity, 1);
  EXPECT_EQ(answer->left_out.refused, 1);
}

// A fallback's answer is not the failed version's success.
TEST(OffPolicyLog, AnAnswerOfAnotherVersionIsAFailure) {
  LogOf log;
  log.Wants("v2", 1).Split("v1", "v2", 800, 10);
  for (int i = 0; i < 50; ++i) log.Add("v2", 0.25).served = "v1";
  const auto answer = log.Answer();
  ASSERT_TRUE(answer);
  EXPECT_NEAR(answer->report.snips.value, 0.8, 1e-9);
}

// Whose answer is given was drawn for itself: the champion has answered all the same.
TEST(OffPolicyLog, AChallengersAnswerTakesNothingFromItsChampion) {
  LogOf log;
  log.Wants("v2", 1).Split("v1", "v2", 800, 10);
  using enum SideOutcome;
  for (int i = 0; i < 70; ++i) {
    PredictionFact& fact = log.Add("v2", 0.25);
    fact.served = "v3";
    fact.challenger.emplace();
    fact.challenger->champion.outcome = i < 40   ? kAnswered
                                        : i < 50 ? kFailed
                                        : i < 60 ? kNotAsked
                                                 : kUnknown;
  }
  const auto answer = log.Answer();
  ASSERT_TRUE(answer);
  EXPECT_NEAR(answer->report.snips.value, 0.96, 1e-9);
  EXPECT_EQ(answer->left_out.without_reward, 20);
}

TEST(OffPolicyLog, TheScoreOfACallIsTheMeanOfItsRows) {
  LogOf log(RewardKind::kScore);
  log.Wants("v2", 1);
  for (int i = 0; i < 1'000; ++i) {
    PredictionFact& fact = i % 4 == 3 ? log.Add("v2", 0.25) : log.Add("v1", 0.75);
    if (i >= 900) continue;  // No feedback on these.
    fact.has_feedback = true;
    fact.score = i % 4 == 3 ? 1 : 0;
    if (i % 4 != 3) continue;
    PredictionFact second = fact;
    second.row = 1;
    second.score = 3;
    log.Add("v2", 0.25) = second;
  }
  const auto answer = log.Answer();
  ASSERT_TRUE(answer) << Describe(answer.error());
  EXPECT_EQ(answer->report.snips.value, 2);
  EXPECT_EQ(answer->report.n, 900);
  EXPECT_EQ(answer->left_out.without_reward, 100);
}

TEST(OffPolicyLog, RefusalsSayWhatIsMissing) {
  LogOf fixed;
  fixed.Wants("v1", 1);
  for (int i = 0; i < 500; ++i) fixed.Add("v1", 1.0);
  struct Case {
    const char* name;
    LogOf log;
    const char* want;
  };
  Case cases[] = {
      {"nothing logged", LogOf().Wants("v2", 1), "is it logged"},
      {"no split", fixed, "by chance"},
      {"a version that was never drawn", LogOf().Wants("v9", 1).Split("v1", "v2", 800),
       "the policy gives v9 100 %"},
      {"never in one split",
       LogOf()
           .Wants("v1", 0.5)
           .Wants("v3", 0.5)
           .Split("v1", "v2", 800)
           .NextTable()
           .Split("v2", "v3", 800),
       "never drawn from one split"},
      {"no feedback", LogOf(RewardKind::kLabel).Wants("v2", 1).Split("v1", "v2", 800), "label"},
      {"too few", LogOf().Wants("v2", 1).Split("v1", "v2", 200), "effective sample of 50.0"},
  };
  for (Case& c : cases) {
    SCOPED_TRACE(c.name);
    const auto answer = c.log.Answer();
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().code, ErrorCode::kUnprocessable);
    EXPECT_NE(answer.error().message.find(c.want), std::string::npos) << answer.error().message;
  }
}

TEST(OffPolicyLog, AllPagesAreReadUpToTheLimit) {
  store::MemoryPredictionStore store;
  std::vector<PredictionRow> rows;
  constexpr int kRows = limits::kFactPage + 1'000;
  for (int i = 0; i < kRows; ++i) {
    PredictionRow row;
    row.at = kFrom + std::chrono::milliseconds(i);
    row.id = PredictionId(row.at, "x");
    row.request_id = "q" + std::to_string(i);
    row.route = "r";
    row.assigned = row.served = i % 2 == 0 ? "v1" : "v2";
    row.arm = "primary";
    row.propensity = 0.5;
    rows.push_back(row);
  }
  for (std::span<const PredictionRow> left = rows; !left.empty();) {
    left = left.subspan(store.RecordPredictions(left)->taken);
  }
  OffPolicyQuestion question;
  question.route = "r";
  question.since = kFrom;
  question.until = kFrom + std::chrono::hours(1);
  question.policy = {{"v2", 1}};
  const auto whole = EvaluateRoute(store, question);
  ASSERT_TRUE(whole) << Describe(whole.error());
  EXPECT_TRUE(whole->complete);
  EXPECT_EQ(whole->report.n, kRows);
  EXPECT_EQ(whole->report.snips.value, 1);
  EXPECT_EQ(whole->report.units, kRows);  // Units that are not kept are one each.
  const auto bounded = EvaluateRoute(store, question, limits::kFactPage);
  ASSERT_TRUE(bounded);
  EXPECT_FALSE(bounded->complete);
  EXPECT_EQ(bounded->report.n, limits::kFactPage);
}

}  // namespace
}  // namespace podium::control
