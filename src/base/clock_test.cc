// Times are stored as text and compared as text: the form may never vary.
#include "base/clock.h"

#include <gtest/gtest.h>

namespace podium {
namespace {

using std::chrono::microseconds;
using std::chrono::seconds;

TEST(FormatUtc, AlwaysSixDigitsAndUtc) {
  EXPECT_EQ(FormatUtc(WallTime(seconds(1'773'066'667) + microseconds(123'456))),
            "2026-03-09T14:31:07.123456Z");
  EXPECT_EQ(FormatUtc(WallTime(seconds(0))), "1970-01-01T00:00:00.000000Z");
  EXPECT_EQ(FormatUtc(WallTime(microseconds(1))), "1970-01-01T00:00:00.000001Z");
  EXPECT_EQ(FormatUtc(WallTime(seconds(951'782'400))), "2000-02-29T00:00:00.000000Z");
  EXPECT_EQ(FormatUtc(WallTime(seconds(253'402'300'799) + microseconds(999'999))),
            "9999-12-31T23:59:59.999999Z");
  EXPECT_EQ(FormatUtc(WallTime(microseconds(-1))), "1969-12-31T23:59:59.999999Z");
}

TEST(FormatUtc, TextOrderIsTimeOrder) {
  std::string before;
  for (std::int64_t step = 0; step < 2'000; ++step) {
    const std::string now = FormatUtc(WallTime(microseconds(step * 999'999'999'937)));
    EXPECT_LT(before, now);
    EXPECT_EQ(now.size(), 27U);
    before = now;
  }
}

TEST(SystemClock, SteadyTimeNeverGoesBack) {
  const SystemClock clock;
  SteadyTime last = clock.SteadyNow();
  for (int i = 0; i < 1'000; ++i) {
    const SteadyTime now = clock.SteadyNow();
    EXPECT_GE(now, last);
    last = now;
  }
  EXPECT_GT(clock.Now(), WallTime(seconds(1'700'000'000)));
}

}  // namespace
}  // namespace podium
