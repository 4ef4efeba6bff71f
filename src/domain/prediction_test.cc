// Ids that sort by time, and numbers that come back: the index is read by both.
#include "domain/prediction.h"

#include <gtest/gtest.h>

#include <cmath>

namespace podium {
namespace {

constexpr WallTime kMoment{std::chrono::seconds(1'773'064'800)};

TEST(PredictionId, SortsByTimeAndThenByItsToken) {
  const std::string early = PredictionId(kMoment, "zzz");
  const std::string late = PredictionId(kMoment + std::chrono::microseconds(1), "000");
  EXPECT_LT(early, late);
  EXPECT_LT(PredictionIdFloor(kMoment), early);
  EXPECT_LT(early, PredictionIdFloor(kMoment + std::chrono::microseconds(1)));
  EXPECT_EQ(PredictionIdFloor(kMoment).size(), 14U);
  EXPECT_EQ(PredictionIdFloor(WallTime(std::chrono::seconds(-5))), std::string(14, '0'));
}

TEST(PredictionScores, ComeBackAsTheSameNumbers) {
  const std::vector<double> scores = {0.1, -0.0, 1e-300, 0.30000000000000004, 12345678.9};
  EXPECT_EQ(ParseScores(ScoresText(scores)).value_or(std::vector<double>()), scores);
  EXPECT_EQ(ScoresText({}), "");
  EXPECT_TRUE(ParseScores("")->empty());
  const auto odd = ParseScores(ScoresText({std::nan(""), INFINITY}));
  ASSERT_TRUE(odd);
  EXPECT_TRUE(std::isnan(odd->at(0)));
  EXPECT_TRUE(std::isinf(odd->at(1)));
}

TEST(PredictionScores, OtherTextIsRefused) {
  for (const char* text : {",", "1,", ",1", "1;2", "x", "1 ", "1,,2"}) {
    EXPECT_FALSE(ParseScores(text)) << text;
  }
}

TEST(PredictionOutcome, FollowsTheStatus) {
  struct Case {
    int status;
    PredictionOutcome want;
  };
  for (const Case& c :
       {Case{200, PredictionOutcome::kOk}, Case{299, PredictionOutcome::kOk},
        Case{400, PredictionOutcome::kRefused}, Case{429, PredictionOutcome::kRefused},
        Case{408, PredictionOutcome::kTimeout}, Case{504, PredictionOutcome::kTimeout},
        Case{500, PredictionOutcome::kError}, Case{503, PredictionOutcome::kError}}) {
    EXPECT_EQ(OutcomeOfStatus(c.status), c.want) << c.status;
  }
  for (const auto outcome : {PredictionOutcome::kOk, PredictionOutcome::kRefused,
                             PredictionOutcome::kTimeout, PredictionOutcome::kError}) {
    EXPECT_EQ(ParsePredictionOutcome(NameOf(outcome)), outcome);
  }
  EXPECT_EQ(ParsePredictionOutcome("fine"), std::nullopt);
}

TEST(Feedback, SaysTheSameWhoeverAndWheneverItWas) {
  Feedback a;
  a.route = "r";
  a.request_id = "q";
  a.label = 1;
  Feedback b = a;
  b.actor = "ann";
  b.at = kMoment;
  EXPECT_TRUE(a.SaysTheSame(b));
  b.label = 0;
  EXPECT_FALSE(a.SaysTheSame(b));
}

}  // namespace
}  // namespace podium
