// Requirement B6: the router decides by key alone, takes every weight of [0, 1] and no other.
#include "routing/ab_router.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

namespace podium::routing {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kNotWeights[] = {kNan,        -kNan,   kInfinity, -kInfinity,
                                  1.0 + 1e-15, -1e-300, -1.0,      2.0};

AbRouter Make(double weight, const char* salt = "s1") {
  return std::move(AbRouter::Create(weight, salt).value());
}

int ChallengersOf(AbRouter& router, int keys) {
  int challengers = 0;
  for (int i = 0; i < keys; ++i) {
    challengers += router.Route("user-" + std::to_string(i)) == AbSide::kChallenger;
  }
  return challengers;
}

TEST(AbRouter, RefusesWhatIsNoWeight) {
  for (const double weight : kNotWeights) {
    SCOPED_TRACE(weight);
    const auto created = AbRouter::Create(weight, "s1");
    ASSERT_FALSE(created.has_value());
    EXPECT_EQ(created.error().code, ErrorCode::kInvalidArgument);

    AbRouter router = Make(0.25);
    const Status set = router.SetWeight(weight);
    ASSERT_FALSE(set.has_value());
    EXPECT_EQ(set.error().code, ErrorCode::kInvalidArgument);
    EXPECT_EQ(router.weight(), 0.25) << "the old weight stays";
  }
}

TEST(AbRouter, RefusesWhatIsNoSalt) {
  EXPECT_FALSE(AbRouter::Create(0.5, "").has_value());
  EXPECT_FALSE(AbRouter::Create(0.5, "two words").has_value());
  EXPECT_FALSE(AbRouter::Create(0.5, std::string(65, 's')).has_value());
  EXPECT_TRUE(AbRouter::Create(0.5, std::string(64, 's')).has_value());
}

TEST(AbRouter, BothEndsAreAllowed) {
  AbRouter nobody = Make(0.0);
  EXPECT_EQ(ChallengersOf(nobody, 20'000), 0);
  AbRouter everybody = Make(1.0);
  EXPECT_EQ(ChallengersOf(everybody, 20'000), 20'000);
  EXPECT_TRUE(nobody.SetWeight(-0.0).has_value());
  EXPECT_EQ(ChallengersOf(nobody, 20'000), 0);
}

TEST(AbRouter, IsDeterministicByKey) {
  AbRouter one = Make(0.5);
  AbRouter other = Make(0.5);
  AbRouter salted = Make(0.5, "s2");
  int different = 0;
  for (int i = 0; i < 1000; ++i) {
    const std::string key = std::to_string(i);
    EXPECT_EQ(one.Route(key), other.Route(key));
    different += one.Route(key) != salted.Route(key);
  }
  EXPECT_GT(different, 400) << "salts are independent";
  EXPECT_LT(different, 600);
}

TEST(AbRouter, TheShareIsTheWeight) {
  for (const double weight : {0.001, 0.1, 1.0 / 3.0, 0.5, 0.9}) {
    SCOPED_TRACE(weight);
    AbRouter router = Make(weight);
    constexpr int kKeys = 100'000;
    // 4.9 standard errors: fixed keys, so this holds or it does not.
    EXPECT_NEAR(ChallengersOf(router, kKeys) / double{kKeys}, weight,
                4.9 * std::sqrt(weight * (1 - weight) / kKeys));
  }
}

TEST(AbRouter, RaisingTheWeightOnlyAddsChallengers) {
  AbRouter router = Make(0.0);
  std::vector<bool> challenger(500, false);
  for (int step = 0; step <= 1000; ++step) {
    ASSERT_TRUE(router.SetWeight(step / 1000.0).has_value());
    for (std::size_t i = 0; i < challenger.size(); ++i) {
      const bool now = router.Route("user-" + std::to_string(i)) == AbSide::kChallenger;
      ASSERT_TRUE(now || !challenger[i]) << "user-" << i << " left at " << step;
      challenger[i] = now;
    }
  }
}

TEST(AbRouter, CountsBothSides) {
  AbRouter router = Make(0.3);
  const auto challengers = static_cast<std::uint64_t>(ChallengersOf(router, 10'000));
  EXPECT_GT(challengers, 0U);
  EXPECT_EQ(router.challenger_requests(), challengers);
  EXPECT_EQ(router.champion_requests(), 10'000 - challengers);
  // A move takes the counters along.
  AbRouter moved = std::move(router);
  EXPECT_EQ(moved.challenger_requests(), challengers);
}

}  // namespace
}  // namespace podium::routing
