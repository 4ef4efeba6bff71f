// The column routes.follow: what was written comes back, and nothing that people write crashes.
#include "store/follow_row.h"

#include <gtest/gtest.h>

namespace podium::store {
namespace {

TEST(FollowRow, ComesBackAsItWas) {
  Follow plain;
  plain.model = "größe \"x\"";
  Follow held = plain;
  held.champion = "@blue";
  held.challenger = "none";
  held.challenger_share = *BasisPoints::From(10'000);
  held.on_champion = OnChampion::kRollout;
  held.held = true;
  held.held_because = "ann rolled back: worse";
  held.held_at = WallTime(std::chrono::microseconds(1'700'000'000'000'001));
  for (const Follow& follow : {plain, held}) {
    const std::string text = FollowToText(follow);
    SCOPED_TRACE(text);
    const Result<Follow> back = FollowFromText(text);
    ASSERT_TRUE(back) << Describe(back.error());
    EXPECT_EQ(*back, follow);
  }
}

TEST(FollowRow, TheModelAloneIsEnoughForPeople) {
  Follow want;
  want.model = "ads";
  const Result<Follow> read = FollowFromText(R"({"model": "ads", "of_a_later_release": {}})");
  ASSERT_TRUE(read) << Describe(read.error());
  EXPECT_EQ(*read, want);
  EXPECT_EQ(read->challenger_share, *BasisPoints::From(500));
}

TEST(FollowRow, DamageIsAnErrorThatNamesIt) {
  struct Case {
    const char* text;
    const char* says;
  };
  const Case cases[] = {
      {"", "follow: "},
      {"null", "not a JSON object"},
      {"[]", "not a JSON object"},
      {"\"ads\"", "not a JSON object"},
      {"{", "follow: "},
      {"{}", "cannot be empty"},
      {R"({"model": 3})", "model is not a string"},
      {R"({"model": null})", "model is not a string"},
      {R"({"model": "a/b"})", "Invalid model name"},
      {R"({"model": "a", "champion": ["@x"]})", "champion is not a string"},
      {R"({"model": "a", "champion": "Blah"})", "'Blah' is neither"},
      {R"({"model": "a", "challenger": "@champion"})", "alias champion is the champion's already"},
      {R"({"model": "a", "challenger_share_bp": 10001})", "10001"},
      {R"({"model": "a", "challenger_share_bp": -1})", "-1"},
      {R"({"model": "a", "challenger_share_bp": 0.5})", "challenger_share_bp is not an integer"},
      {R"({"model": "a", "challenger_share_bp": "5"})", "challenger_share_bp is not an integer"},
      {R"({"model": "a", "on_champion": "watch"})", "on_champion is not promote or rollout"},
      {R"({"model": "a", "held": 1})", "held is not true or false"},
      {R"({"model": "a", "held_because": 1})", "held_because is not a string"},
      {R"({"model": "a", "held_at": "now"})", "held_at is not an integer"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.text);
    const Result<Follow> read = FollowFromText(c.text);
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error().code, ErrorCode::kUnprocessable);
    EXPECT_NE(read.error().message.find(c.says), std::string::npos) << read.error().message;
  }
}

}  // namespace
}  // namespace podium::store
