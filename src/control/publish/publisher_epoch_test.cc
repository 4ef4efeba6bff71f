// A registry that lost changes which were served: restored from a backup, or after a failover.
#include <gtest/gtest.h>

#include "control/publish/publish_world_fixture.h"

namespace podium::control {
namespace {

/// A world whose registry can be put back to how it was after its first change, or to another past.
class LostCommits : public ::testing::Test {
 protected:
  LostCommits() {
    RegisterIn(backup_, "1");
    Activate(backup_, "r-1");
    RegisterIn(world_.memory, "1");
    Activate(world_.memory, "r-1");
  }

  static void RegisterIn(store::MemoryStore& store, const std::string& version) {
    ModelVersion row;
    row.model_id = ModelId("r-" + version);
    row.route = RouteName("r");
    row.version = version;
    row.artifact_uri = "file:none.onnx";
    row.format = "onnx";
    ASSERT_TRUE(store.Apply(store::RegisterVersion{row}, {}));
  }
  static void Activate(store::MemoryStore& store, const std::string& id) {
    ASSERT_TRUE(store.Apply(store::ActivateVersion{ModelId(id)}, {}));
  }
  void Publish() {
    const Status published = world_.publisher.PublishFirst();
    ASSERT_TRUE(published) << Describe(published.error());
  }
  void Restore() { world_.store.Become(backup_); }

  Generation generation() const { return world_.cells[0].Pin()->generation(); }
  std::string Primary() const {
    const view::RouteView* route = world_.cells[0].Pin()->Find("r");
    return route == nullptr ? "" : route->route->At(route->route->primary).version;
  }
  std::string Trouble() const { return world_.publisher.state().trouble; }

  PublishWorld world_{1, Inline()};
  SeededRng backup_rng_{2};
  store::MemoryStore backup_{world_.clock, backup_rng_};
};

// INV-3: the revision went back, the generation did not, and what was lost is served no more.
TEST_F(LostCommits, Inv3ARevisionThatWentBackBeginsAnEpoch) {
  RegisterIn(world_.memory, "2");
  Activate(world_.memory, "r-2");
  Publish();
  const Generation before = generation();
  ASSERT_EQ(Primary(), "2");

  Restore();
  world_.publisher.Poll();
  EXPECT_EQ(Trouble(), "");
  EXPECT_GT(generation(), before);
  EXPECT_EQ(EpochOf(generation()), 1U);
  EXPECT_EQ(RevisionOf(generation()), Revision(2));
  EXPECT_EQ(Primary(), "1");
  EXPECT_EQ(world_.cells[0].Pin()->Find("r")->route->versions.size(), 1U);
  const auto events = backup_.ReadOutbox(2, 10);
  ASSERT_EQ(events->size(), 1U);
  EXPECT_EQ(events->front().type, "podium.registry.epoch_raised");

  Activate(backup_, "r-1");
  RegisterIn(backup_, "7");
  world_.publisher.Poll();
  EXPECT_EQ(RevisionOf(generation()), Revision(3)) << "the new epoch goes on as any other";
  EXPECT_EQ(EpochOf(generation()), 1U);
}

// As many changes were made since as were lost: only the trail tells that they are others.
TEST_F(LostCommits, OtherChangesUnderTheSameRevisionAreNoticed) {
  RegisterIn(world_.memory, "2");
  Activate(world_.memory, "r-2");
  Publish();
  RegisterIn(backup_, "3");
  Activate(backup_, "r-3");
  Restore();
  world_.publisher.Poll();
  EXPECT_EQ(EpochOf(generation()), 1U);
  EXPECT_EQ(Primary(), "3");
}

// Of several replicas that notice, one begins the epoch and the others follow.
TEST_F(LostCommits, AnEpochThatAnotherBeganIsFollowed) {
  RegisterIn(world_.memory, "2");
  Publish();
  const store::SeenHistory elsewhere{0, Revision(3), "another replica's"};
  ASSERT_EQ(backup_.RaiseEpoch(elsewhere, "b"), true);
  Restore();
  world_.publisher.Poll();
  EXPECT_EQ(EpochOf(generation()), 1U);
  EXPECT_EQ(Primary(), "1");
  EXPECT_EQ(backup_.ReadNewestEvent(), 3) << "one epoch, one event";
}

// INV-4: nothing where there was a table is not what anybody meant.
TEST_F(LostCommits, Inv4ATableThatCameBackEmptyKeepsTheView) {
  Publish();
  const Generation before = generation();
  SeededRng rng(3);
  store::MemoryStore empty(world_.clock, rng);
  world_.store.Become(empty);
  world_.publisher.Poll();
  EXPECT_EQ(generation(), before);
  EXPECT_EQ(Primary(), "1");
  EXPECT_NE(Trouble().find("empty"), std::string::npos);
  world_.publisher.Poll();
  EXPECT_EQ(generation(), before);
  Restore();  // A backup with routes.
  world_.publisher.Poll();
  EXPECT_EQ(Trouble(), "");
  EXPECT_EQ(Primary(), "1");
}

// A database that takes no writes: what was served is served on, and the next look tries again.
TEST_F(LostCommits, AnEpochThatCannotBeWrittenKeepsTheView) {
  RegisterIn(world_.memory, "2");
  Activate(world_.memory, "r-2");
  Publish();
  Restore();
  world_.store.Fail(testing::StoreCall::kRaiseEpoch, 1,
                    {ErrorCode::kUnavailable, "read-only", "", nullptr});
  world_.publisher.Poll();
  EXPECT_EQ(Primary(), "2");
  EXPECT_NE(Trouble().find("read-only"), std::string::npos);
  world_.publisher.Poll();
  EXPECT_EQ(Primary(), "1");
}

// Nobody asked for it by a role: another replica's verb is about to make it live.
TEST(AlsoLoad, LoadsALazyVersionAndLetsItGo) {
  PublishWorld world(1, Inline());
  world.Register("r", "1", "model", LoadPolicy::kLazy);
  ASSERT_TRUE(world.publisher.PublishFirst());
  EXPECT_FALSE(world.runtime.StatusOf(ModelId("r-1")));
  world.publisher.AlsoLoad({ModelId("r-1"), ModelId("nobody's")});
  world.Await([&] { return world.Settled("r-1", LoadState::kReady); });
  const std::uint64_t sequence = world.cells[0].Pin()->sequence();
  world.publisher.AlsoLoad({ModelId("r-1"), ModelId("nobody's")});
  EXPECT_EQ(world.cells[0].Pin()->sequence(), sequence) << "nothing new, nothing published";
  world.publisher.AlsoLoad({});
  EXPECT_FALSE(world.Settled("r-1", LoadState::kReady));
}

}  // namespace
}  // namespace podium::control
