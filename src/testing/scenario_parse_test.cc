// The scenario language: what is read, and that a mistake names its place and what should be there.
#include "testing/scenario_parse.h"

#include <gtest/gtest.h>

#include "testing/scenario_values.h"
#include "testing/scenario_words.h"

namespace podium::testing::scenario {
namespace {

std::string Mistake(std::string_view text) {
  const Result<Scenario> scenario = ParseScenario("s.pod", text);
  return scenario ? "none" : scenario.error().where + " " + scenario.error().message;
}

Deed Only(std::string_view text) {
  const Result<Scenario> scenario = ParseScenario("s.pod", text);
  EXPECT_TRUE(scenario) << text << ": " << Describe(scenario.error());
  if (!scenario || scenario->statements.empty()) return Reopen{};
  return scenario->statements.back().deed;
}

TEST(ParseScenario, ReadsEveryStatement) {
  for (const char* line :
       {"register iris v1 as m1",
        "register iris v1 as m1 shadow name small parent m0 by ann because \"new\"",
        "activate m1",
        "promote m1 if revision 3 if primary since 2",
        "retire m1 because \"old\"",
        "delete m1",
        "delete m1 even live by ann",
        "canary m1 at 0.25%",
        "canary m1 on iris at 100%",
        "end canary on iris",
        "rollback iris",
        "follow iris ranker",
        "follow iris ranker champion @blue challenger Staging at 2.5% rollout by ann",
        "unfollow iris",
        "resume iris because \"mended\"",
        "arms iris m2 20% as follower by mlflow:here",
        "expect fails 409 \"who\" when follow iris ranker challenger none",
        "expect route iris follows ranker held \"\"",
        "arms iris m1 20% m2 30% by ann",
        "rollout start iris m2",
        "rollout start iris m2 shares 1% 5% 25% unit user gated promoting as follower by ann",
        "rollout step iris 2 at 5% as driver because \"no worse\"",
        "rollout open iris",
        "rollout pause iris by ann",
        "rollout resume iris",
        "rollout page iris as driver",
        "rollout promote iris in person by ann",
        "rollout promote iris proven as driver",
        "rollout back iris",
        "rollout abort iris",
        "promote m2 aborting by ann",
        "expect fails 409 \"paused\" when rollout step iris 2 at 5% as driver",
        "expect rollout iris phase running step 2 share 5% candidate m2 primary m1 attempt 1",
        "expect rollout iris epochs 3 said \"ann paused it\"",
        "shadow iris at 50%",
        "shadow iris at 50% for m2 m3 by ann",
        "shadow iris none because \"done\"",
        "challenger iris m2",
        "challenger iris m2 at 20% off by ann",
        "challenger iris none",
        "expect route iris copies 50% watched m2,m3 challenger m2 weight 20% testing no",
        "arms iris none",
        "after 250ms",
        "clock back 2h",
        "reopen",
        "as ann",
        "suppose nothing",
        "suppose m2 is primary",
        "suppose provider of m2 is nowhere",
        "suppose salt of iris is none",
        "suppose canary salt of iris is r1",
        "note revision of m1 as n",
        "note revision of route iris as n",
        "note primary since of iris as n",
        "note salt of iris as n",
        "note canary salt of iris as n",
        "remember choices of iris for sessions u0..u9",
        "expect fails 409 \"nothing\" when rollback iris by ann",
        "expect nothing changed",
        "expect nothing set aside",
        "expect no route iris",
        "expect no version m1",
        "expect revision 7",
        "expect route iris primary m1 canary nobody share 5% previous m0 policy ab sticky user",
        "expect version m1 status retired created 5s revision 3",
        "expect roles iris m1 primary m2 canary 5% m3 standby",
        "expect roles iris none",
        "expect arms iris m1 20%",
        "expect arms iris none",
        "expect salt of iris is none",
        "expect canary salt of iris is none",
        "expect audit intact",
        "expect audit 3 rows",
        "expect audit newest promote from m1 to m2 by ann because \"x\" before 5% after 0% at 5s",
        "expect event newest podium.version.promoted",
        "expect choose iris session s user u request r version v1 -> m1 because canary bucket 26",
        "expect choose iris -> nobody fine 2 propensity 5% sticky no generation 3",
        "expect all sessions u0..u9 on iris -> m1",
        "expect share of m1 within 4.5%..5.5% for sessions u0..u9",
        "expect nobody moved",
        "expect moves only to m2",
        "expect moves only from m1 to m2",
        "expect set aside m2 \"older\""}) {
    EXPECT_EQ(Mistake(line), "none") << line;
  }
}

TEST(ParseScenario, WhatIsReadIsWhatIsWritten) {
  const auto canary = std::get<Act>(Only("canary m2 on iris at 0.25% by ann because \"try # it\""));
  const auto& verb = std::get<store::SetCanary>(canary.mutation);
  EXPECT_EQ(verb.id, ModelId("m2"));
  EXPECT_EQ(verb.route, RouteName("iris"));
  EXPECT_EQ(verb.share.value(), 25);
  EXPECT_EQ(canary.actor, "ann");
  EXPECT_EQ(canary.reason, "try # it");

  const auto promote = std::get<Act>(
      Only("note revision of m1 as seen\npromote m2 if revision seen if primary since 4"));
  EXPECT_EQ(promote.if_revision, RevisionRef("seen"));
  EXPECT_EQ(promote.if_primary_since, RevisionRef(Revision(4)));

  const auto arms =
      std::get<store::SetArms>(std::get<Act>(Only("arms iris m2 20% m3 0%")).mutation);
  ASSERT_EQ(arms.arms.size(), 2u);
  EXPECT_EQ(arms.arms[1].model_id, ModelId("m3"));
  EXPECT_EQ(arms.arms[1].weight, BasisPoints());

  const auto follow = std::get<Act>(
      Only("follow iris ranker champion @blue challenger none at 2.5% rollout as follower"));
  EXPECT_TRUE(follow.as_follower);
  Follow wanted;
  wanted.model = "ranker";
  wanted.champion = "@blue";
  wanted.challenger = "none";
  wanted.challenger_share = *BasisPoints::From(250);
  wanted.on_champion = OnChampion::kRollout;
  EXPECT_EQ(std::get<store::SetFollow>(follow.mutation).follow, wanted);
  EXPECT_FALSE(
      std::get<store::SetFollow>(std::get<Act>(Only("unfollow iris")).mutation).follow.has_value());

  const auto share = std::get<ExpectShare>(
      Only("expect share of m2 within 4.5%..5.5% for sessions user-3..user-9"));
  EXPECT_EQ(share.low.value(), 450);
  EXPECT_EQ(share.high.value(), 550);
  EXPECT_EQ(share.crowd.prefix, "user-");
  EXPECT_EQ(share.crowd.first, 3);
  EXPECT_EQ(share.crowd.last, 9);

  EXPECT_TRUE(std::get<store::DeleteVersion>(std::get<Act>(Only("delete m even live")).mutation)
                  .allow_live);
  EXPECT_FALSE(std::get<Pass>(Only("after 1m")).back);
  EXPECT_TRUE(std::get<Pass>(Only("clock back 1m")).back);
  EXPECT_FALSE(
      std::get<ExpectSalt>(Only("note salt of r as n\nexpect canary salt of r is not n")).same);
}

TEST(ParseScenario, CommentsAndEmptyLinesAreCountedButNotRead) {
  const auto scenario = ParseScenario("s.pod", "# a story\n\n  \t\r\nreopen  # now\r\nreopen");
  ASSERT_TRUE(scenario);
  ASSERT_EQ(scenario->statements.size(), 2u);
  EXPECT_EQ(scenario->statements[0].line, 4);
  EXPECT_EQ(scenario->statements[1].line, 5);
  EXPECT_TRUE(ParseScenario("s.pod", "")->statements.empty());
}

TEST(ParseScenario, AMistakeNamesItsPlaceAndWhatShouldStandThere) {
  struct Case {
    const char* text;
    const char* says;
  };
  const Case cases[] = {
      {"promot m1", "s.pod:1:1 \"promot\" is not a statement (did you mean \"promote\"?)"},
      {"\n  hello", "s.pod:2:3 expected a statement: register, activate"},
      {"\"promote\" m1", "s.pod:1:1 expected a statement"},
      {"promote", "s.pod:1:8 expected a model id, found the end of the line"},
      {"promote # m1", "s.pod:1:9 expected a model id, found the end of the line"},
      {"promote m1 m2", "s.pod:1:12 expected the end of the line, found \"m2\""},
      {"promote \"m1\"", "s.pod:1:9 expected a model id, found \"m1\""},
      {"register iris v1 m1", "s.pod:1:18 expected \"as\", found \"m1\""},
      {"canary m1 5%", "s.pod:1:11 expected \"at\", found \"5%\""},
      {"canary m1 at 5", "s.pod:1:14 expected a share from 0% to 100% in steps of 0.01%"},
      {"canary m1 at 0.001%", "s.pod:1:14 expected a share"},
      {"canary m1 at 100.01%", "s.pod:1:14 expected a share"},
      {"canary m1 at -1%", "s.pod:1:14 expected a share"},
      {"canary m1 at %", "s.pod:1:14 expected a share"},
      {"canary m1 at nan%", "s.pod:1:14 expected a share"},
      {"arms iris m1", "s.pod:1:13 expected a share"},
      {"follow iris", "s.pod:1:12 expected a registered model, found the end of the line"},
      {"follow iris ranker champion", "s.pod:1:28 expected @alias or a stage"},
      {"follow iris ranker at 5", "s.pod:1:23 expected a share"},
      {"promote m1 as ann", "s.pod:1:15 expected a role: follower, driver"},
      {"after 5", "s.pod:1:7 expected a time such as 250ms, 5s, 10m or 2h, found \"5\""},
      {"after 5 s", "s.pod:1:7 expected a time"},
      {"after 8785h", "s.pod:1:7 expected a time"},
      {"clock 5s", "s.pod:1:7 expected \"back\""},
      {"retire m1 because old", "s.pod:1:19 expected a reason in quotes, found \"old\""},
      {"retire m1 because \"old", "s.pod:1:19 this text has no closing quote"},
      {"retire m1 if revison 3", "\"revison\" is not a condition (did you mean \"revision\"?)"},
      {"retire m1 if revision seen", "s.pod:1:23 nothing was noted as \"seen\" before this line"},
      {"note salt of iris as 5", "s.pod:1:22 a note is called by a word"},
      {"suppose m1 is king", "s.pod:1:15 expected a status: primary"},
      {"expect rout iris", "(did you mean \"route\"?)"},
      {"expect route iris", "s.pod:1:18 expected something to expect: primary, canary"},
      {"expect route iris primry m1", "s.pod:1:19 \"primry\" is not something to expect (did you"},
      {"expect salt of iris is x", "s.pod:1:24 nothing was noted as \"x\""},
      {"expect audit newest promoted", "s.pod:1:21 no audit row is of this kind"},
      {"expect audit many rows", "s.pod:1:14 expected intact, newest or a number of rows"},
      {"expect fails 399 \"x\" when rollback r", "s.pod:1:14 a refusal has a status of 400 to 599"},
      {"expect fails 409 \"\" when rollback r", "s.pod:1:18 say a part of the refusal's text"},
      {"expect fails 409 \"x\" when reopen", "s.pod:1:27 expected a verb"},
      {"expect choose iris session a", "expected an id of the caller, or ->"},
      {"expect share of m within 5%..4% for sessions u0..u9", "s.pod:1:26 a range is written as"},
      {"expect all sessions u9..u0 on r -> m", "s.pod:1:21 expected sessions such as u0..u9999"},
      {"expect all sessions u0..v9 on r -> m", "s.pod:1:21 expected sessions such as"},
      {"expect all sessions u0-u9 on r -> m", "s.pod:1:21 expected sessions such as"},
  };
  for (const Case& c : cases) {
    const std::string mistake = Mistake(c.text);
    EXPECT_NE(mistake.find(c.says), std::string::npos) << c.text << "\n  gives " << mistake;
  }
}

TEST(ParseScenario, HasLimits) {
  const std::string full(kMaxLineBytes - 1, 'x');
  EXPECT_EQ(Mistake("#" + full), "none");
  EXPECT_NE(Mistake("#" + full + "x").find("at most 1000 bytes"), std::string::npos);
  std::string lines;
  for (std::size_t i = 0; i < kMaxLines; ++i) lines += "reopen\n";
  EXPECT_EQ(Mistake(lines), "none");
  EXPECT_NE(Mistake(lines + "reopen").find("at most 1000 lines"), std::string::npos);
  EXPECT_TRUE(ReadCrowd("u1..u100000"));
  EXPECT_FALSE(ReadCrowd("u0..u100000"));
  EXPECT_TRUE(ReadPass("8784h"));
  EXPECT_TRUE(ReadNumber("999999999"));
  EXPECT_FALSE(ReadNumber("1000000000"));
}

TEST(FormatPass, TakesTheLongestUnitThatIsWhole) {
  using std::chrono::milliseconds;
  EXPECT_EQ(FormatPass(milliseconds(0)), "0s");
  EXPECT_EQ(FormatPass(milliseconds(1)), "1ms");
  EXPECT_EQ(FormatPass(milliseconds(90'000)), "90s");
  EXPECT_EQ(FormatPass(milliseconds(120'000)), "2m");
  EXPECT_EQ(FormatPass(milliseconds(3'600'000)), "1h");
}

}  // namespace
}  // namespace podium::testing::scenario
