// A share that is read wrongly sends the wrong people to a canary.
#include "domain/traffic.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>

namespace podium {
namespace {

TEST(BasisPoints, From) {
  EXPECT_EQ(BasisPoints::From(0)->value(), 0);
  EXPECT_EQ(BasisPoints::From(10'000)->value(), 10'000);
  for (const std::int64_t wrong :
       {std::int64_t{-1}, std::int64_t{10'001}, INT64_MIN, INT64_MAX, std::int64_t{1} << 32}) {
    const auto share = BasisPoints::From(wrong);
    ASSERT_FALSE(share) << wrong;
    EXPECT_EQ(share.error().code, ErrorCode::kInvalidArgument);
  }
}

// Every step there is, written as people write it: 0.29 is not exact in binary.
TEST(BasisPoints, EveryPercentAsWrittenIsReadAndWrittenBack) {
  for (int value = 0; value <= BasisPoints::kWhole; ++value) {
    const std::string text = fmt::format("{}.{:02}", value / 100, value % 100);
    const auto share = BasisPoints::FromPercent(std::stod(text));
    ASSERT_TRUE(share) << text;
    ASSERT_EQ(share->value(), value) << text;
    ASSERT_EQ(BasisPoints::FromPercent(share->percent())->value(), value) << text;
    ASSERT_EQ(BasisPoints::FromPercent(std::stod(FormatPercent(*share)))->value(), value) << text;
  }
}

TEST(BasisPoints, RefusesWhatIsNoPercent) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  for (const double wrong : {std::nan(""), kInfinity, -kInfinity, -0.01, -1e-9, 100.01, 100.000001,
                             1e300, 0.005, 0.001, 12.345, 99.999}) {
    const auto share = BasisPoints::FromPercent(wrong);
    ASSERT_FALSE(share) << wrong;
    EXPECT_EQ(share.error().code, ErrorCode::kInvalidArgument);
    EXPECT_NE(share.error().message.find("traffic_pct"), std::string::npos);
  }
  EXPECT_EQ(BasisPoints::FromPercent(-0.0)->value(), 0);
}

TEST(BasisPoints, FormatsAsShortAsPossible) {
  struct Case {
    int value;
    const char* want;
  };
  for (const Case& c :
       {Case{0, "0"}, Case{1, "0.01"}, Case{10, "0.1"}, Case{25, "0.25"}, Case{500, "5"},
        Case{1005, "10.05"}, Case{9'990, "99.9"}, Case{10'000, "100"}}) {
    EXPECT_EQ(FormatPercent(*BasisPoints::From(c.value)), c.want);
  }
}

TEST(UnitKind, HasStableNames) {
  EXPECT_EQ(NameOf(UnitKind::kSession), "session");
  EXPECT_EQ(NameOf(UnitKind::kUser), "user");
  EXPECT_EQ(NameOf(UnitKind::kRequest), "request");
}

}  // namespace
}  // namespace podium
