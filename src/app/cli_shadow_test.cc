// `podium shadow show` and `podium challenger show`: what people read of what the API says.
#include "app/cli_shadow.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/json.h"

namespace podium::app {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

Json StandingOf(const char* text) {
  Result<Json> json = ParseJson(text);
  EXPECT_TRUE(json) << text;
  return json ? *std::move(json) : Json();
}

constexpr const char* kPairs =
    R"("latency_delta_ms": {"pairs": 8, "p50": -0.25, "p90": 1.5, "p99": 12},
       "verdicts": [{"about": "errors", "sentence": "no verdict yet"},
                    {"about": "agreement", "sentence": "the shadow agreed on 7 of 8 answers"}])";

TEST(ShadowText, TellsWhatWasCopiedAndWhatItProves) {
  const Json standing = StandingOf(
      fmt::format(R"({{"route": "tumour", "shadow": {{"rate": 0.1, "daily_cost_cap_usd": 10}},
                       "spent_today_usd": 1.5, "shadows": [{{"version": "2", "model_id": "t2",
                       "total_requests": 100, "sampled_requests": 10, "shed": 2,
                       "challenger_errors": 1, {}}}]}})",
                  kPairs)
          .c_str());
  EXPECT_EQ(ShadowText(standing),
            "tumour: copies of 10 % of the primary's calls; 1.50 of 10.00 dollars spent today\n"
            "2 (t2): 100 calls, 10 sampled, 2 shed, 1 errors\n"
            "  slower than the primary by: p50 -0.250 ms, p90 1.500 ms, p99 12.000 ms\n"
            "  errors: no verdict yet\n"
            "  agreement: the shadow agreed on 7 of 8 answers\n");
}

TEST(ShadowText, SaysWhenThereIsNothingToShow) {
  EXPECT_EQ(ShadowText(StandingOf(R"({"route": "r", "shadow": null})")),
            "r: its shadows get no copies\n");
  EXPECT_EQ(ShadowText(StandingOf(R"({"route": "r", "shadow": {"rate": 0}})")),
            "r: its shadows get no copies\n");
  EXPECT_THAT(ShadowText(StandingOf(R"({"route": "r", "shadow": {"rate": 1}, "shadows": []})")),
              HasSubstr("nobody is in the role of a shadow"));
}

// What a server says may hold what moves a terminal's cursor.
TEST(ShadowText, NamesCannotMoveTheTerminal) {
  EXPECT_THAT(ShadowText(StandingOf("{\"route\": \"r\\u001b[2J\", \"shadow\": null}")),
              Not(HasSubstr("\x1b")));
}

TEST(ChallengerText, TellsWhoAnsweredAndWhyNotTheOther) {
  const Json standing =
      StandingOf(fmt::format(R"({{"route": "tumour", "challenger": {{"challenger": "t2",
                            "testing": true, "weight": 0.25}},
                            "choices": {{"champion": 75, "challenger": 20, "late": 3, "failed": 2,
                            "busy": 1}}, "compared": {{{}}}}})",
                             kPairs)
                     .c_str());
  const std::string text = ChallengerText(standing);
  EXPECT_THAT(text, HasSubstr("tumour: t2 answers 25 % of the calls that both are asked\n"));
  EXPECT_THAT(text, HasSubstr("champion 75, challenger 20; instead of it: late 3, failed 2, "
                              "busy 1\n"));
  EXPECT_THAT(text, HasSubstr("errors: no verdict yet"));
}

TEST(ChallengerText, OffAndNoneAreTwoThings) {
  EXPECT_EQ(ChallengerText(StandingOf(R"({"route": "r", "challenger": null})")),
            "r: its champion is alone\n");
  EXPECT_EQ(ChallengerText(StandingOf(
                R"({"route": "r", "challenger": {"challenger": "c", "testing": false}})")),
            "r: c is loaded and not called\n");
}

}  // namespace
}  // namespace podium::app
