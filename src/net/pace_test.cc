#include "net/pace.h"

#include <gtest/gtest.h>

namespace podium::net {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

constexpr std::size_t kRate = limits::kMinBytesPerSecond;

// INV-16: without the average, a peer that moves one byte just in time would stay for ever.
TEST(Pace, Inv16OneByteJustInTimeIsNotProgress) {
  Pace pace(seconds(30));
  EXPECT_EQ(pace.Left(), seconds(30));
  pace.Took(seconds(29), 1);
  EXPECT_GT(pace.Left(), seconds(1));
  EXPECT_LT(pace.Left(), seconds(2));
  pace.Took(seconds(1), 1);
  EXPECT_LT(pace.Left(), std::chrono::milliseconds(10));
  pace.Took(seconds(1), 0);
  EXPECT_EQ(pace.Left(), seconds(0));
}

TEST(Pace, TheLeastRateIsEnoughForEver) {
  Pace pace(seconds(30));
  for (int i = 0; i < 10'000; ++i) {
    pace.Took(seconds(10), 10 * kRate);
    ASSERT_EQ(pace.Left(), seconds(30));
  }
}

// A hundredth below it and the patience runs out, once.
TEST(Pace, JustBelowTheLeastRateEnds) {
  Pace pace(seconds(30));
  int rounds = 0;
  while (pace.Left() > seconds(10) && rounds < 10'000) {
    pace.Took(seconds(10), 10 * kRate - kRate / 10);
    ++rounds;
  }
  EXPECT_GT(rounds, 100);
  EXPECT_LT(rounds, 300);
}

// What was sent ahead buys the patience of one wait, not hours of silence: `patience` is the most.
TEST(Pace, NoWaitIsLongerThanThePatience) {
  Pace pace(seconds(30));
  pace.Took(seconds(0), std::size_t{1} << 36U);
  EXPECT_EQ(pace.Left(), seconds(30));
  pace.Took(hours(1), 0);
  EXPECT_EQ(pace.Left(), seconds(30));
}

}  // namespace
}  // namespace podium::net
