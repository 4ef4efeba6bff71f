// Invariant 4: one bad row never takes the table down; what it would have decided falls to the
// primary, and somebody is told.
#include "routing/table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>

#include "routing/rows_for_test.h"

namespace podium::routing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

/// model_id of a role; "" for kNoVersion.
std::string IdOf(const CompiledRoute& route, VersionIndex index) {
  return index == kNoVersion ? "" : route.At(index).model_id.get();
}

CompileResult Compile(const Route& route, std::vector<ModelVersion> versions) {
  return CompileRoute({route, std::move(versions)}, {"vendor"});
}

std::vector<std::string> FaultRows(const std::vector<CompileFault>& faults) {
  std::vector<std::string> rows;
  for (const CompileFault& fault : faults) rows.push_back(fault.row);
  return rows;
}

TEST(CompileRoute, FillsRolesFromRows) {
  const auto [route, faults] =
      Compile(RouteRow().Previous("c"),
              {VersionRow("c"), Canary("b", 500), Primary("a"),
               VersionRow("r", VersionStatus::kRetired), VersionRow("d").Deleted()});
  EXPECT_THAT(faults, IsEmpty());
  EXPECT_EQ(IdOf(*route, route->primary), "a");
  EXPECT_EQ(IdOf(*route, route->canary), "b");
  EXPECT_EQ(IdOf(*route, route->previous_primary), "c");
  EXPECT_EQ(route->canary_share, Share(500));
  EXPECT_EQ(route->canary_salt, "r1");
  ASSERT_EQ(route->versions.size(), 3U) << "retired and deleted rows take no part";
  EXPECT_EQ(route->versions[0].model_id.get(), "a");
  EXPECT_EQ(route->versions[2].model_id.get(), "c");
}

// Whoever drives or shows a route reads it from the view, as the cores have it.
TEST(CompileRoute, KeepsWhatTheRouteFollows) {
  Route row = RouteRow();
  EXPECT_FALSE(Compile(row, {}).route->follow);
  row.follow.emplace().model = "ranker";
  EXPECT_EQ(Compile(row, {}).route->follow, row.follow);
}

TEST(CompileRoute, KeepsTheMarkOfItsRollout) {
  Route row = RouteRow().RollingOut(SplitUnit::kUser);
  row.rollout->id = RolloutId("ro-1");
  row.rollout->epoch = 3;
  EXPECT_EQ(CompileRoute({row, {Primary("a")}}, {}).route->rollout, row.rollout);
  row.policy = RoutePolicy::kAb;
  EXPECT_FALSE(CompileRoute({row, {Primary("a")}}, {}).route->rollout)
      << "it has no canary layer to move";
}

