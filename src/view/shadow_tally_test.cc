#include "view/shadow_tally.h"

#include <gtest/gtest.h>

#include "base/limits.h"
#include "view/shadow_budget.h"
#include "view/shadow_tallies.h"

namespace podium::view {
namespace {

using std::chrono::microseconds;

ShadowPairOutcome Timed(int champion_us, int challenger_us) {
  ShadowPairOutcome pair;
  pair.champion_time = microseconds(champion_us);
  pair.challenger_time = microseconds(challenger_us);
  return pair;
}

// latency_delta = challenger - champion: a quantile goes from the fastest through 0 to the slowest.
TEST(ShadowTally, QuantilesOfTheDeltaKeepItsSign) {
  ShadowTally tally(1);
  EXPECT_EQ(tally.Counts().DeltaQuantile(0.5).count(), 0);
  for (const int challenger : {100, 500, 1000, 1500, 3000})
    tally.CountPair(Timed(1000, challenger));
  const ShadowCounts counts = tally.Counts();
  const auto near = [&](double q, int want_us) {
    const double got = static_cast<double>(counts.DeltaQuantile(q).count()) / 1000;
    EXPECT_NEAR(got, want_us, 0.01 * std::abs(want_us) + 0.01) << q;
  };
  near(0.2, -900);
  near(0.4, -500);
  near(0.6, 0);
  near(0.8, 500);
  near(1.0, 2000);
  EXPECT_EQ(counts.faster, 2U);
  EXPECT_EQ(counts.as_fast, 1U);
  EXPECT_EQ(counts.slower, 2U);
}

// A tie is a tie up to the margin, the margin included.
TEST(ShadowTally, SlowerIsByMoreThanTheMargin) {
  ShadowTally tally(1);
  tally.CountPair(Timed(1000, 1100));
  tally.CountPair(Timed(1000, 900));
  EXPECT_EQ(tally.Counts().as_fast, 2U);
  tally.CountPair(Timed(1000, 1101));
  EXPECT_EQ(tally.Counts().slower, 1U);
}

TEST(ShadowTally, CountsPerCoreAndWhatWasShed) {
  ShadowTally tally(2);
  tally.CountCall(0, true);
  tally.CountCall(1, false);
  tally.CountShed(ShadowShed::kCost);
  tally.CountCost(NanoUsd{7});
  const ShadowCounts counts = tally.Counts();
  EXPECT_EQ(counts.total_requests, 2U);
  EXPECT_EQ(counts.sampled_requests, 1U);
  EXPECT_EQ(counts.shed_total(), 1U);
  EXPECT_EQ(counts.cost.value, 7);
}

// A shadow that always fails fills no disk.
TEST(ShadowTally, ErrorsAreLoggedNowAndThen) {
  ShadowTally tally(1);
  const SteadyTime start{};
  EXPECT_TRUE(tally.CountError(start));
  EXPECT_FALSE(tally.CountError(start + limits::kShadowLog - std::chrono::nanoseconds(1)));
  EXPECT_TRUE(tally.CountError(start + limits::kShadowLog));
  EXPECT_EQ(tally.Counts().challenger_errors, 3U);
}

// A verdict is about two versions: what was counted against an earlier champion is none of it.
TEST(ShadowTallies, BeginAnewWithAnotherChampion) {
  ShadowTallies tallies(1);
  const RouteName route("r");
  const ModelId shadow("s");
  const auto first = tallies.Against(ModelId("a"), route, shadow);
  first->CountPair({});
  EXPECT_EQ(tallies.Against(ModelId("a"), route, shadow), first);
  EXPECT_EQ(tallies.Of(route, shadow), first);
  const auto second = tallies.Against(ModelId("b"), route, shadow);
  EXPECT_EQ(second->Counts().pairs, 0U);
  EXPECT_EQ(tallies.Of(route, shadow), second);
  EXPECT_EQ(tallies.All().size(), 1U);
  const auto challenger = tallies.ChallengerAgainst(ModelId("a"), route, shadow);
  EXPECT_EQ(tallies.ChallengerAgainst(ModelId("a"), route, shadow), challenger);
  EXPECT_NE(tallies.ChallengerAgainst(ModelId("b"), route, shadow), challenger);
}

WallTime AtHour(int hour) { return WallTime(std::chrono::hours(hour)); }

// D3: the cap is of the day, held before it is spent, and others' spending counts.
TEST(ShadowBudget, HoldsWithinTheDaysCap) {
  ShadowBudget budget;
  const NanoUsd cap{100};
  EXPECT_FALSE(budget.Hold({101}, cap, AtHour(1)));
  EXPECT_TRUE(budget.Hold({60}, cap, AtHour(1)));
  EXPECT_FALSE(budget.Hold({41}, cap, AtHour(1))) << "what is held is as good as spent";
  EXPECT_TRUE(budget.Hold({40}, cap, AtHour(1)));
  budget.Settle({60}, {10}, AtHour(2));
  budget.Settle({40}, {10}, AtHour(2));
  EXPECT_EQ(budget.spent_today(AtHour(2)).value, 20);
  EXPECT_TRUE(budget.Hold({80}, cap, AtHour(2)));
  budget.Settle({80}, {0}, AtHour(2));
  budget.Learn({90}, {20}, AtHour(3));
  EXPECT_FALSE(budget.Hold({11}, cap, AtHour(3))) << "others have spent 70";
  EXPECT_TRUE(budget.Hold({10}, cap, AtHour(3)));
  budget.Settle({10}, {10}, AtHour(4));
  EXPECT_FALSE(budget.Hold({1}, cap, AtHour(23)));
  EXPECT_TRUE(budget.Hold({100}, cap, AtHour(24))) << "a new day";
  EXPECT_EQ(budget.spent_today(AtHour(24)).value, 0);
}

// D3: events may take long to the store, or come late; what was spent stays spent.
TEST(ShadowBudget, WhatIsSpentIsNotForgottenWhileEventsLag) {
  struct Case {
    const char* name;
    NanoUsd all;
    NanoUsd own;
    NanoUsd settled;
    std::int64_t want;
  };
  for (const Case& c :
       {Case{"nothing has got there", {0}, {0}, {60}, 60},
        Case{"some of ours", {40}, {40}, {60}, 60}, Case{"all of ours", {60}, {60}, {60}, 60},
        Case{"ours and others'", {100}, {40}, {60}, 120},
        Case{"others' alone", {100}, {0}, {0}, 100},
        Case{"more of ours than we know", {100}, {70}, {60}, 100}}) {
    SCOPED_TRACE(c.name);
    EXPECT_EQ(SpentInDay(c.all, c.own, c.settled).value, c.want);
  }
  ShadowBudget budget;
  ASSERT_TRUE(budget.Hold({60}, {100}, AtHour(1)));
  budget.Settle({60}, {60}, AtHour(1));
  for (int look = 0; look < 5; ++look) budget.Learn({0}, {0}, AtHour(2));
  EXPECT_FALSE(budget.Hold({41}, {100}, AtHour(3)));
  EXPECT_EQ(budget.spent_today(AtHour(3)).value, 60);
  // A look that was asked for before midnight says nothing of the new day.
  EXPECT_TRUE(budget.Hold({1}, {100}, AtHour(25)));
  budget.Learn({1000}, {0}, AtHour(23));
  EXPECT_EQ(budget.spent_today(AtHour(25)).value, 0);
}

}  // namespace
}  // namespace podium::view
