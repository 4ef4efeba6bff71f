// Requirement E1's step, once for both who walk by it.
#include "rollout/plain_rule.h"

#include <gtest/gtest.h>

#include <limits>
#include <optional>

namespace podium::rollout {
namespace {

TEST(PlainRule, StepsWhereTheRateReachesTheThresholdBelowTheMaximum) {
  constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
  struct Case {
    const char* name;
    PlainStep step;
    std::optional<double> want;
  };
  const Case cases[] = {
      {"above the threshold", {0.1, 0.2, 0.5, 0.96, 0.95}, 0.1 + 0.2},
      {"at the threshold", {0.1, 0.2, 0.5, 0.95, 0.95}, 0.1 + 0.2},
      {"just below it", {0.1, 0.2, 0.5, 0.9499, 0.95}, std::nullopt},
      {"cut at the maximum", {0.4, 0.2, 0.5, 1, 0.95}, 0.5},
      {"at the maximum", {0.5, 0.2, 0.5, 1, 0.95}, std::nullopt},
      {"above it, by a promote", {1, 0.2, 0.5, 1, 0.95}, std::nullopt},
      {"any rate will do", {0, 0.2, 0.5, 0, 0}, 0.2},
      {"no rate at all", {0, 0.2, 0.5, kNan, 0}, std::nullopt},
      {"in basis points", {1000, 2500, 3000, 1, 0.95}, 3000.0},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    EXPECT_EQ(NextShare(c.step), c.want);
  }
}

TEST(PlainRule, NoDataIsARateOfZero) {
  EXPECT_EQ(SuccessRate(0, 0), 0.0);
  EXPECT_EQ(SuccessRate(19, 20), 0.95);
}

}  // namespace
}  // namespace podium::rollout
