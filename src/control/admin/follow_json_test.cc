#include "control/admin/follow_json.h"

#include <gtest/gtest.h>

#include <chrono>

namespace podium::control {
namespace {

using namespace std::chrono_literals;

TEST(FollowJson, ShowsWhatIsFollowed) {
  EXPECT_TRUE(FollowJson(std::nullopt).is_null());
  Follow follow;
  follow.model = "ranker";
  follow.champion = "@best";
  follow.challenger_share = *BasisPoints::From(1250);
  EXPECT_EQ(FollowJson(follow), *ParseJson(R"({"model": "ranker", "champion": "@best",
      "challenger": null, "challenger_share": 12.5, "on_champion": "promote", "held": false,
      "held_because": null, "held_at": null})"));
  follow.held = true;
  follow.held_because = "alice rolled back";
  follow.held_at = WallTime(1'773'064'800s);
  const Json held = FollowJson(follow);
  EXPECT_EQ(held["held_because"], "alice rolled back");
  EXPECT_EQ(held["held_at"], "2026-03-09T14:00:00.000000Z");
}

TEST(StandingJson, SaysHowItStands) {
  const SteadyTime now{100s};
  EXPECT_EQ(StandingJson(std::nullopt, now),
            *ParseJson(R"({"state": "waiting", "text": "not looked at yet", "champion": null,
      "challenger": null, "behind_s": 0.0})"));
  const view::FollowStanding standing{view::FollowState::kBlocked, "bad", 3, 4,
                                      SteadyTime{97500ms}};
  EXPECT_EQ(StandingJson(standing, now), *ParseJson(R"({"state": "blocked", "text": "bad",
      "champion": 3, "challenger": 4, "behind_s": 2.5})"));
}

}  // namespace
}  // namespace podium::control
