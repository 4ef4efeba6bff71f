// The time that a report is about.
#include "control/admin/period.h"

#include <gtest/gtest.h>

#include "testing/sim_clock.h"

namespace podium::control {
namespace {

using testing::SimClock;

TEST(Moment, IsATimeOrAnAge) {
  constexpr WallTime kNow = SimClock::kStart;
  EXPECT_EQ(ReadMoment("since", "90s", kNow).value_or(WallTime()), kNow - std::chrono::seconds(90));
  EXPECT_EQ(ReadMoment("since", "30m", kNow).value_or(WallTime()), kNow - std::chrono::minutes(30));
  EXPECT_EQ(ReadMoment("since", "24h", kNow).value_or(WallTime()), kNow - std::chrono::hours(24));
  EXPECT_EQ(ReadMoment("since", "7d", kNow).value_or(WallTime()), kNow - std::chrono::hours(168));
  EXPECT_EQ(ReadMoment("since", "2026-03-09T14:00Z", kNow).value_or(WallTime()), kNow);
  for (const char* bad : {"", "h", "24", "-1h", "1.5h", "24 h", "yesterday", "99999999999999d"}) {
    EXPECT_FALSE(ReadMoment("since", bad, kNow)) << bad;
  }
}

net::RequestHead PeriodHead(std::string_view query) {
  net::RequestHead head;
  head.query = query;
  return head;
}

TEST(Period, IsTheLastDayUnlessItIsSaid) {
  using std::chrono::hours;
  using std::chrono::microseconds;
  constexpr WallTime kNow = SimClock::kStart;
  struct Case {
    const char* query;
    WallTime since;
    WallTime until;
  };
  const Case cases[] = {
      {"", kNow - hours(24), kNow + microseconds(1)},
      {"since=7d", kNow - hours(168), kNow + microseconds(1)},
      {"since=2h&until=1h", kNow - hours(2), kNow - hours(1)},
      {"until=1h", kNow - hours(24), kNow - hours(1)},
  };
  for (const Case& c : cases) {
    const Result<Period> period = ReadPeriod(PeriodHead(c.query), kNow);
    ASSERT_TRUE(period) << c.query;
    EXPECT_EQ(period->since, c.since) << c.query;
    EXPECT_EQ(period->until, c.until) << c.query;
  }
  EXPECT_EQ(ReadPeriod(PeriodHead("until=soon"), kNow).error().where, "until");
}

}  // namespace
}  // namespace podium::control
