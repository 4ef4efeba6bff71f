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

// What the cores count in must be one object for one epoch, whatever else is published meanwhile;
// and without a rollout nothing is counted.
TEST(Publisher, GivesARouteTheTallyOfItsRollout) {
  PublishWorld world(2, Inline());
  world.Register("r", "1", "model");
  world.Register("r", "2", "model");
  world.Apply(store::ActivateVersion{ModelId("r-1")});
  ASSERT_TRUE(world.publisher.PublishFirst());
  const auto tally_on = [&](std::size_t core) { return world.cells[core].Pin()->Find("r")->tally; };
  EXPECT_EQ(tally_on(0), nullptr);

  store::StartRollout start;
  start.route = RouteName("r");
  start.candidate = ModelId("r-2");
  start.plan = DefaultPlan();
  start.first.share = start.plan.steps[0].share;
  ASSERT_TRUE(world.publisher.PublishAtLeast(world.Apply(start).revision));
  const std::shared_ptr<view::RolloutTally> first = tally_on(0);
  ASSERT_NE(first, nullptr);
  EXPECT_EQ(tally_on(1), first);
  EXPECT_EQ(first->mark(), RouteOn(world.cells[0], "r")->rollout);
  world.publisher.PublishReadiness();
  EXPECT_EQ(tally_on(0), first);

  store::MoveRollout abort;
  abort.route = start.route;
  abort.id = first->mark().id;
  abort.move = store::RolloutMove::kAbort;
  ASSERT_TRUE(world.publisher.PublishAtLeast(world.Apply(abort).revision));
  EXPECT_EQ(tally_on(0), nullptr);
  EXPECT_EQ(world.tallies.All().size(), 1U) << "what it counted may not have been stored yet";
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

// Two activations whose answers were lost: the primary and the one before are both new to the poll,
// and the version that serves now is in the chain no more. They were warm, so they must stay so.
TEST(Publisher, Inv8WhatAnUnknownCommitMadeLiveStaysWarmUntilTheTableIsRead) {
  PublishWorld world(1, Inline());
  const auto activate = [&](const std::string& version) {
    ModelVersion row;
    row.model_id = ModelId("r-" + version);
    row.artifact_uri = "file:r-" + version + ".onnx";
    row.format = "onnx";
    ModelHandle warm = *world.runtime.EnsureReady(WantedFrom(row), std::chrono::seconds(60));
    const Revision revision = world.Apply(store::ActivateVersion{row.model_id}).revision;
    if (!world.publisher.PublishAtLeast(revision)) {
      world.publisher.KeepUntilRead({warm}, Revision(0));
    }
  };
  for (const char* version : {"1", "2", "3"}) {
    world.Register("r", version, "model", LoadPolicy::kLazy);
  }
  activate("1");
  ASSERT_TRUE(world.cells[0].Pin()->Find("r")->serving[0].ready());

  world.store.GoDown({ErrorCode::kUnavailable, "the answer is lost", "", nullptr});
  activate("2");
  activate("3");
  world.publisher.Poll();
  world.publisher.PublishReadiness();
  EXPECT_TRUE(world.cells[0].Pin()->Find("r")->serving[0].ready()) << "INV-4: the old view serves";
  world.store.Heal();
  world.publisher.Poll();
  const view::RouteView* route = world.cells[0].Pin()->Find("r");
  ASSERT_EQ(route->route->At(route->route->primary).version, "3");
  EXPECT_TRUE(route->serving[route->route->primary].ready());
  ASSERT_NE(route->route->previous_primary, routing::kNoVersion);
  EXPECT_TRUE(route->serving[route->route->previous_primary].ready());
  EXPECT_EQ(world.runtime.StatusOf(ModelId("r-3"))->attempts, 1) << "nothing was loaded again";
}

// INV-16: the newest are kept, and none for longer than until the table is read.
TEST(Publisher, KeepsOnlySoManyModelsAndOnlySoLong) {
  PublishWorld world(1, Inline());
  std::vector<std::weak_ptr<const LoadedModel>> kept;
  const auto keep = [&] {
    ModelHandle model = std::make_shared<EchoModel>();
    kept.push_back(model);
    world.publisher.KeepUntilRead({std::move(model)}, Revision(0));
  };
  world.store.GoDown({ErrorCode::kUnavailable, "the disk is on fire", "", nullptr});
  for (std::size_t i = 0; i < Publisher::kKeptModels; ++i) keep();
  EXPECT_FALSE(kept[0].expired());
  keep();
  EXPECT_TRUE(kept[0].expired());
  EXPECT_FALSE(kept[1].expired());
  EXPECT_FALSE(kept.back().expired());
  world.store.Heal();
  world.publisher.Poll();
  EXPECT_TRUE(kept.back().expired()) << "the table was read: the commit was not in";
  keep();
  EXPECT_TRUE(kept.back().expired()) << "it can be read at once";

  // A reader may be behind: then the model waits for the revision that needs it.
  ModelHandle model = std::make_shared<EchoModel>();
  const std::weak_ptr<const LoadedModel> waits = model;
  world.publisher.KeepUntilRead({std::move(model)}, Revision(1));
  world.publisher.Poll();
  EXPECT_FALSE(waits.expired());
  world.Register("r", "1", "model");
  world.publisher.Poll();
  EXPECT_TRUE(waits.expired());
}

// A load that ends during an outage says nothing about the table.
TEST(Publisher, ReadinessIsNoConfirmationOfTheTable) {
  PublishWorld world(1, Inline());
  world.store.GoDown({ErrorCode::kUnavailable, "the disk is on fire", "", nullptr});
  world.publisher.Poll();
  const SteadyTime confirmed = world.publisher.state().confirmed_at;
  world.clock.Advance(std::chrono::seconds(7));
  world.publisher.PublishReadiness();
  EXPECT_EQ(world.publisher.state().trouble, "the disk is on fire");
  EXPECT_EQ(world.publisher.state().confirmed_at, confirmed);
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
