// The text form of what decides, and the step from one mutation to the next.
#include "store/route_history.h"

#include <gtest/gtest.h>

#include "store/store_contract.h"

namespace podium::store {
namespace {

RouteState Split() {
  Route route;
  route.name = RouteName("iris");
  route.policy = RoutePolicy::kAb;
  route.sticky_on = "user \"quoted\"";
  route.salt = "salt";
  route.arms = {{ModelId("c"), 1, Share(20)}, {ModelId("b"), 0, Share(10)}};
  ModelVersion primary = Row("a");
  primary.status = VersionStatus::kPrimary;
  primary.name = "größer";
  primary.provider_key = "local";
  primary.created_at = testing::SimClock::kStart;
  ModelVersion arm = Row("b");
  arm.status = VersionStatus::kArm;
  ModelVersion named = Row("c");  // On standby, and an arm all the same.
  ModelVersion waits = Row("d");
  ModelVersion shadow = Row("e");
  shadow.status = VersionStatus::kShadow;
  return RoutingInput(route, {shadow, primary, waits, named, arm});
}

TEST(RouteHistory, TheTextComesBackAsItWas) {
  const RouteState input = Split();
  ASSERT_EQ(input.versions.size(), 3u) << "shadows and what waits decide nothing";
  const std::string text = InputToText(input);
  const Result<RouteState> back = InputFromText(RouteName("iris"), text);
  ASSERT_TRUE(back) << Describe(back.error());
  EXPECT_EQ(InputToText(*back), text);
  EXPECT_EQ(back->route.sticky_on, input.route.sticky_on);
  EXPECT_EQ(back->route.arms.front().model_id, ModelId("b"));
  EXPECT_EQ(back->versions.back().name, "größer");
  EXPECT_EQ(back->versions.back().created_at, testing::SimClock::kStart);
}

TEST(RouteHistory, TheOrderOfTheRowsDoesNotMatter) {
  RouteState input = Split();
  std::swap(input.versions.front(), input.versions.back());
  EXPECT_EQ(InputToText(RoutingInput(input.route, input.versions)), InputToText(Split()));
}

TEST(RouteHistory, TextThatIsNotOursIsRefused) {
  const std::string good = InputToText(Split());
  for (const std::string& from : {"\"policy\"", "\"ab\"", "\"bp\":10", "\"arms\":[", "{"}) {
    SCOPED_TRACE(from);
    std::string bad = good;
    const std::size_t at = bad.find(from);
    ASSERT_NE(at, std::string::npos);
    bad.replace(at, from.size(), from == "\"bp\":10" ? "\"bp\":10001" : "\"?\"");
    const Result<RouteState> read = InputFromText(RouteName("iris"), bad);
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error().code, ErrorCode::kUnprocessable);
  }
  EXPECT_FALSE(InputFromText(RouteName("iris"), "[]"));
  EXPECT_FALSE(InputFromText(RouteName("iris"), "{\"policy\":1}"));
}

TEST(RouteHistory, AStepAddsFillsOrDoesNothing) {
  const HistoryRow known{Revision(3), {}, HistorySource::kPodium, "x"};
  const HistoryRow marked{Revision(3), {}, HistorySource::kSql, std::nullopt};
  struct Case {
    const char* name;
    std::optional<HistoryRow> newest;
    std::optional<std::string> before;
    std::string after;
    std::optional<std::string> fill;
    std::optional<std::string> add;
  };
  const Case cases[] = {
      {"a new route", std::nullopt, std::nullopt, "x", std::nullopt, "x"},
      {"a change", known, "x", "y", std::nullopt, "y"},
      {"none", known, "x", "x", std::nullopt, std::nullopt},
      {"a change after SQL", marked, "s", "y", "s", "y"},
      {"none after SQL", marked, "s", "s", "s", std::nullopt},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    const HistoryStep step = NextStep(c.newest, c.before, c.after);
    EXPECT_EQ(step.fill, c.fill);
    EXPECT_EQ(step.add, c.add);
  }
}

TEST(RouteHistory, TheRangeEndsAtTheStartOfTheTable) {
  Head head;
  head.revision = Revision(5000);
  EXPECT_EQ(RangeOf(head, Revision(0)).oldest, Revision(4001));
  EXPECT_EQ(RangeOf(head, Revision(4500)).oldest, Revision(4500));
  head.epoch = 2;
  EXPECT_EQ(RevisionIn(head, MakeGeneration(2, Revision(4000))), Revision(4000));
  EXPECT_FALSE(RevisionIn(head, MakeGeneration(2, Revision(5001)))) << "still to come";
  EXPECT_FALSE(RevisionIn(head, MakeGeneration(1, Revision(4500)))) << "before a restore";
}

}  // namespace
}  // namespace podium::store
