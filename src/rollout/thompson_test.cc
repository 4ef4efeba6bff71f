// The probability is that of tools/make_thompson_golden.py, and what follows from it earns more
// than an even split and finds its way back when the world turns.
#include "rollout/thompson.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <fstream>
#include <sstream>
#include <vector>

#include "base/json.h"
#include "base/rng.h"

namespace podium::rollout {
namespace {

Json ThompsonGolden() {
  std::ifstream file(PODIUM_SOURCE_DIR "/tests/data/rollout/thompson.json");
  std::stringstream text;
  text << file.rdbuf();
  Result<Json> golden = ParseJson(text.str());
  EXPECT_TRUE(golden) << "tests/data/rollout/thompson.json";
  return golden ? *golden : Json();
}

BetaPosterior BetaIn(const Json& pair) { return {pair[0].get<double>(), pair[1].get<double>()}; }
ArmOutcomes OutcomesIn(const Json& pair) {
  return {pair[0].get<std::uint64_t>(), pair[1].get<std::uint64_t>()};
}

TEST(ThompsonGoldenValues, ProbabilityIsThatOfTheIntegral) {
  const Json golden = ThompsonGolden();
  ASSERT_GE(golden["above"].size(), 20U);
  for (const Json& c : golden["above"]) {
    SCOPED_TRACE(DumpJson(c));
    const BetaPosterior a = BetaIn(c["a"]);
    const BetaPosterior b = BetaIn(c["b"]);
    EXPECT_NEAR(ProbabilityAbove(a, b), c["want"].get<double>(), 1e-9);
    EXPECT_NEAR(ProbabilityAbove(a, b) + ProbabilityAbove(b, a), 1, 1e-9);
    // Failures instead of successes turn it round.
    EXPECT_NEAR(ProbabilityAbove({b.beta, b.alpha}, {a.beta, a.alpha}), c["want"].get<double>(),
                1e-9);
  }
}

TEST(ThompsonGoldenValues, PosteriorsAreThoseOfOutcomesOneByOne) {
  const Json golden = ThompsonGolden();
  ASSERT_GE(golden["posteriors"].size(), 3U);
  for (const Json& c : golden["posteriors"]) {
    SCOPED_TRACE(DumpJson(c));
    std::vector<EpochOutcomes> epochs;
    for (const Json& epoch : c["epochs"]) {
      epochs.push_back({OutcomesIn(epoch["candidate"]), OutcomesIn(epoch["primary"])});
    }
    const Posteriors got = PosteriorsOf(epochs, c["discount"].get<double>());
    const BetaPosterior candidate = BetaIn(c["want"]["candidate"]);
    const BetaPosterior primary = BetaIn(c["want"]["primary"]);
    EXPECT_NEAR(got.candidate.alpha, candidate.alpha, 1e-9 * candidate.alpha);
    EXPECT_NEAR(got.candidate.beta, candidate.beta, 1e-9 * candidate.beta);
    EXPECT_NEAR(got.primary.alpha, primary.alpha, 1e-9 * primary.alpha);
    EXPECT_NEAR(got.primary.beta, primary.beta, 1e-9 * primary.beta);
  }
}

TEST(ThompsonProbability, HoldsAtTheEnds) {
  EXPECT_NEAR(ProbabilityAbove({1, 1}, {1, 1}), 0.5, 1e-12);
  EXPECT_NEAR(ProbabilityAbove({1e7, 1}, {1, 1e7}), 1, 1e-12);
  EXPECT_NEAR(ProbabilityAbove({1, 1e7}, {1e7, 1}), 0, 1e-12);
  EXPECT_NEAR(ProbabilityAbove({1e7, 1e4}, {1e7, 1e4}), 0.5, 1e-9);
}

TEST(ThompsonSharing, EachArmKeepsHalfOfTheExploration) {
  struct Case {
    double probability;
    double exploration;
    int most;
    int want;
  };
  const Case cases[] = {
      {0, 0.02, 10'000, 100},      {1, 0.02, 10'000, 9'900}, {0.5, 0.02, 10'000, 5'000},
      {0.25, 0.02, 10'000, 2'550}, {1, 0.02, 5'000, 5'000},  {0, 0.0002, 10'000, 1},
      {1, 0.0002, 10'000, 9'999},  {0.9, 1, 10'000, 5'000},  {0, 0.02, 50, 50}};
  for (const Case& c : cases) {
    ThompsonPlan plan;
    plan.most = *BasisPoints::From(c.most);
    plan.exploration = c.exploration;
    EXPECT_EQ(ThompsonShare(c.probability, plan).value(), c.want) << c.probability;
  }
}

ThompsonPlan UpTo(int most) {
  ThompsonPlan plan;
  plan.most = *BasisPoints::From(most);
  return plan;
}

// A table that changes for nothing costs a publish on every replica.
TEST(ThompsonMoves, SmallDifferencesStayButTheEndsAreReached) {
  const std::vector<EpochOutcomes> alike = {{{50, 1}, {50, 1}}};
  const std::vector<EpochOutcomes> better = {{{900, 0}, {800, 100}}};
  struct Case {
    const char* name;
    std::vector<EpochOutcomes> epochs;
    int share;
    int want;  ///< 0: stays.
  };
  const Case cases[] = {{"exactly there", alike, 5'000, 0},
                        {"1.99 points away", alike, 5'199, 0},
                        {"2 points away", alike, 5'200, 5'000},
                        {"below it", alike, 4'800, 5'000},
                        {"one short of the end", better, 9'899, 9'900},
                        {"at the end", better, 9'900, 0}};
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    const auto move = NextThompsonMove(c.epochs, *BasisPoints::From(c.share),
                                       std::chrono::minutes(1), UpTo(10'000));
    ASSERT_EQ(move.has_value(), c.want != 0);
    if (move) EXPECT_EQ(move->share.value(), c.want);
  }
}

TEST(ThompsonMoves, TheSentenceHasTheNumbers) {
  const auto move = NextThompsonMove(std::vector<EpochOutcomes>{{{98, 0}, {900, 98}}},
                                     *BasisPoints::From(500), std::chrono::minutes(1), UpTo(5'000));
  ASSERT_TRUE(move);
  EXPECT_NE(move->reason.find("from 5 % to 50 %"), std::string::npos) << move->reason;
  EXPECT_NE(move->reason.find("probability 0.99"), std::string::npos) << move->reason;
}

TEST(ThompsonMoves, EpochsAreSpentMoreSlowlyTheMoreAreGone) {
  const ThompsonPlan plan = UpTo(5'000);
  EXPECT_EQ(ThompsonInterval(plan, 1), std::chrono::seconds(10));
  EXPECT_EQ(ThompsonInterval(plan, 127), std::chrono::seconds(10));
  EXPECT_EQ(ThompsonInterval(plan, 128), std::chrono::seconds(20));
  EXPECT_EQ(ThompsonInterval(plan, 1'000), std::chrono::seconds(1'280));
  ThompsonPlan slow = plan;
  slow.interval = std::chrono::minutes(5);
  EXPECT_EQ(ThompsonInterval(slow, 128), std::chrono::minutes(5));
}

/// Rates of success in two halves of the time.
struct World {
  std::array<double, 2> candidate;
  std::array<double, 2> primary;
};

double Draw(Rng& rng) { return static_cast<double>(rng.Next64() >> 11U) * 0x1.0p-53; }

/// The share of the best arm's requests that were lost to the other, per turn of 10 s.
std::vector<double> Regrets(const World& world, int turns, int requests, std::uint64_t seed) {
  SeededRng rng(seed);
  std::vector<EpochOutcomes> epochs(1);
  BasisPoints share = *BasisPoints::From(500);
  std::vector<double> regrets;
  for (int turn = 0; turn < turns; ++turn) {
    const std::size_t half = 2 * turn < turns ? 0 : 1;
    const double candidate = world.candidate.at(half);
    const double primary = world.primary.at(half);
    double lost = 0;
    for (int i = 0; i < requests; ++i) {
      const bool canary = Draw(rng) < share.value() / 1e4;
      ArmOutcomes& arm = canary ? epochs.back().candidate : epochs.back().primary;
      const double rate = canary ? candidate : primary;
      ++(Draw(rng) < rate ? arm.successes : arm.failures);
      lost += std::max(candidate, primary) - rate;
    }
    regrets.push_back(lost / requests);
    if (const auto move = NextThompsonMove(epochs, share, std::chrono::hours(1), UpTo(10'000))) {
      share = move->share;
      epochs.emplace_back();
    }
  }
  return regrets;
}

double SumOf(const std::vector<double>& numbers, std::size_t from, std::size_t to) {
  double sum = 0;
  for (std::size_t i = from; i < to; ++i) sum += numbers[i];
  return sum;
}

// 60 turns of 500 requests. An even split loses half of the difference for ever.
TEST(ThompsonSimulated, RegretIsAFractionOfAnEvenSplits) {
  const World worlds[] = {{{0.95, 0.95}, {0.90, 0.90}}, {{0.90, 0.90}, {0.95, 0.95}}};
  for (const World& world : worlds) {
    for (std::uint64_t seed = 1; seed <= 3; ++seed) {
      SCOPED_TRACE(seed);
      const std::vector<double> regrets = Regrets(world, 60, 500, seed);
      const double even = 60 * 0.05 / 2;
      EXPECT_LT(SumOf(regrets, 0, 60), 0.35 * even);
    }
  }
}

// The better one becomes the worse one half-way: what was learned is forgotten in time.
TEST(ThompsonSimulated, ATurnOfTheWorldIsFollowed) {
  const World world{{0.95, 0.85}, {0.90, 0.95}};
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    SCOPED_TRACE(seed);
    const std::vector<double> regrets = Regrets(world, 120, 500, seed);
    EXPECT_LT(SumOf(regrets, 50, 60), 0.35 * 10 * 0.05 / 2);
    EXPECT_LT(SumOf(regrets, 110, 120), 0.35 * 10 * 0.10 / 2);
  }
}

}  // namespace
}  // namespace podium::rollout