TEST(CompileRoute, Invariant4DuplicateRolesGoToTheOldest) {
  struct Case {
    const char* name;
    std::vector<ModelVersion> versions;
    const char *primary, *canary, *fault;
  };
  const Case cases[] = {
      {"older primary wins", {Primary("a").Created(2), Primary("b").Created(1)}, "b", "", "a"},
      {"equal age: lower id wins",
       {Primary("b").Created(1), Primary("a").Created(1)},
       "a",
       "",
       "b"},
      {"older canary wins",
       {Primary("p"), Canary("x", 9000).Created(5), Canary("y", 100).Created(4)},
       "p",
       "y",
       "x"},
      {"the older of an unknown provider has no role",
       {Primary("a").Created(1).Provider("gone"), Primary("b").Created(2)},
       "b",
       "",
       "a"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    const auto [route, faults] = Compile(RouteRow(), c.versions);
    EXPECT_EQ(IdOf(*route, route->primary), c.primary);
    EXPECT_EQ(IdOf(*route, route->canary), c.canary);
    EXPECT_THAT(FaultRows(faults), ElementsAre(c.fault));
  }
}

// The losing canary's share must not slip in with it.
TEST(CompileRoute, Invariant4ALosingCanaryLeavesNoShareBehind) {
  const auto [route, faults] = Compile(
      RouteRow(), {Primary("p"), Canary("a", 9000).Created(5), Canary("b", 100).Created(4)});
  EXPECT_EQ(route->canary_share, Share(100));
}

TEST(CompileRoute, Invariant4UnknownProviderIsSetAside) {
  const auto [route, faults] = Compile(
      RouteRow().Previous("old"), {Primary("a").Provider("nobody"), Canary("b", 500).Provider(""),
                                   VersionRow("old"), VersionRow("remote").Provider("vendor")});
  EXPECT_EQ(route->primary, kNoVersion);
  EXPECT_EQ(route->canary, kNoVersion);
  EXPECT_EQ(IdOf(*route, route->previous_primary), "old") << "still there to fall back to";
  EXPECT_EQ(route->versions.size(), 2U);
  EXPECT_THAT(FaultRows(faults), ElementsAre("a", "b"));
  EXPECT_THAT(faults[0].problem, HasSubstr("provider \"nobody\" is not configured"));
  EXPECT_EQ(faults[0].route.get(), "tumour");
}

TEST(CompileRoute, Invariant4ASaltIsNeverGuessed) {
  struct Case {
    const char* name;
    Route route;
    int share;
    int want_share;
    std::size_t faults;
  };
  const Case cases[] = {
      {"no salt, share", RouteRow().CanarySalt(""), 500, 0, 1},
      {"bad salt, share", RouteRow().CanarySalt("not a salt"), 500, 0, 2},
      {"salt at the limit", RouteRow().CanarySalt(std::string(64, 's')), 500, 500, 0},
      {"salt above the limit", RouteRow().CanarySalt(std::string(65, 's')), 500, 0, 2},
      {"no salt, no share", RouteRow().CanarySalt(""), 0, 0, 0},
      {"bad salt of arms that nobody asks for", RouteRow().Salt("\x1f"), 500, 500, 1},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    const auto [route, faults] = Compile(c.route, {Primary("a"), Canary("b", c.share)});
    EXPECT_EQ(IdOf(*route, route->canary), "b") << "it stays the canary, loaded and visible";
    EXPECT_EQ(route->canary_share, Share(c.want_share));
    EXPECT_EQ(faults.size(), c.faults);
  }
}

TEST(CompileRoute, Invariant4AnUnknownStickyRuleFallsBackToSessions) {
  struct Case {
    const char* rule;
    UnitKind want;
    std::size_t faults;
  };
  for (const Case& c : {Case{"session", UnitKind::kSession, 0}, Case{"user", UnitKind::kUser, 0},
                        Case{"", UnitKind::kSession, 0}, Case{"cookie", UnitKind::kSession, 1}}) {
    SCOPED_TRACE(c.rule);
    const auto [route, faults] = Compile(RouteRow().StickyOn(c.rule), {Primary("a")});
    EXPECT_EQ(route->sticky_on, c.want);
    EXPECT_EQ(faults.size(), c.faults);
  }
}

TEST(CompileRoute, PreviousPrimaryMustBeAnotherUsableVersion) {
  struct Case {
    const char* name;
    Route route;
    const char* want;
  };
  const Case cases[] = {
      {"none", RouteRow(), ""},
      {"there", RouteRow().Previous("b"), "b"},
      {"the primary itself", RouteRow().Previous("a"), ""},
      {"retired", RouteRow().Previous("r"), ""},
      {"unknown", RouteRow().Previous("zzz"), ""},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    const auto [route, faults] =
        Compile(c.route, {Primary("a"), VersionRow("b"), VersionRow("r", VersionStatus::kRetired)});
    EXPECT_EQ(IdOf(*route, route->previous_primary), c.want);
    EXPECT_THAT(faults, IsEmpty()) << "a version that was retired since is no fault";
  }
}

TEST(CompileRoute, ACanaryIsOnlyAgainstTheFixedPolicy) {
  const auto [route, faults] =
      Compile(RouteRow().WithArm("x", 1000), {Primary("a"), Arm("x"), Canary("b", 500)});
  EXPECT_EQ(route->canary, kNoVersion);
  EXPECT_EQ(route->canary_share, Share(0));
  EXPECT_THAT(FaultRows(faults), ElementsAre("b"));
}

TEST(CompileRoute, ArmsOfAFixedRouteAreIgnored) {
  Route row = RouteRow().WithArm("x", 1000);
  row.policy = RoutePolicy::kFixed;
  const auto [route, faults] = Compile(row, {Primary("a"), Arm("x")});
  EXPECT_THAT(route->arms, IsEmpty());
  EXPECT_EQ(route->arms_share, Share(0));
  EXPECT_THAT(faults, IsEmpty());
}

TEST(CompileRoute, Invariant4BadArmsAreSetAside) {
  struct Case {
    const char* name;
    Route route;
    std::vector<std::string> want;
    int share;
    std::vector<std::string> faults;
  };
  const Case cases[] = {
      {"exactly the whole",
       RouteRow().WithArm("x", 6000).WithArm("y", 4000),
       {"x", "y"},
       10'000,
       {}},
      {"one above the whole", RouteRow().WithArm("x", 6000).WithArm("y", 4001), {"x"}, 6000, {"y"}},
      {"a later one that fits",
       RouteRow().WithArm("x", 6000).WithArm("y", 9000).WithArm("z", 4000),
       {"x", "z"},
       10'000,
       {"y"}},
      {"unknown version",
       RouteRow().WithArm("gone", 3000).WithArm("y", 3000),
       {"y"},
       3000,
       {"gone"}},
      {"retired version", RouteRow().WithArm("r", 3000).WithArm("y", 3000), {"y"}, 3000, {"r"}},
      {"twice", RouteRow().WithArm("x", 1000).WithArm("x", 2000), {"x"}, 1000, {"x"}},
      {"negative slot",
       RouteRow().WithArmAt(-1, "x", 1000).WithArmAt(0, "y", 1000),
       {"y"},
       1000,
       {"x"}},
      {"no salt", RouteRow().Salt("").WithArm("x", 1000), {}, 0, {""}},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    const auto [route, faults] = Compile(c.route, {Primary("a"), Arm("x"), Arm("y"), Arm("z"),
                                                   VersionRow("r", VersionStatus::kRetired)});
    std::vector<std::string> ids;
    for (const ArmSlot& slot : route->arms) ids.push_back(IdOf(*route, slot.version));
    std::sort(ids.begin(), ids.end());
    EXPECT_EQ(ids, c.want);
    EXPECT_EQ(route->arms_share, Share(c.share));
    EXPECT_EQ(FaultRows(faults), c.faults);
  }
}

TEST(CompileRoute, AtMost65535Versions) {
  std::vector<ModelVersion> versions;
  const ModelVersion row = VersionRow("x");
  for (int i = 0; i < kNoVersion; ++i) {
    versions.push_back(row);
    versions.back().model_id = ModelId(fmt::format("m{:05}", i));
  }
  EXPECT_THAT(Compile(RouteRow(), versions).faults, IsEmpty());
  versions.push_back(VersionRow("newest").Created(9));
  const auto [route, faults] = Compile(RouteRow(), versions);
  EXPECT_EQ(route->versions.size(), std::size_t{kNoVersion});
  EXPECT_THAT(FaultRows(faults), ElementsAre("newest"));
}

// Everything about a compiled route that Choose or a reader can see.
std::string Describe(const CompileResult& result) {
  const CompiledRoute& route = *result.route;
  std::string text =
      fmt::format("{} {} {} {} {} |", route.primary, route.canary, route.previous_primary,
                  route.canary_share.value(), route.arms_share.value());
  for (const ModelVersion& row : route.versions) text += row.model_id.get() + " ";
  for (const ArmSlot& arm : route.arms) {
    text += fmt::format("[{},{}):{} ", arm.begin, arm.end, arm.version);
  }
  for (const CompileFault& fault : result.faults) text += fault.row + ": " + fault.problem + "; ";
  return text;
}

// Invariant 5: two replicas read the same rows in whatever order their database gives them.
TEST(CompileRoute, Invariant5TheOrderOfRowsDoesNotMatter) {
  const Route ab = RouteRow()
                       .Previous("s")
                       .WithArm("x", 2000)
                       .WithArm("gone", 1000)
                       .WithArmAt(1, "y", 3000)
                       .WithArm("z", 9000);
  const Route fixed = RouteRow().Previous("s");
  const std::vector<ModelVersion> rows = {Primary("a").Created(3),
                                          Primary("b").Created(2),
                                          Canary("c", 300).Created(7),
                                          Canary("d", 700).Created(7),
                                          Arm("x"),
                                          Arm("y"),
                                          Arm("z"),
                                          VersionRow("s"),
                                          VersionRow("bad").Provider("nobody").Created(1)};
  std::mt19937 shuffle(7);
  for (Route route : {ab, fixed}) {
    const std::string want = Describe(Compile(route, rows));
    std::vector<ModelVersion> shuffled = rows;
    for (int round = 0; round < 50; ++round) {
      std::shuffle(shuffled.begin(), shuffled.end(), shuffle);
      std::shuffle(route.arms.begin(), route.arms.end(), shuffle);
      ASSERT_EQ(Describe(Compile(route, shuffled)), want);
    }
  }
}

TEST(TableCompiler, FindsRoutesByName) {
  TableCompiler compiler({});
  compiler.Absorb({RouteRow("tumour"), RouteRow("digits")},
                  {Primary("a"), Primary("b").On("digits")});
  const auto part = compiler.Compile(Generation(7));
  EXPECT_EQ(part->generation(), Generation(7));
  ASSERT_NE(part->Find("tumour"), nullptr);
  EXPECT_EQ(IdOf(*part->Find("tumour"), part->Find("tumour")->primary), "a");
  EXPECT_EQ(IdOf(*part->Find("digits"), part->Find("digits")->primary), "b");
  EXPECT_EQ(part->Find("Tumour"), nullptr);
  EXPECT_EQ(part->Find(""), nullptr);
  ASSERT_EQ(part->routes().size(), 2U);
  EXPECT_EQ(part->routes()[0]->name.get(), "digits") << "by name";
  EXPECT_EQ(compiler.version_count(), 2U);
}

TEST(TableCompiler, AnEmptyTableHasNoRoutes) {
  TableCompiler compiler({});
  const auto part = compiler.Compile(Generation(1));
  EXPECT_TRUE(part->routes().empty());
  EXPECT_EQ(part->Find("tumour"), nullptr);
  EXPECT_THAT(compiler.faults(), IsEmpty());
}

// A thousand routes of which one changed: the other 999 cost nothing.
TEST(TableCompiler, UnchangedRoutesAreShared) {
  TableCompiler compiler({});
  compiler.Absorb({RouteRow("tumour"), RouteRow("digits")},
                  {Primary("a"), Primary("b").On("digits")});
  const auto first = compiler.Compile(Generation(1));
  compiler.Absorb({}, {Canary("c", 500)});
  const auto second = compiler.Compile(Generation(2));

  EXPECT_EQ(first->Find("digits"), second->Find("digits"));
  EXPECT_NE(first->Find("tumour"), second->Find("tumour"));
  EXPECT_EQ(first->Find("tumour")->canary, kNoVersion) << "a pinned view never changes";
  EXPECT_EQ(IdOf(*second->Find("tumour"), second->Find("tumour")->canary), "c");
}

TEST(TableCompiler, ARowReplacesItsFormerSelf) {
  TableCompiler compiler({});
  compiler.Absorb({RouteRow()}, {Primary("a"), VersionRow("b")});
  static_cast<void>(compiler.Compile(Generation(1)));
  compiler.Absorb({}, {VersionRow("a"), Primary("b")});
  const auto part = compiler.Compile(Generation(2));
  EXPECT_EQ(IdOf(*part->Find("tumour"), part->Find("tumour")->primary), "b");
  EXPECT_THAT(compiler.faults(), IsEmpty());
  EXPECT_EQ(compiler.version_count(), 2U);
}

TEST(TableCompiler, TombstonesRemove) {
  TableCompiler compiler({});
  compiler.Absorb({RouteRow()}, {Primary("a"), Canary("b", 500)});
  compiler.Absorb({}, {VersionRow("b").Deleted(), VersionRow("never-seen").Deleted()});
  const auto part = compiler.Compile(Generation(2));
  EXPECT_EQ(part->Find("tumour")->canary, kNoVersion);
  EXPECT_EQ(part->Find("tumour")->versions.size(), 1U);
  EXPECT_EQ(compiler.version_count(), 1U);
}

TEST(TableCompiler, AVersionThatMovesLeavesItsOldRoute) {
  TableCompiler compiler({});
  compiler.Absorb({RouteRow("tumour"), RouteRow("digits")}, {Primary("a")});
  static_cast<void>(compiler.Compile(Generation(1)));
  compiler.Absorb({}, {Primary("a").On("digits")});
  const auto part = compiler.Compile(Generation(2));
  EXPECT_EQ(part->Find("tumour")->primary, kNoVersion);
  EXPECT_EQ(IdOf(*part->Find("digits"), part->Find("digits")->primary), "a");
}

// A bad row of one route is told of for as long as it is there, and hurts no other route.
TEST(TableCompiler, Invariant4FaultsStayUntilTheRowIsRight) {
  TableCompiler compiler({});
  compiler.Absorb({RouteRow("digits"), RouteRow("tumour")},
                  {Primary("b").On("digits"), Primary("a").Provider("nobody")});
  const auto part = compiler.Compile(Generation(1));
  EXPECT_EQ(IdOf(*part->Find("digits"), part->Find("digits")->primary), "b");
  EXPECT_EQ(part->Find("tumour")->primary, kNoVersion);
  EXPECT_THAT(FaultRows(compiler.faults()), ElementsAre("a"));

  compiler.Absorb({}, {VersionRow("c").On("digits")});
  static_cast<void>(compiler.Compile(Generation(2)));
  EXPECT_THAT(FaultRows(compiler.faults()), ElementsAre("a"))
      << "of routes that did not change too";

  compiler.Absorb({}, {Primary("a")});
  static_cast<void>(compiler.Compile(Generation(3)));
  EXPECT_THAT(compiler.faults(), IsEmpty());
}

TEST(TableCompiler, Invariant4VersionsWithoutARouteAreTold) {
  TableCompiler compiler({});
  compiler.Absorb({RouteRow()}, {Primary("a"), Primary("lost").On("nowhere")});
  const auto part = compiler.Compile(Generation(1));
  EXPECT_EQ(part->Find("nowhere"), nullptr);
  EXPECT_THAT(FaultRows(compiler.faults()), ElementsAre("lost"));

  compiler.Absorb({}, {VersionRow("lost").Deleted()});
  static_cast<void>(compiler.Compile(Generation(2)));
  EXPECT_THAT(compiler.faults(), IsEmpty());

  // The route's row may come after its versions.
  compiler.Absorb({}, {Primary("early").On("later")});
  compiler.Absorb({RouteRow("later")}, {});
  EXPECT_NE(compiler.Compile(Generation(3))->Find("later"), nullptr);
  EXPECT_THAT(compiler.faults(), IsEmpty());
}

}  // namespace
}  // namespace podium::routing
