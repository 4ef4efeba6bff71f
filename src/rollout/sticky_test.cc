// The rule for sticky keys. Each test is a sentence of it that, broken, makes verdicts wrong
// without a sign: retries of one angry user become a regression, or a bad candidate passes.
#include "rollout/sticky.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace podium::rollout {
namespace {

HitRecord Hits(std::initializer_list<std::uint32_t> ranks) {
  HitRecord record;
  for (const std::uint32_t rank : ranks) AddBad(record, rank);
  return record;
}

std::vector<HitRecord> Keys(std::size_t once, std::size_t twice, std::uint32_t second = 1) {
  std::vector<HitRecord> keys(once, Hits({0}));
  for (std::size_t i = 0; i < twice; ++i) keys.push_back(Hits({0, second}));
  return keys;
}

// "A key is one coin flip, however many requests it makes."
TEST(Sticky, TenErrorsOfOneSessionAreOneHit) {
  const std::vector<KeyHit> keys = {{Hits({0, 1, 2, 3, 4, 5, 6, 7, 8, 9}), true, true}};
  const EpochTally tally = TallyOf(keys, 8);
  EXPECT_EQ(tally.hit, 1U);
  EXPECT_EQ(tally.canary_hit, 1U);
  EXPECT_EQ(tally.early, 1U);
  EXPECT_EQ(tally.closed.canary[9], 1U);  // Ten bad of sixteen, once.
}

// "Judge only a key's first J = 16 requests of the epoch."
TEST(Sticky, OnlyTheFirstSixteenRequestsAreScored) {
  HitRecord record = Hits({15});
  EXPECT_EQ(record.bad, 1U);
  AddBad(record, 16);
  AddBad(record, 400);
  EXPECT_EQ(record.bad, 1U);
  EXPECT_EQ(record.first_rank, 15U);
  EXPECT_EQ(record.second_rank, 16U);
  // Late hits count for the first-event test all the same, whose record is the whole epoch.
  const std::vector<KeyHit> late = {{Hits({400}), true, true}};
  EXPECT_EQ(TallyOf(late, 8).hit, 1U);
  EXPECT_EQ(TallyOf(late, 8).early, 0U);
  EXPECT_EQ(TallyOf(late, 8).closed.canary, (ScoreHistogram{}.canary));
}

// "Open keys may be shown as a preview, never decide."
TEST(Sticky, OpenKeysAreNotScored) {
  const std::vector<KeyHit> open = {{Hits({0, 1}), false, false}};
  EXPECT_EQ(TallyOf(open, 8).closed.active, (ScoreHistogram{}.active));
  EXPECT_EQ(TallyOf(open, 8).hit, 1U);
}

// "First event of a key among its first J judged requests": rank J - 1 is the last of them.
TEST(Sticky, PromotionLooksAtTheJudgedRequestsAlone) {
  const std::vector<KeyHit> keys = {{Hits({7}), true, true}, {Hits({8}), true, true}};
  EXPECT_EQ(TallyOf(keys, 8).canary_early, 1U);
  EXPECT_EQ(TallyOf(keys, 9).canary_early, 2U);
}

TEST(Sticky, OutcomesMayArriveInAnyOrder) {
  const HitRecord forwards = Hits({2, 5, 9});
  const HitRecord backwards = Hits({9, 5, 2});
  EXPECT_EQ(forwards.first_rank, backwards.first_rank);
  EXPECT_EQ(forwards.second_rank, backwards.second_rank);
  EXPECT_EQ(forwards.second_rank, 5U);
  EXPECT_EQ(forwards.bad, backwards.bad);
}

// "The leader takes the union by key, adds `bad` up to J."
TEST(Sticky, ReplicasMergeByKey) {
  HitRecord many = Hits({0, 1, 2, 3, 4, 5, 6, 7, 8, 9});
  const HitRecord other = Hits({0, 3});
  const HitRecord merged = Merged(many, other);
  EXPECT_EQ(merged.first_rank, 0U);
  EXPECT_EQ(merged.second_rank, 0U);  // Each replica counts its own ranks.
  EXPECT_EQ(merged.bad, 12U);
  EXPECT_EQ(Merged(many, many).bad, kScoredRequests);
  EXPECT_EQ(Merged(many, HitRecord{}).second_rank, 1U);
  EXPECT_EQ(Merged(HitRecord{}, HitRecord{}).first_rank, kNoRank);
}

// "E[factor] <= 1 iff E[x|canary] <= r0 E[x|active]": exact for any score, at any share.
TEST(Sticky, TheScoreOfOneKeyIsAnEVariable) {
  for (const double rho : {0.01, 0.05, 0.5}) {
    for (const double r0 : {1.0, 1.5}) {
      // Active keys have 4 bad of 16 each, the candidate's r0 times as many: 4 or 6.
      const auto of = [&](bool canary, std::size_t bad) {
        ScoreHistogram one;
        (canary ? one.canary : one.active)[bad - 1] = 1;
        return std::exp(LogScoreE(one, rho, r0));
      };
      const auto worst = static_cast<std::size_t>(4 * r0);
      EXPECT_NEAR(rho * of(true, worst) + (1 - rho) * of(false, 4), 1, 1e-9);
      EXPECT_LT(rho * of(true, worst - 1) + (1 - rho) * of(false, 4), 1);
      EXPECT_GT(rho * of(true, worst + 1) + (1 - rho) * of(false, 4), 1);
    }
  }
}

// "Sees repeated errors of few keys, where R1 is saturated."
TEST(Sticky, RepeatedErrorsAreFoundWhereFirstEventsAreSaturated) {
  // All frail keys of both arms are hit; the candidate's fail five times as often.
  ScoreHistogram closed;
  closed.canary[4] = 100;
  closed.active[0] = 100;
  EXPECT_LT(LogFirstEventE({.label_probability = 0.5, .canary = 100, .all = 200}), 0);
  EXPECT_GT(LogScoreE(closed, 0.5, 1), 10);
}

// "J = largest of 32,16,8,4,2,1 with q <= 0.1 ..., at least 20 of them hit; else J = 1."
TEST(Sticky, JudgedRequestsAreAsManyAsRepeatsAllow) {
  EXPECT_EQ(ChooseJudged({}).requests, 1U);
  EXPECT_EQ(ChooseJudged(Keys(19, 0)).requests, 1U);  // Too few to know.
  EXPECT_EQ(ChooseJudged(Keys(20, 0)).requests, 32U);
  EXPECT_NEAR(ChooseJudged(Keys(20, 0)).repeat_share, 1.0 / 21, 1e-12);
  // Repeats at rank 5: judged 4 requests at most.
  EXPECT_EQ(ChooseJudged(Keys(60, 40, 5)).requests, 4U);
  EXPECT_EQ(ChooseJudged(Keys(60, 40, 1)).requests, 1U);
  EXPECT_EQ(ChooseJudged(Keys(60, 40, 1)).repeat_share, 0);
  // Exactly one in ten: (9 + 1)/(99 + 1).
  EXPECT_EQ(ChooseJudged(Keys(90, 9)).requests, 32U);
  EXPECT_EQ(ChooseJudged(Keys(89, 10)).requests, 1U);
}

// "r1' = r1 (1 - 2 (r1 - 1) q)"; "q = 0 for J = 1 (with J = 1 the test is exact)".
TEST(Sticky, TheMarginAnswersForRepeats) {
  EXPECT_EQ(StickyMargin(2, 0), 2);
  EXPECT_NEAR(StickyMargin(2, 0.1), 1.6, 1e-12);
  EXPECT_NEAR(StickyMargin(1.5, 0.1), 1.35, 1e-12);
  EXPECT_LE(StickyMargin(2, 0.25), 1);
  EXPECT_EQ(RepeatShare(Keys(10, 10), 1), 0);
  EXPECT_NEAR(RepeatShare(Keys(10, 9), 4), 0.5, 1e-12);
}

}  // namespace
}  // namespace podium::rollout
