// Requirement B6 through the library.
#include <podium/ab_router.h>

#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <utility>

namespace podium::v1 {
namespace {

TEST(PublicAbRouter, WeightsAreWithinZeroAndOne) {
  AbRouter router = AbRouter::Create(0.5, "test").value();
  for (const double weight :
       {-0.1, 1.1, std::numeric_limits<double>::quiet_NaN(),
        std::numeric_limits<double>::infinity(), -std::numeric_limits<double>::infinity()}) {
    SCOPED_TRACE(weight);
    EXPECT_EQ(AbRouter::Create(weight, "test").error().code, ErrorCode::kInvalidArgument);
    EXPECT_EQ(router.SetWeight(weight).error().code, ErrorCode::kInvalidArgument);
    EXPECT_EQ(router.weight(), 0.5);
  }
  EXPECT_EQ(AbRouter::Create(0.5, "no salt").error().code, ErrorCode::kInvalidArgument);
}

TEST(PublicAbRouter, CountsWhatItDecides) {
  AbRouter router = AbRouter::Create(0.0, "test").value();
  for (int i = 0; i < 10; ++i) EXPECT_EQ(router.Route(std::to_string(i)), Side::kChampion);
  ASSERT_TRUE(router.SetWeight(1.0));
  AbRouter moved = std::move(router);
  for (int i = 0; i < 20; ++i) EXPECT_EQ(moved.Route(std::to_string(i)), Side::kChallenger);
  EXPECT_EQ(moved.champion_requests(), 10U);
  EXPECT_EQ(moved.challenger_requests(), 20U);
}

}  // namespace
}  // namespace podium::v1
