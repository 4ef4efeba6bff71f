// Which predictions count for which version: what chance did not assign, or another one answered,
// says nothing of a version.
#include "control/analytics/comparison.h"

#include <gtest/gtest.h>

#include "store/memory_prediction_store.h"
#include "testing/sim_clock.h"

namespace podium::control {
namespace {

using store::PredictionFact;

int fact_number = 0;

PredictionFact FactFor(const std::string& version) {
  PredictionFact fact;
  fact.id = "id" + std::to_string(++fact_number);
  fact.assigned = version;
  fact.served = version;
  fact.arm = "primary";
  fact.latency = std::chrono::milliseconds(2);
  fact.scores = {0.75};
  return fact;
}

PredictionFact Labelled(PredictionFact fact, double label, std::int64_t row = 0) {
  fact.has_feedback = true;
  fact.label = label;
  fact.row = row;
  return fact;
}

CompareReport ReportOf(const std::vector<PredictionFact>& facts, double threshold = 0.5) {
  Comparison comparison(threshold);
  for (const PredictionFact& fact : facts) comparison.Add(fact);
  return comparison.Report();
}

TEST(Comparison, AnOverrideCountsForNobody) {
  PredictionFact chosen = FactFor("v1");
  chosen.arm = "override";
  const CompareReport report = ReportOf({FactFor("v1"), chosen});
  EXPECT_EQ(report.overrides, 1);
  ASSERT_EQ(report.versions.size(), 1U);
  EXPECT_EQ(report.versions[0].n, 1);
}

TEST(Comparison, WhatAnotherVersionAnsweredCountsForNeither) {
  PredictionFact fallback = Labelled(FactFor("v2"), 1);
  fallback.served = "v1";
  const CompareReport report = ReportOf({FactFor("v1"), fallback});
  ASSERT_EQ(report.versions.size(), 2U);
  EXPECT_EQ(report.versions[0].n, 1);
  EXPECT_EQ(report.versions[0].labelled, 0);
  EXPECT_EQ(report.versions[1].n, 0);
  EXPECT_EQ(report.versions[1].not_served, 1);
}

// An outside fallback has no name in the registry: its success is not the failed version's.
TEST(Comparison, WhatAnOutsideFallbackAnsweredCountsForNobody) {
  PredictionFact outside = Labelled(FactFor("v1"), 1);
  outside.served.clear();
  const VersionComparison version = ReportOf({FactFor("v1"), outside}).versions.at(0);
  EXPECT_EQ(version.n, 1);
  EXPECT_EQ(version.not_served, 1);
  EXPECT_EQ(version.labelled, 0);
}

// v1 led and v2 was asked beside it: 3 and 5 ms, scores that differ.
PredictionFact ChallengedFact(bool challenger_was_given) {
  PredictionFact fact = FactFor("v1");
  fact.cost = NanoUsd{1'000'000'000};
  fact.challenger.emplace();
  fact.challenger->champion = {"v1", SideOutcome::kAnswered, std::chrono::milliseconds(3), {0.25}};
  fact.challenger->challenger = {
      "v2", SideOutcome::kAnswered, std::chrono::milliseconds(5), {0.75}};
  if (!challenger_was_given) return fact;
  fact.challenger->choice = ChallengerChoice::kChallenger;
  fact.served = "v2";
  return fact;
}

TEST(Comparison, ChampionAndChallengerEachHaveTheirOwnPartOfACall) {
  for (const bool challenger_was_given : {false, true}) {
    SCOPED_TRACE(challenger_was_given);
    PredictionFact fact = Labelled(ChallengedFact(challenger_was_given), 1);
    fact.score = 4;
    const CompareReport report = ReportOf({fact});
    ASSERT_EQ(report.versions.size(), 2U);
    const VersionComparison& champion = report.versions[0];
    const VersionComparison& challenger = report.versions[1];
    for (const VersionComparison* version : {&champion, &challenger}) {
      EXPECT_EQ(version->n, 1);
      EXPECT_EQ(version->not_served, 0);
      EXPECT_EQ(version->labelled, 1);
      EXPECT_EQ(version->error_rate->value, 0);
    }
    EXPECT_EQ(champion.latency_p50_ms->value, 3);
    EXPECT_EQ(challenger.latency_p50_ms->value, 5);
    EXPECT_EQ(champion.accuracy->value, 0);
    EXPECT_EQ(challenger.accuracy->value, 1);
    // A rating, and the price, is of the answer that was given.
    EXPECT_EQ(champion.feedback_score.has_value(), !challenger_was_given);
    EXPECT_EQ(challenger.feedback_score.has_value(), challenger_was_given);
    EXPECT_EQ(champion.cost_usd.has_value(), !challenger_was_given);
    EXPECT_EQ(challenger.cost_usd.has_value(), challenger_was_given);
  }
}

TEST(Comparison, AModelsOwnTimeAndAWholeCallsAreNotMixed) {
  const CompareReport report =
      ReportOf({FactFor("v1"), FactFor("v3"), ChallengedFact(false), ChallengedFact(true)});
  const VersionComparison& champion = report.versions.at(0);
  EXPECT_TRUE(champion.beside);
  EXPECT_EQ(champion.n, 3);
  EXPECT_EQ(champion.latency_p50_ms->n, 2);
  EXPECT_EQ(champion.latency_p50_ms->value, 3);
  EXPECT_TRUE(report.versions.at(1).beside);
  EXPECT_FALSE(report.versions.at(2).beside);
  EXPECT_EQ(report.versions.at(2).latency_p50_ms->value, 2);
}

TEST(Comparison, WhatTheCallerWasToldIsOfTheAnswerThatWasGiven) {
  PredictionFact fact = Labelled(ChallengedFact(true), 1);
  fact.prediction = 0.1;
  const CompareReport report = ReportOf({fact});
  EXPECT_EQ(report.versions.at(0).accuracy->value, 0);  // 0.25, its own.
  EXPECT_EQ(report.versions.at(1).accuracy->value, 0);  // 0.1, in place of 0.75.
  EXPECT_NEAR(report.versions.at(1).log_loss->value, 2.302585, 1e-6);
}

TEST(Comparison, AChallengersEndIsItsOwn) {
  struct Case {
    const char* name;
    SideOutcome outcome;
    std::int64_t want_n;
    double want_error_rate;
  };
  for (const Case& c : {Case{"failed", SideOutcome::kFailed, 2, 0.5},
                        Case{"not asked", SideOutcome::kNotAsked, 1, 0},
                        Case{"unknown", SideOutcome::kUnknown, 1, 0}}) {
    SCOPED_TRACE(c.name);
    PredictionFact fact = Labelled(ChallengedFact(false), 1);
    fact.challenger->challenger = {"v2", c.outcome, std::nullopt, {}};
    const CompareReport report = ReportOf({FactFor("v2"), fact});
    const VersionComparison& champion = report.versions.at(0);
    const VersionComparison& challenger = report.versions.at(1);
    EXPECT_EQ(champion.n, 1);
    EXPECT_EQ(champion.labelled, 1);
    EXPECT_EQ(challenger.n, c.want_n);
    EXPECT_EQ(challenger.error_rate->value, c.want_error_rate);
    EXPECT_EQ(challenger.labelled, 0);
    EXPECT_EQ(challenger.latency_p50_ms->n, 1);
    EXPECT_FALSE(challenger.beside);
  }
}

TEST(Comparison, WhatACallerDidWrongIsNobodysFailure) {
  PredictionFact fact = ChallengedFact(false);
  fact.outcome = PredictionOutcome::kRefused;
  fact.challenger->champion.outcome = SideOutcome::kFailed;
  fact.challenger->challenger.outcome = SideOutcome::kFailed;
  for (const VersionComparison& version : ReportOf({fact}).versions) {
    EXPECT_EQ(version.refused, 1);
    EXPECT_FALSE(version.error_rate);
  }
}

TEST(Comparison, ACallersMistakeIsNoErrorAndAFailureHasNoLatency) {
  PredictionFact refused = FactFor("v1");
  refused.outcome = PredictionOutcome::kRefused;
  PredictionFact failed = FactFor("v1");
  failed.outcome = PredictionOutcome::kError;
  failed.served.clear();
  PredictionFact late = FactFor("v1");
  late.outcome = PredictionOutcome::kTimeout;
  const CompareReport report = ReportOf({FactFor("v1"), FactFor("v1"), refused, failed, late});
  const VersionComparison& version = report.versions.at(0);
  EXPECT_EQ(version.n, 5);
  EXPECT_EQ(version.refused, 1);
  EXPECT_EQ(version.error_rate->value, 0.5);
  EXPECT_EQ(version.error_rate->n, 4);
  EXPECT_EQ(version.latency_p50_ms->n, 2);
  EXPECT_EQ(version.latency_p50_ms->value, 2.0);
}

TEST(Comparison, SeveralRowsOfOnePredictionAreOnePrediction) {
  PredictionFact fact = FactFor("v1");
  fact.scores = {0.9, 0.1};
  const CompareReport report =
      ReportOf({Labelled(fact, 1, 0), Labelled(fact, 0, 1), Labelled(fact, 0, 5)});
  const VersionComparison& version = report.versions.at(0);
  EXPECT_EQ(version.n, 1);
  EXPECT_EQ(version.latency_p50_ms->n, 1);
  EXPECT_EQ(version.labelled, 3);
  EXPECT_EQ(version.unscored, 1);  // There is no sixth score.
  EXPECT_EQ(version.accuracy->value, 1);
  EXPECT_EQ(version.accuracy->n, 2);
  EXPECT_EQ(version.auc->value, 1);
}

TEST(Comparison, WhatTheCallerWasToldWinsOverWhatIsLogged) {
  PredictionFact fact = Labelled(FactFor("v1"), 0);
  fact.prediction = 0.25;
  EXPECT_EQ(ReportOf({fact}).versions.at(0).accuracy->value, 1);
}

TEST(Comparison, WhatIsComputedDependsOnTheLabels) {
  struct Case {
    const char* name;
    double label;
    double score;
    LabelKind want;
  };
  const Case cases[] = {{"zero or one", 1, 0.3, LabelKind::kBinary},
                        {"classes", 7, 7, LabelKind::kClass},
                        {"a score beyond a probability", 1, 2, LabelKind::kClass},
                        {"quantities", 1.5, 1, LabelKind::kQuantity}};
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    PredictionFact fact = Labelled(FactFor("v1"), c.label);
    fact.scores = {c.score};
    const CompareReport report = ReportOf({fact, FactFor("v2")});
    EXPECT_EQ(report.labels, c.want);
    EXPECT_EQ(report.versions.at(0).log_loss.has_value(), c.want == LabelKind::kBinary);
    EXPECT_EQ(report.versions.at(0).absolute_error.has_value(), c.want == LabelKind::kQuantity);
    EXPECT_FALSE(report.versions.at(1).accuracy);
  }
  EXPECT_EQ(ReportOf({FactFor("v1")}).labels, LabelKind::kNone);
}

TEST(Comparison, TheThresholdIsTheCallers) {
  EXPECT_EQ(ReportOf({Labelled(FactFor("v1"), 1)}, 0.75).versions.at(0).recall->value, 1);
  EXPECT_EQ(ReportOf({Labelled(FactFor("v1"), 1)}, 0.76).versions.at(0).recall->value, 0);
}

TEST(Comparison, ARateBelowOneIsTold) {
  PredictionFact thinned = FactFor("v1");
  thinned.keep = 0.25;
  EXPECT_EQ(ReportOf({thinned, FactFor("v1")}).versions.at(0).least_keep, 0.25);
}

TEST(Comparison, AllPagesOfTheStoreAreRead) {
  store::MemoryPredictionStore store;
  std::vector<PredictionRow> rows;
  constexpr int kRows = 2 * limits::kFactPage + 1;
  for (int i = 0; i < kRows; ++i) {
    PredictionRow row;
    row.at = testing::SimClock::kStart + std::chrono::milliseconds(i);
    row.id = PredictionId(row.at, "x");
    row.request_id = "q" + std::to_string(i);
    row.route = "r";
    row.assigned = row.served = "v1";
    row.arm = "primary";
    row.latency = std::chrono::microseconds(i);
    rows.push_back(row);
  }
  for (std::span<const PredictionRow> left = rows; !left.empty();) {
    left = left.subspan(store.RecordPredictions(left)->taken);
  }
  const CompareQuestion question{"r", testing::SimClock::kStart,
                                 testing::SimClock::kStart + std::chrono::hours(1), 0.5};
  const Result<CompareReport> report = CompareVersions(store, question);
  ASSERT_TRUE(report);
  EXPECT_TRUE(report->complete);
  ASSERT_EQ(report->versions.size(), 1U);
  EXPECT_EQ(report->versions[0].n, kRows);
  EXPECT_EQ(report->versions[0].latency_p50_ms->value, (kRows - 1) / 2.0 / 1000);
  const Result<CompareReport> bounded = CompareVersions(store, question, limits::kFactPage);
  ASSERT_TRUE(bounded);
  EXPECT_FALSE(bounded->complete);
  EXPECT_EQ(bounded->versions.at(0).n, limits::kFactPage);
}

}  // namespace
}  // namespace podium::control
