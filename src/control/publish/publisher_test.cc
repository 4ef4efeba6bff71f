#include "control/publish/publisher.h"

#include <gtest/gtest.h>

#include "control/publish/publish_world_fixture.h"
#include "control/publish/wanted.h"

namespace podium::control {
namespace {

const routing::CompiledRoute* RouteOn(const view::ViewCell& cell, std::string_view name) {
  const view::RouteView* route = cell.Pin()->Find(name);
  return route == nullptr ? nullptr : route->route.get();
}

TEST(Publisher, BringsACommitToEveryCore) {
  PublishWorld world(3, Inline());
  world.Register("r", "1", "model");
  const store::Committed active = world.Apply(store::ActivateVersion{ModelId("r-1")});
  ASSERT_TRUE(world.publisher.PublishAtLeast(active.revision));
  for (const view::ViewCell& cell : world.cells) {
    const routing::CompiledRoute* route = RouteOn(cell, "r");
    ASSERT_NE(route, nullptr);
    EXPECT_EQ(route->At(route->primary).version, "1");
    EXPECT_EQ(cell.Pin()->generation(), MakeGeneration(0, active.revision));
  }
}

// Fifty promotes that commit together need one publish, not fifty.
TEST(Publisher, DoesNothingForARevisionThatTheCoresHave) {
  PublishWorld world(1, Inline());
  const store::Committed first = world.Register("r", "1", "model");
  world.Register("r", "2", "model");
  ASSERT_TRUE(world.publisher.PublishAtLeast(first.revision));
  const std::uint64_t sequence = world.cells[0].Pin()->sequence();
  ASSERT_TRUE(world.publisher.PublishAtLeast(first.revision));
  EXPECT_EQ(world.cells[0].Pin()->sequence(), sequence);
}

// A reader of the database may be behind its writer: nobody may be told that the cores have it.
TEST(Publisher, DoesNotClaimARevisionThatTheTableDidNotShow) {
  PublishWorld world(1, Inline());
  const Revision shown = world.Register("r", "1", "model").revision;
  const Status ahead = world.publisher.PublishAtLeast(Revision(shown.get() + 1));
  ASSERT_FALSE(ahead);
  EXPECT_EQ(ahead.error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(world.cells[0].Pin()->generation(), MakeGeneration(0, shown));
  EXPECT_TRUE(world.publisher.PublishAtLeast(shown));
}

TEST(Publisher, FirstTakesAnEmptyTableToo) {
  PublishWorld world(1, Inline());
  EXPECT_TRUE(world.publisher.PublishFirst());
  EXPECT_EQ(world.cells[0].Pin()->sequence(), 1U);
}

// INV-4: the rows reported as set aside are those of the generation reported beside them.
TEST(Publisher, Inv4ReportsFaultsTogetherWithTheirView) {
  PublishWorld* observed = nullptr;
  std::vector<std::size_t> while_posting;
  PublishWorld world(1, [&](std::size_t, const std::function<void()>& job) {
    while_posting.push_back(observed->publisher.state().faults.size());
    job();
  });
  observed = &world;
  ModelVersion row;
  row.model_id = ModelId("stray");
  row.route = RouteName("r");
  row.version = "1";
  row.provider_key = "nobody";
  const Revision revision = world.Apply(store::RegisterVersion{row}).revision;
  ASSERT_TRUE(world.publisher.PublishAtLeast(revision));
  EXPECT_EQ(while_posting, std::vector<std::size_t>{0});
  EXPECT_EQ(world.publisher.state().faults.size(), 1U);
}

// INV-3: whatever comes in whatever order, a core never sees an older table.
TEST(Publisher, Inv3GenerationsOnACoreNeverDecrease) {
  PublishWorld world(2, Inline());
  Generation last(0);
  std::uint64_t last_sequence = 0;
  for (int i = 0; i < 40; ++i) {
    const std::string version = std::to_string(i);
    const Revision revision = world.Register("r", version, "model").revision;
    switch (i % 4) {
      case 0:
        ASSERT_TRUE(world.publisher.PublishAtLeast(revision));
        break;
      case 1:
        world.publisher.Poll();
        break;
      case 2:
        world.publisher.PublishReadiness();
        break;
      default:
        ASSERT_TRUE(world.publisher.PublishAtLeast(Revision(1)));
        break;
    }
    for (const view::ViewCell& cell : world.cells) {
      EXPECT_GE(cell.Pin()->generation(), last);
      EXPECT_GE(cell.Pin()->sequence(), last_sequence);
    }
    last = world.cells[0].Pin()->generation();
    last_sequence = world.cells[0].Pin()->sequence();
  }
  EXPECT_GT(last.get(), 30U);
}

// The promise of the data plane: a lost database changes nothing that is served, and is seen.
TEST(Publisher, Inv4KeepsTheLastGoodViewWhileTheTableCannotBeRead) {
  PublishWorld world(1, Inline());
  world.Register("r", "1", "model");
  const Revision active = world.Apply(store::ActivateVersion{ModelId("r-1")}).revision;
  ASSERT_TRUE(world.publisher.PublishAtLeast(active));

  world.store.GoDown({ErrorCode::kUnavailable, "the disk is on fire", "", nullptr});
  const Revision unseen = world.Register("r", "2", "model").revision;
  EXPECT_FALSE(world.publisher.PublishAtLeast(unseen));
  world.publisher.Poll();
  EXPECT_EQ(world.cells[0].Pin()->generation(), MakeGeneration(0, active));
  EXPECT_NE(RouteOn(world.cells[0], "r"), nullptr);
  EXPECT_EQ(world.publisher.state().trouble, "the disk is on fire");
  EXPECT_EQ(world.publisher.state().failed_reads, 2U);

  const SteadyTime confirmed = world.publisher.state().confirmed_at;
  world.clock.Advance(std::chrono::seconds(7));
  world.store.Heal();
  world.publisher.Poll();
  EXPECT_EQ(world.cells[0].Pin()->generation(), MakeGeneration(0, unseen));
  EXPECT_EQ(world.publisher.state().trouble, "");
  EXPECT_EQ(world.publisher.state().confirmed_at - confirmed, std::chrono::seconds(7));
}

// Another process may write the same file: nobody tells us, the poll finds it.
TEST(Publisher, PollFindsWhatAnotherProcessCommitted) {
  PublishWorld world(1, Inline());
  world.publisher.Poll();
  EXPECT_EQ(RouteOn(world.cells[0], "r"), nullptr);
  world.Register("r", "1", "model");
  world.publisher.Poll();
  EXPECT_NE(RouteOn(world.cells[0], "r"), nullptr);
}

// INV-7: only what is READY can serve; a failed load is shown and harms nothing else.
TEST(Publisher, Inv7ShowsWhatIsReadyAndWhyTheRestIsNot) {
  PublishWorld world(1, Inline());
  world.Register("r", "1", "model");
  world.Register("r", "2", "broken");
  const Revision active = world.Apply(store::ActivateVersion{ModelId("r-1")}).revision;
  ASSERT_TRUE(world.publisher.PublishAtLeast(active));
  world.Await([&] {
    return world.Settled("r-1", LoadState::kReady) && world.Settled("r-2", LoadState::kFailed);
  });
  world.publisher.PublishReadiness();

  const view::RouteView* route = world.cells[0].Pin()->Find("r");
  ASSERT_EQ(route->route->versions.size(), 2U);
  EXPECT_TRUE(route->serving[0].ready());
  EXPECT_FALSE(route->serving[1].ready());
  EXPECT_EQ(route->serving[1].state, LoadState::kFailed);
  EXPECT_NE(route->serving[1].error.find("broken"), std::string::npos);
}

TEST(WantedModels, AreThoseWithARoleTheWarmOneBeforeAndEagerStandbys) {
  struct Case {
    VersionStatus status;
    LoadPolicy load;
    bool previous;
    bool wanted;
  };
  const Case cases[] = {
      {VersionStatus::kPrimary, LoadPolicy::kLazy, false, true},
      {VersionStatus::kCanary, LoadPolicy::kLazy, false, true},
      {VersionStatus::kShadow, LoadPolicy::kLazy, false, true},
      {VersionStatus::kArm, LoadPolicy::kLazy, false, true},
      {VersionStatus::kStandby, LoadPolicy::kEager, false, true},
      {VersionStatus::kStandby, LoadPolicy::kLazy, false, false},
      {VersionStatus::kStandby, LoadPolicy::kLazy, true, true},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(NameOf(c.status));
    Route route;
    route.name = RouteName("r");
    if (c.previous) route.previous_primary = ModelId("m");
    ModelVersion version;
    version.model_id = ModelId("m");
    version.route = route.name;
    version.provider_key = kLocalProvider;
    version.status = c.status;
    version.load = c.load;
    routing::TableCompiler compiler({});
    compiler.Absorb({route}, {version});
    EXPECT_EQ(WantedModels(*compiler.Compile(Generation(1))).size(), c.wanted ? 1U : 0U);
  }
}

}  // namespace
}  // namespace podium::control
