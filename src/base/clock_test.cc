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

TEST(ParseUtc, ReadsWhatIsShownAndWhatPeopleType) {
  for (const std::int64_t micros : {0LL, 1LL, 951'782'400'000'000LL, 1'773'066'667'123'456LL}) {
    const WallTime time{microseconds(micros)};
    EXPECT_EQ(ParseUtc(FormatUtc(time)), time);
  }
  EXPECT_EQ(ParseUtc("2026-03-09T14:31:07Z"), WallTime(seconds(1'773'066'667)));
  EXPECT_EQ(ParseUtc("2026-03-09T14:31Z"), WallTime(seconds(1'773'066'660)));
  EXPECT_EQ(ParseUtc("1970-01-01T00:00:00.5Z"), WallTime(microseconds(500'000)));
}

TEST(ParseUtc, RefusesEverythingElse) {
  for (const char* text :
       {"", "yesterday", "2026-03-09", "2026-03-09T14:31:07", "2026-03-09T14:31:07+01:00",
        "2026-02-29T00:00:00Z", "2026-13-01T00:00:00Z", "2026-03-09T24:00:00Z",
        "2026-03-09T14:60:00Z", "2026-03-09T14:31:60Z", "2026-03-09T14:31:07.Z",
        "2026-03-09T14:31:07.1234567Z", "2026-03-09T14:31:07ZZ", "-026-03-09T14:31:07Z",
        "2026-03-09 14:31:07Z", "2026-+3-09T14:31:07Z", "2026-03-09T14:31:-7Z"}) {
    EXPECT_EQ(ParseUtc(text), std::nullopt) << text;
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
