// Who is assigned to which version, and why. Invariants 5 and 6.
#include "routing/choose.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "routing/rows_for_test.h"

namespace podium::routing {
namespace {

std::shared_ptr<const CompiledRoute> Compiled(const Route& route,
                                              std::vector<ModelVersion> versions) {
  CompileResult result = CompileRoute({route, std::move(versions)}, {});
  EXPECT_TRUE(result.faults.empty()) << result.faults[0].problem;
  return result.route;
}

std::shared_ptr<const CompiledRoute> WithCanary(int basis_points) {
  return Compiled(RouteRow(), {Primary("old"), Canary("new", basis_points)});
}

RequestIds Session(std::string_view id) { return {.session = id, .user = {}, .request = "req"}; }

std::string IdOf(const Decision& decision) {
  return decision.version == kNoVersion ? "" : decision.route->At(decision.version).model_id.get();
}

std::string IdFor(const CompiledRoute& route, std::string_view session) {
  return IdOf(Choose(route, Generation(1), Session(session)));
}

TEST(Choose, WithoutACanaryThePrimaryHasEverybody) {
  const auto route = Compiled(RouteRow().CanarySalt(""), {Primary("a"), VersionRow("b")});
  const Decision decision = Choose(*route, Generation(42), Session("user-1"));
  EXPECT_EQ(IdOf(decision), "a");
  EXPECT_EQ(decision.reason, Reason::kPrimary);
  EXPECT_EQ(decision.propensity, 1.0);
  EXPECT_EQ(decision.generation, Generation(42));
  EXPECT_EQ(decision.route, route.get());
  EXPECT_FALSE(decision.canary());
  EXPECT_EQ(decision.bucket.hash, BucketOf(Layer::kCanary, "arms-salt", "user-1").hash)
      << "defined even where nothing depends on it";
}

// "user-1" under "r1" has the fine bucket 2690: the boundary lies exactly there.
TEST(Choose, TheCanaryTakesBucketsBelowItsShare) {
  struct Case {
    int share;
    const char* want;
    Reason reason;
    double propensity;
  };
  for (const Case& c :
       {Case{0, "old", Reason::kPrimary, 1.0}, Case{2690, "old", Reason::kPrimary, 1.0 - 0.2690},
        Case{2691, "new", Reason::kCanary, 0.2691}, Case{10'000, "new", Reason::kCanary, 1.0}}) {
    SCOPED_TRACE(c.share);
    const auto route = WithCanary(c.share);
    const Decision decision = Choose(*route, Generation(1), Session("user-1"));
    EXPECT_EQ(IdOf(decision), c.want);
    EXPECT_EQ(decision.reason, c.reason);
    EXPECT_EQ(decision.canary(), c.reason == Reason::kCanary);
    EXPECT_DOUBLE_EQ(decision.propensity, c.propensity);
    EXPECT_EQ(decision.bucket.fine, 2690);
  }
}

// Requirement B2, word for word: whole percents are `h % 100 < pct`.
TEST(Choose, WholePercentsAreTheHashModuloHundred) {
  for (const int percent : {1, 5, 26, 27, 50, 99}) {
    const auto route = WithCanary(percent * 100);
    for (int i = 0; i < 500; ++i) {
      const std::string session = "user-" + std::to_string(i);
      const Decision decision = Choose(*route, Generation(1), Session(session));
      const auto modulo = static_cast<int>(BucketOf(Layer::kCanary, "r1", session).hash % 100);
      EXPECT_EQ(decision.canary(), modulo < percent) << session;
    }
  }
}

TEST(Choose, Invariant6RaisingTheShareOnlyMovesUnitsToTheCanary) {
  constexpr int kUnits = 300;
  std::vector<std::string> sessions;
  for (int i = 0; i < kUnits; ++i) sessions.push_back("user-" + std::to_string(i));
  std::vector<bool> in_canary(kUnits, false);
  int inside = 0;
  // One compiled route whose share is raised, as every step of 0.01 % would compile it.
  CompiledRoute route = *WithCanary(1);
  for (int share = 0; share <= BasisPoints::kWhole; ++share) {
    route.canary_share = Share(share);
    for (std::size_t i = 0; i < kUnits; ++i) {
      const bool canary = Choose(route, Generation(1), Session(sessions[i])).canary();
      ASSERT_TRUE(canary || !in_canary[i]) << sessions[i] << " left the canary at " << share;
      inside += canary && !in_canary[i];
      in_canary[i] = canary;
    }
    if (share == 0) ASSERT_EQ(inside, 0) << "0 % is nobody";
  }
  EXPECT_EQ(inside, kUnits) << "100 % is everybody";
}

// The same for every bucket there is, not only those that some units fall into.
TEST(Choose, Invariant6EveryBucketFollowsTheShare) {
  std::vector<std::string> session_of(BasisPoints::kWhole);
  int missing = BasisPoints::kWhole;
  for (int i = 0; missing > 0; ++i) {
    std::string session = std::to_string(i);
    std::string& slot =
        session_of[static_cast<std::size_t>(BucketOf(Layer::kCanary, "r1", session).fine)];
    if (!slot.empty()) continue;
    slot = std::move(session);
    --missing;
  }
  for (const int share : {0, 1, 99, 100, 101, 2500, 9'999, 10'000}) {
    const auto route = WithCanary(share);
    for (int v = 0; v < BasisPoints::kWhole; ++v) {
      const std::string& session = session_of[static_cast<std::size_t>(v)];
      ASSERT_EQ(Choose(*route, Generation(1), Session(session)).canary(), v < share) << v;
    }
  }
}

// Invariant 5: the generation is recorded, and moves nobody.
TEST(Choose, Invariant5OtherVersionsAndGenerationsMoveNobody) {
  const auto before = WithCanary(2500);
  const auto after =
      Compiled(RouteRow(), {VersionRow("a"), Primary("old"), Canary("new", 2500), VersionRow("z")});
  for (int i = 0; i < 1000; ++i) {
    const std::string session = std::to_string(i);
    EXPECT_EQ(IdOf(Choose(*before, Generation(1), Session(session))),
              IdOf(Choose(*after, Generation(99), Session(session))));
  }
}

TEST(Choose, UnitIsWhatTheRouteSticksTo) {
  struct Case {
    const char* name;
    UnitKind rule;
    RequestIds ids;
    UnitKind kind;
    const char* value;
    bool sticky;
  };
  const Case cases[] = {
      {"session", UnitKind::kSession, {"s", "u", "r", false}, UnitKind::kSession, "s", true},
      {"no session", UnitKind::kSession, {"", "u", "r", false}, UnitKind::kRequest, "r", true},
      {"made here", UnitKind::kSession, {"", "", "r", true}, UnitKind::kRequest, "r", false},
      {"made here, session",
       UnitKind::kSession,
       {"s", "", "r", true},
       UnitKind::kSession,
       "s",
       true},
      {"user", UnitKind::kUser, {"s", "u", "r", false}, UnitKind::kUser, "u", true},
      {"no user", UnitKind::kUser, {"s", "", "r", false}, UnitKind::kSession, "s", true},
      {"no user, no session", UnitKind::kUser, {"", "", "r", true}, UnitKind::kRequest, "r", false},
      {"request", UnitKind::kRequest, {"s", "u", "r", false}, UnitKind::kRequest, "r", true},
      {"nothing at all", UnitKind::kSession, {}, UnitKind::kRequest, "", true},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    CompiledRoute route = *WithCanary(2500);
    route.sticky_on = c.rule;
    EXPECT_EQ(UnitOf(c.rule, c.ids).value, c.value);
    const Decision decision = Choose(route, Generation(1), c.ids);
    EXPECT_EQ(decision.unit_kind, c.kind);
    EXPECT_EQ(decision.sticky, c.sticky);
    EXPECT_EQ(decision.bucket.hash, BucketOf(Layer::kCanary, "r1", c.value).hash);
  }
}

TEST(Choose, WithoutAPrimaryThereIsNothingToAssign) {
  const auto route = Compiled(RouteRow(), {VersionRow("b")});
  const Decision decision = Choose(*route, Generation(1), Session("user-1"));
  EXPECT_EQ(decision.version, kNoVersion);
  EXPECT_EQ(decision.reason, Reason::kNoPrimary);
  EXPECT_EQ(decision.propensity, 1.0);
}

// The canary layer comes first: its units are served even where the primary's row is broken.
TEST(Choose, ACanaryWithoutAPrimaryKeepsItsUnits) {
  const auto route = Compiled(RouteRow(), {Canary("new", 2691)});
  EXPECT_EQ(IdFor(*route, "user-1"), "new");
  const auto smaller = Compiled(RouteRow(), {Canary("new", 2690)});
  const Decision other = Choose(*smaller, Generation(1), Session("user-1"));
  EXPECT_EQ(other.reason, Reason::kNoPrimary);
  EXPECT_DOUBLE_EQ(other.propensity, 1.0 - 0.2690);
}

TEST(Choose, ArmsTakeTheirSlotsAndTheControlTheRest) {
  const auto route = Compiled(RouteRow().WithArm("x", 2000).WithArm("y", 3000).WithArm("z", 0),
                              {Primary("a"), Arm("x"), Arm("y"), Arm("z")});
  int seen_x = 0;
  int seen_y = 0;
  int seen_control = 0;
  for (int i = 0; i < 4000; ++i) {
    const std::string session = std::to_string(i);
    const Decision decision = Choose(*route, Generation(1), Session(session));
    const int v = BucketOf(Layer::kArms, "arms-salt", session).fine;
    EXPECT_EQ(decision.bucket.fine, v);
    const bool x = v < 2000;
    const bool y = v >= 7000;
    EXPECT_EQ(IdOf(decision), x ? "x" : y ? "y" : "a");
    EXPECT_EQ(decision.reason, x || y ? Reason::kArm : Reason::kPrimary);
    EXPECT_DOUBLE_EQ(decision.propensity, x ? 0.2 : y ? 0.3 : 0.5);
    ++(x ? seen_x : y ? seen_y : seen_control);
  }
  EXPECT_GT(seen_x, 0);
  EXPECT_GT(seen_y, 0);
  EXPECT_GT(seen_control, 0);
}

// An arm in several runs is still one arm: its propensity is its whole weight.
TEST(Choose, AnArmInTwoRunsHasOnePropensity) {
  const auto route = Compiled(RouteRow().WithArm("x", 1000).WithArm("y", 4500).WithArm("z", 2000),
                              {Primary("a"), Arm("x"), Arm("y"), Arm("z")});
  // z starts at 5000, meets y at 5500 and goes on behind x.
  ASSERT_EQ(route->arms.size(), 4U);
  int seen = 0;
  for (int i = 0; i < 2000; ++i) {
    const Decision decision = Choose(*route, Generation(1), Session(std::to_string(i)));
    const int v = decision.bucket.fine;
    ASSERT_EQ(IdOf(decision) == "z", (v >= 5000 && v < 5500) || (v >= 1000 && v < 2500)) << v;
    if (IdOf(decision) != "z") continue;
    ASSERT_DOUBLE_EQ(decision.propensity, 0.2);
    ++seen;
  }
  EXPECT_GT(seen, 300);
}

// The sum of the propensities over what can happen is one: off-policy estimates divide by them.
TEST(Choose, PropensitiesMatchTheSharesSeen) {
  const auto route = Compiled(RouteRow().WithArm("x", 1000).WithArm("y", 2500),
                              {Primary("a"), Arm("x"), Arm("y")});
  double inverse = 0;
  constexpr int kUnits = 20'000;
  for (int i = 0; i < kUnits; ++i) {
    const Decision decision = Choose(*route, Generation(1), Session(std::to_string(i)));
    if (IdOf(decision) == "y") inverse += 1.0 / decision.propensity;
  }
  EXPECT_NEAR(inverse / kUnits, 1.0, 0.03);
}

TEST(Choose, AnArmMayBeAVersionOfAnyStatusThatServes) {
  const auto route = Compiled(RouteRow().WithArm("s", 10'000), {Primary("a"), VersionRow("s")});
  EXPECT_EQ(IdFor(*route, "user-1"), "s");
}

// What a rollout demands as its unit decides what is hashed, whatever the route sticks to; who
// comes without it is the primary's, since no coin was thrown for him.
TEST(Choose, ARolloutDemandsItsUnit) {
  const RequestIds all{.session = "s", .user = "u", .request = "r"};
  const RequestIds session{.session = "s", .user = {}, .request = "r"};
  const RequestIds user{.session = {}, .user = "u", .request = "r"};
  const RequestIds bare{.session = {}, .user = {}, .request = "r"};
  struct Case {
    const char* name;
    SplitUnit split;
    const char* sticky_on;
    const RequestIds& ids;
    UnitKind kind;
    const char* value;
    bool keyless;
  };
  const Case cases[] = {
      {"as the route", SplitUnit::kRoute, "session", all, UnitKind::kSession, "s", false},
      {"as the route, by user", SplitUnit::kRoute, "user", all, UnitKind::kUser, "u", false},
      {"the route takes requests too", SplitUnit::kRoute, "session", bare, UnitKind::kRequest, "r",
       false},
      {"request in a session", SplitUnit::kRequest, "session", all, UnitKind::kRequest, "r", false},
      {"request alone", SplitUnit::kRequest, "user", bare, UnitKind::kRequest, "r", false},
      {"session", SplitUnit::kSession, "user", all, UnitKind::kSession, "s", false},
      {"no session", SplitUnit::kSession, "session", user, UnitKind::kRequest, "r", true},
      {"user", SplitUnit::kUser, "session", all, UnitKind::kUser, "u", false},
      {"no user", SplitUnit::kUser, "user", session, UnitKind::kRequest, "r", true},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    const auto route = Compiled(RouteRow().StickyOn(c.sticky_on).RollingOut(c.split),
                                {Primary("old"), Canary("new", 10'000)});
    const Decision decision = Choose(*route, Generation(1), c.ids);
    EXPECT_EQ(decision.unit_kind, c.kind);
    EXPECT_EQ(decision.bucket.hash, BucketOf(Layer::kCanary, "r1", c.value).hash);
    EXPECT_EQ(decision.keyless, c.keyless);
    EXPECT_EQ(decision.randomised(), !c.keyless);
    EXPECT_EQ(decision.reason, c.keyless ? Reason::kPrimary : Reason::kCanary);
    EXPECT_EQ(IdOf(decision), c.keyless ? "old" : "new");
    EXPECT_EQ(decision.propensity, 1.0);
  }
}

// Only where the bucket could have gone the other way does an outcome say anything.
TEST(Choose, SaysWhetherTheBucketDecided) {
  struct Case {
    const char* name;
    Route route;
    std::vector<ModelVersion> versions;
    bool want;
  };
  const Case cases[] = {
      {"canary", RouteRow(), {Primary("a"), Canary("b", 2691)}, true},
      {"primary beside a canary", RouteRow(), {Primary("a"), Canary("b", 2690)}, true},
      {"canary without a share", RouteRow(), {Primary("a"), Canary("b", 0)}, false},
      {"no canary", RouteRow(), {Primary("a")}, false},
      {"no primary", RouteRow(), {Canary("b", 5000)}, false},
      {"nothing", RouteRow(), {}, false},
      {"an arm or the control", RouteRow().WithArm("x", 5000), {Primary("a"), Arm("x")}, true},
      {"no arm", RouteRow().Ab(), {Primary("a")}, false},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    const auto route = CompileRoute({c.route, c.versions}, {}).route;
    EXPECT_EQ(Choose(*route, Generation(1), Session("user-1")).randomised(), c.want);
    if (route->primary == kNoVersion) continue;
    EXPECT_FALSE(
        ChooseOverride(*route, Generation(1), Session("user-1"), route->primary).randomised());
  }
}

TEST(FindOverride, ByModelIdOrVersionString) {
  const auto route =
      Compiled(RouteRow(), {Primary("m1").Version("1.0"), VersionRow("m2").Version("2.0"),
                            VersionRow("m3").Version("m1"), VersionRow("m4").Version("twice"),
                            VersionRow("m5").Version("twice"), VersionRow("m6").Version("twice")});
  struct Case {
    const char* wanted;
    const char* want;
  };
  for (const Case& c : {Case{"m2", "m2"}, Case{"2.0", "m2"}, Case{"1.0", "m1"},
                        Case{"m1", "m1"},   // An id goes before another row's version string.
                        Case{"twice", ""},  // Which one? Never a guess.
                        Case{"m5", "m5"}, Case{"3.0", ""}, Case{"", ""}, Case{"M2", ""}}) {
    SCOPED_TRACE(c.wanted);
    const VersionIndex found = FindOverride(*route, c.wanted);
    EXPECT_EQ(found == kNoVersion ? "" : route->At(found).model_id.get(), c.want);
  }
}

TEST(FindOverride, RetiredVersionsAreNotThere) {
  const auto route = Compiled(RouteRow(), {Primary("a"), VersionRow("r", VersionStatus::kRetired)});
  EXPECT_EQ(FindOverride(*route, "r"), kNoVersion);
}

TEST(ChooseOverride, NamesTheVersionAndKeepsTheBucket) {
  const auto route = WithCanary(10'000);
  const Decision decision =
      ChooseOverride(*route, Generation(3), Session("user-1"), FindOverride(*route, "old"));
  EXPECT_EQ(IdOf(decision), "old");
  EXPECT_EQ(decision.reason, Reason::kOverride);
  EXPECT_FALSE(decision.canary());
  EXPECT_EQ(decision.propensity, 1.0);
  EXPECT_EQ(decision.bucket.fine, 2690) << "where the unit would have fallen";
  EXPECT_EQ(decision.generation, Generation(3));
}

TEST(Reason, HasStableNames) {
  EXPECT_EQ(NameOf(Reason::kPrimary), "primary");
  EXPECT_EQ(NameOf(Reason::kCanary), "canary");
  EXPECT_EQ(NameOf(Reason::kArm), "arm");
  EXPECT_EQ(NameOf(Reason::kOverride), "override");
  EXPECT_EQ(NameOf(Reason::kNoPrimary), "no_primary");
}

}  // namespace
}  // namespace podium::routing
