#include "control/admin/shadow_verdict.h"

#include <gtest/gtest.h>

#include <cmath>

#include "rollout/paired.h"

namespace podium::control {
namespace {

view::ShadowCounts Pairs(std::uint64_t pairs, std::uint64_t only_challenger,
                         std::uint64_t only_champion) {
  view::ShadowCounts counts;
  counts.pairs = pairs;
  counts.only_challenger_failed = only_challenger;
  counts.only_champion_failed = only_champion;
  return counts;
}

// What counts is who failed where the other one did not; each verdict shows its numbers.
TEST(PairedVerdicts, SayWorseOrNotOrNothingYet) {
  struct Case {
    const char* name;
    view::ShadowCounts counts;
    const char* want;
  };
  const Case cases[] = {
      {"nothing", Pairs(0, 0, 0), "no verdict yet"},   {"few", Pairs(100, 2, 1), "no verdict yet"},
      {"worse", Pairs(1000, 40, 2), "worse"},          {"better", Pairs(1000, 2, 60), "not worse"},
      {"alike", Pairs(10'000, 400, 400), "not worse"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    const auto verdicts = PairedVerdicts(c.counts, "the shadow");
    ASSERT_FALSE(verdicts.empty());
    EXPECT_EQ(verdicts[0].about, "errors");
    EXPECT_EQ(verdicts[0].verdict, c.want) << verdicts[0].sentence;
    EXPECT_NE(verdicts[0].sentence.find(fmt::format("failed where the primary answered on {} calls",
                                                    c.counts.only_challenger_failed)),
              std::string::npos)
        << verdicts[0].sentence;
  }
}

// The interval holds the rate, and its ends are where the test's evidence reaches what is needed.
TEST(AgreementOf, EndsWhereTheEvidenceDoes) {
  view::ShadowCounts counts;
  EXPECT_FALSE(AgreementOf(counts));
  counts.agreed = 950;
  counts.disagreed = 50;
  const auto interval = AgreementOf(counts, 0.05);
  ASSERT_TRUE(interval);
  EXPECT_DOUBLE_EQ(interval->rate, 0.95);
  EXPECT_LT(interval->low, 0.95);
  EXPECT_GT(interval->high, 0.95);
  EXPECT_NEAR(rollout::LogAgreementE(950, 1000, interval->low), std::log(40), 1e-6);
  EXPECT_NEAR(rollout::LogAgreementE(50, 1000, 1 - interval->high), std::log(40), 1e-6);
  counts.agreed = 0;
  counts.disagreed = 20;
  EXPECT_EQ(AgreementOf(counts)->low, 0);
  EXPECT_LT(AgreementOf(counts)->high, 1);
}

}  // namespace
}  // namespace podium::control
