#include "base/money.h"

#include <gtest/gtest.h>

namespace podium {
namespace {

constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();

// An amount that cannot be read exactly is refused: nothing is rounded on the way in.
TEST(Money, ReadsPlainDecimalsExactly) {
  struct Case {
    std::string_view text;
    std::optional<std::int64_t> want;
  };
  const Case cases[] = {
      {"2.5", 2'500'000'000},
      {"0.15", 150'000'000},
      {"3", 3'000'000'000},
      {"0", 0},
      {"0.000000001", 1},
      {"9223372036.854775807", kMost},
      {"9223372036.854775808", std::nullopt},
      {"9223372037", std::nullopt},
      {"99999999999999999999", std::nullopt},
      {"0.0000000001", std::nullopt},
      {"", std::nullopt},
      {".5", std::nullopt},
      {"5.", std::nullopt},
      {"-1", std::nullopt},
      {"+1", std::nullopt},
      {"1e3", std::nullopt},
      {"1,5", std::nullopt},
      {" 1", std::nullopt},
      {"1.2.3", std::nullopt},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.text);
    const std::optional<NanoUsd> read = ParseUsd(c.text);
    EXPECT_EQ(read ? std::optional(read->value) : std::nullopt, c.want);
  }
}

TEST(Money, WritesNineDigits) {
  EXPECT_EQ(FormatUsd({0}), "0.000000000");
  EXPECT_EQ(FormatUsd({1}), "0.000000001");
  EXPECT_EQ(FormatUsd({-1'500'000'000}), "-1.500000000");
  EXPECT_EQ(FormatUsd({kMost}), "9223372036.854775807");
  EXPECT_EQ(FormatUsd({std::numeric_limits<std::int64_t>::min()}), "-9223372036.854775808");
}

TEST(Money, MicroDollarsHaveSixDigits) {
  EXPECT_EQ(FormatMicroUsd({0}), "0.000000");
  EXPECT_EQ(FormatMicroUsd({7'000}), "0.000007");
  EXPECT_EQ(FormatMicroUsd({123'456'000}), "0.123456");
  EXPECT_EQ(FormatMicroUsd({1'000'000'000}), "1.000000");
  EXPECT_EQ(FormatMicroUsd({-12'345'678'000}), "-12.345678");
}

TEST(Money, MicroDollarsAreRoundedHalfToEven) {
  EXPECT_EQ(RoundToMicroUsd({499}), 0);
  EXPECT_EQ(RoundToMicroUsd({500}), 0);
  EXPECT_EQ(RoundToMicroUsd({501}), 1);
  EXPECT_EQ(RoundToMicroUsd({1'500}), 2);
  EXPECT_EQ(RoundToMicroUsd({2'500}), 2);
  EXPECT_EQ(RoundToMicroUsd({-1'500}), -2);
  EXPECT_EQ(RoundToMicroUsd({-2'501}), -3);
}

TEST(Money, ASumThatDoesNotFitIsSaid) {
  EXPECT_EQ(Add({kMost - 1}, {1}), NanoUsd{kMost});
  EXPECT_EQ(Add({kMost}, {1}), std::nullopt);
  EXPECT_EQ(AddUpTo({kMost}, {1}), NanoUsd{kMost});
}

}  // namespace
}  // namespace podium
