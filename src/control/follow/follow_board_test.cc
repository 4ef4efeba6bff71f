#include "control/follow/follow_board.h"

#include <gtest/gtest.h>

#include "testing/sim_clock.h"

namespace podium::control {
namespace {

using namespace std::chrono_literals;

const RouteName kAds("ads");

Error Refusal(std::string why, ErrorCode code = ErrorCode::kUnprocessable) {
  return {code, std::move(why), "", nullptr};
}

class Board : public ::testing::Test {
 protected:
  bool IsTroubled(const std::string& identity) {
    return board_.TroubleOf(kAds, identity, clock_.SteadyNow()).has_value();
  }
  bool Blame(const std::string& identity, const Error& error) {
    return board_.Blame(kAds, identity, error, false, clock_.SteadyNow());
  }

  podium::testing::SimClock clock_;
  FollowBoard board_{30s};
};

// Each attempt starts a process and reads a file: what fails is not to be tried all day long.
TEST_F(Board, TriesAgainMoreAndMoreSeldom) {
  EXPECT_FALSE(IsTroubled("a"));
  for (const auto pause : {30s, 60s, 120s, 240s, 300s, 300s}) {
    Blame("a", Refusal("bad"));
    clock_.Advance(pause - 1s);
    EXPECT_TRUE(IsTroubled("a"));
    clock_.Advance(1s);
    EXPECT_FALSE(IsTroubled("a"));
  }
  EXPECT_FALSE(IsTroubled("b")) << "another version has nothing to do with it";
  Blame("a", Refusal("bad"));
  board_.Forgive(kAds);
  EXPECT_FALSE(IsTroubled("a")) << "a person asked";
  Blame("a", Refusal("bad"));
  Blame("b", Refusal("bad"));
  board_.Absolve(kAds, "a");
  EXPECT_FALSE(IsTroubled("a"));
  EXPECT_TRUE(IsTroubled("b"));
}

TEST_F(Board, SaysWhatPassesAndWhatIsNews) {
  EXPECT_TRUE(Blame("a", Refusal("bad")));
  EXPECT_FALSE(Blame("a", Refusal("bad"))) << "said already";
  EXPECT_FALSE(board_.TroubleOf(kAds, "a", clock_.SteadyNow())->passes);
  EXPECT_TRUE(Blame("a", Refusal("away", ErrorCode::kUnavailable)));
  EXPECT_TRUE(board_.TroubleOf(kAds, "a", clock_.SteadyNow())->passes);
}

// Invariant 16.
TEST_F(Board, RemembersSomeVersionsOnly) {
  for (int i = 0; i < 100; ++i) {
    Blame("v" + std::to_string(i), Refusal("bad"));
    clock_.Advance(1ms);
  }
  EXPECT_FALSE(IsTroubled("v0"));
  EXPECT_FALSE(IsTroubled("v83"));
  EXPECT_TRUE(IsTroubled("v84"));
  EXPECT_TRUE(IsTroubled("v99"));
}

// The figure that an alert is made of: since when the champion does not serve.
TEST_F(Board, CountsSinceWhenTheChampionIsLate) {
  ModelVersion row;
  row.model_id = ModelId("m1");
  FollowFacts facts;
  facts.route = kAds;
  const auto since = [&] {
    return board_.Note(facts, PlanFollow(facts), {}, clock_.SteadyNow()).champion_since;
  };
  EXPECT_FALSE(board_.StandingOf(kAds));
  EXPECT_FALSE(since()) << "nobody is late where nobody is named";
  facts.champion = FollowCandidate{1, nullptr, false, {}};
  const SteadyTime named = clock_.SteadyNow();
  EXPECT_EQ(since(), named);
  clock_.Advance(9s);
  facts.champion->row = &row;
  EXPECT_EQ(since(), named) << "a row alone serves nobody";
  facts.follow.held = true;
  EXPECT_FALSE(since()) << "on purpose";
  facts.follow.held = false;
  EXPECT_EQ(since(), clock_.SteadyNow());
  facts.primary = &row;
  EXPECT_FALSE(since());
  EXPECT_EQ(board_.StandingOf(kAds)->state, view::FollowState::kFollowing);
  board_.Keep({});
  EXPECT_FALSE(board_.StandingOf(kAds));
}

}  // namespace
}  // namespace podium::control
