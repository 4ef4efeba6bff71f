#include "domain/follow.h"

#include <gtest/gtest.h>

namespace podium {
namespace {

Follow Following(std::string champion, std::string challenger) {
  Follow follow;
  follow.model = "ads-ranker";
  follow.champion = std::move(champion);
  follow.challenger = std::move(challenger);
  return follow;
}

// What is taken here is looked up at every change of the model: what cannot be must not get in.
TEST(ValidateFollow, NamesTheFieldThatCannotBe) {
  struct Case {
    const char* champion;
    const char* challenger;
    const char* field;  ///< Empty: it is taken.
    const char* says;
  };
  const Case cases[] = {
      {"", "", "", ""},
      {"", "none", "", ""},
      {"@champion", "@challenger", "", ""},
      {"Production", "Staging", "", ""},
      {"production", "STAGING", "", ""},
      {"@blue", "@green", "", ""},
      {"Staging", "none", "", ""},
      {"@champion", "Production", "", ""},
      {"@", "", "champion", "cannot be empty"},
      {"@latest", "", "champion", "reserved"},
      {"@v3", "", "champion", "'v3' is reserved"},
      {"@a b", "", "champion", "Invalid alias name: 'a b'"},
      {"@@a", "", "champion", "Invalid alias name"},
      {"champion", "", "champion", "'champion' is neither \"@\" with an alias nor a stage"},
      {"none", "", "champion", "cannot follow stage None"},
      {"Archived", "", "champion", "cannot follow stage Archived"},
      {"Deleted_Internal", "", "champion", "is neither"},
      {"3", "", "champion", "is neither"},
      {"", "@", "challenger", "cannot be empty"},
      {"", "None", "challenger", "cannot follow stage None"},
      {"", "Archived", "challenger", "cannot follow stage Archived"},
      {"@blue", "@blue", "challenger", "alias blue is the champion's already"},
      {"", "@champion", "challenger", "alias champion is the champion's already"},
      {"@challenger", "", "challenger", "alias challenger is the champion's already"},
      {"Production", "production", "challenger", "stage Production is the champion's already"},
      {"", "Production", "challenger", "stage Production is the champion's already"},
      {"Staging", "", "challenger", "stage Staging is the champion's already"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(fmt::format("{} / {}", c.champion, c.challenger));
    const Status valid = Validate(Following(c.champion, c.challenger));
    if (*c.field == '\0') {
      EXPECT_TRUE(valid) << Describe(valid.error());
      continue;
    }
    ASSERT_FALSE(valid);
    EXPECT_EQ(valid.error().code, ErrorCode::kInvalidArgument);
    EXPECT_EQ(valid.error().where, c.field);
    EXPECT_NE(valid.error().message.find(c.says), std::string::npos) << valid.error().message;
  }
}

TEST(ValidateFollow, TheModelMustHaveANameThatAModelCanHave) {
  for (const char* name : {"", " ", "a/b", "..", "a:b"}) {
    SCOPED_TRACE(name);
    Follow follow;
    follow.model = name;
    const Status valid = Validate(follow);
    ASSERT_FALSE(valid);
    EXPECT_EQ(valid.error().where, "model");
  }
}

// An alias beats a stage, so a selector may hold both: who reads it must look at the alias first.
TEST(FollowSelector, SaysWhereToLook) {
  struct Case {
    const char* champion;
    const char* challenger;
    FollowSelector want_champion;
    FollowSelector want_challenger;
    const char* says;
  };
  const Case cases[] = {
      {"",
       "",
       {"champion", ModelStage::kProduction},
       {"challenger", ModelStage::kStaging},
       "alias champion or stage Production, alias challenger or stage Staging"},
      {"@blue", "none", {"blue", {}}, {}, "alias blue, none"},
      {"staging",
       "@green",
       {{}, ModelStage::kStaging},
       {"green", {}},
       "stage Staging, alias green"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.says);
    const Follow follow = Following(c.champion, c.challenger);
    ASSERT_TRUE(Validate(follow));
    EXPECT_EQ(ChampionOf(follow), c.want_champion);
    EXPECT_EQ(ChallengerOf(follow), c.want_challenger);
    EXPECT_EQ(Describe(ChampionOf(follow)) + ", " + Describe(ChallengerOf(follow)), c.says);
  }
}

TEST(SameAims, HoldingIsNoAim) {
  const Follow one = Following("", "none");
  Follow held = one;
  held.held = true;
  held.held_because = "ann rolled back";
  held.held_at = WallTime(std::chrono::seconds(1));
  EXPECT_TRUE(SameAims(one, held));
  EXPECT_NE(one, held);
  Follow other = one;
  other.model = "ads-ranker-2";
  EXPECT_FALSE(SameAims(one, other));
  other = one;
  other.champion = "@champion";
  EXPECT_FALSE(SameAims(one, other));
  other = one;
  other.challenger = "";
  EXPECT_FALSE(SameAims(one, other));
  other = one;
  other.challenger_share = BasisPoints();
  EXPECT_FALSE(SameAims(one, other));
  other = one;
  other.on_champion = OnChampion::kRollout;
  EXPECT_FALSE(SameAims(one, other));
}

}  // namespace
}  // namespace podium
