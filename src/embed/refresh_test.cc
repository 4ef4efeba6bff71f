// Invariants 3, 4 and 8 in the library: how snapshots follow the table, and what happens when the
// table cannot be read.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <podium/registry.h>

#include <cstdio>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "base/rng.h"
#include "embed/ports_fixture.h"
#include "embed/table_follower.h"
#include "store/memory_store.h"
#include "testing/faulty_store.h"
#include "testing/sim_clock.h"
#include "testing/temp_dir.h"

namespace podium::v1 {
namespace {

using podium::testing::FaultyStore;
using podium::testing::Moment;
using podium::testing::StoreCall;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr std::chrono::seconds kTtl{30};

std::string Serving(const Registry& registry) {
  const Snapshot snapshot = registry.Pin();
  const Decision decision = snapshot.Choose("ranker", {"s", {}, {}});
  return decision.version == nullptr ? "" : decision.version->id;
}

/// One file, changed by `theirs`, followed by `ours` with an executor.
class TwoProcesses : public ::testing::Test {
 protected:
  TwoProcesses() {
    for (const char* id : {"m1", "m2"}) EXPECT_TRUE(theirs_.Register(Version(id)));
    EXPECT_TRUE(theirs_.Activate("m1"));
    EXPECT_TRUE(ours_.Refresh());
  }

  Registry OpenWith(Executor executor) {
    RegistryOptions options;
    options.clock = clock_;
    options.executor = std::move(executor);
    options.cache_ttl = kTtl;
    return Registry::Open(folder_ / "models.db", options).value();
  }

  podium::testing::TempDir folder_;
  std::shared_ptr<HandClock> clock_ = std::make_shared<HandClock>();
  HandExecutor executor_;
  Registry theirs_ = OpenWith({});
  Registry ours_ = OpenWith(executor_.port());
};

TEST_F(TwoProcesses, AnOldSnapshotIsReadAgainOnTheExecutor) {
  ASSERT_TRUE(theirs_.Activate("m2"));
  clock_->Advance(kTtl - std::chrono::nanoseconds(1));
  EXPECT_EQ(Serving(ours_), "m1");
  EXPECT_EQ(executor_.waiting(), 0U) << "not before its time";

  clock_->Advance(std::chrono::nanoseconds(1));
  EXPECT_EQ(Serving(ours_), "m1") << "a Pin does not wait";
  EXPECT_EQ(Serving(ours_), "m1");
  EXPECT_EQ(executor_.waiting(), 1U) << "one look at a time";
  executor_.RunAll();
  EXPECT_EQ(Serving(ours_), "m2");
  EXPECT_EQ(executor_.waiting(), 0U);
}

TEST_F(TwoProcesses, WithoutAnExecutorRefreshBringsTheChange) {
  ASSERT_TRUE(ours_.Activate("m2"));
  clock_->Advance(10 * kTtl);
  EXPECT_EQ(Serving(theirs_), "m1");
  ASSERT_TRUE(theirs_.Refresh());
  EXPECT_EQ(Serving(theirs_), "m2");
}

TEST_F(TwoProcesses, ADroppedLookIsOwedAgainOneTtlLater) {
  ASSERT_TRUE(theirs_.Activate("m2"));
  clock_->Advance(kTtl);
  EXPECT_EQ(Serving(ours_), "m1");
  executor_.DropAll();
  EXPECT_EQ(Serving(ours_), "m1");
  EXPECT_EQ(executor_.waiting(), 0U) << "an executor that drops is not flooded";
  clock_->Advance(kTtl);
  EXPECT_EQ(Serving(ours_), "m1");
  executor_.RunAll();
  EXPECT_EQ(Serving(ours_), "m2");
}

TEST_F(TwoProcesses, AnExecutorThatThrowsFailsNoPin) {
  Registry unlucky = OpenWith([](auto) { throw std::runtime_error("the pool is closed"); });
  Registry unluckier = OpenWith([](auto) { throw 42; });
  clock_->Advance(kTtl);
  EXPECT_EQ(Serving(unlucky), "m1");
  EXPECT_THAT(unlucky.health().trouble, HasSubstr("the pool is closed"));
  EXPECT_EQ(Serving(unluckier), "m1");
  EXPECT_THAT(unluckier.health().trouble, HasSubstr("no std::exception"));
}

TEST_F(TwoProcesses, AnExecutorMayOutliveTheRegistry) {
  {
    const Registry gone = OpenWith(executor_.port());
    clock_->Advance(kTtl);
    EXPECT_EQ(Serving(gone), "m1");
  }
  EXPECT_EQ(executor_.waiting(), 1U);
  executor_.RunAll();
}

TEST_F(TwoProcesses, AnExecutorMayRunTheWorkAtOnce) {
  Registry inline_one = OpenWith([](const std::function<void()>& work) { work(); });
  ASSERT_TRUE(theirs_.Activate("m2"));
  clock_->Advance(kTtl);
  EXPECT_EQ(Serving(inline_one), "m2");
}

TEST_F(TwoProcesses, Invariant8AFileThatIsGoneFailsNoChoice) {
  ASSERT_EQ(std::rename((folder_ / "models.db").c_str(), (folder_ / "gone").c_str()), 0);
  EXPECT_EQ(ours_.Refresh().error().code, ErrorCode::kUnavailable);
  EXPECT_THAT(ours_.health().trouble, HasSubstr("models.db"));
  EXPECT_EQ(Serving(ours_), "m1");
  EXPECT_EQ(ours_.Activate("m2").error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(Serving(ours_), "m1");
}

/// The follower over a store that fails when told.
class Follower : public ::testing::Test {
 protected:
  Follower() {
    for (const char* id : {"m1", "m2"}) {
      podium::ModelVersion row;
      row.model_id = ModelId(id);
      row.route = RouteName("ranker");
      row.version = id;
      EXPECT_TRUE(memory_.Apply(store::RegisterVersion{row}, {}));
    }
    EXPECT_TRUE(memory_.Apply(store::ActivateVersion{ModelId("m1")}, {}));
    EXPECT_TRUE(follower_.Refresh());
  }

  std::string Serving() const {
    const Snapshot snapshot = follower_.Current();
    const Decision decision = snapshot.Choose("ranker", {"s", {}, {}});
    return decision.version == nullptr ? "" : decision.version->id;
  }

  podium::testing::SimClock clock_;
  SeededRng rng_{1};
  store::MemoryStore memory_{clock_, rng_};
  FaultyStore store_{memory_};
  TableFollower follower_{store_, clock_, std::make_shared<SeededRng>(2), {}};
};

TEST_F(Follower, Invariant8ATableThatCannotBeReadKeepsTheSnapshot) {
  for (const StoreCall call : {StoreCall::kReadRevision, StoreCall::kReadTable}) {
    store_.Fail(call, 1, {podium::ErrorCode::kUnavailable, "disk on fire", "", nullptr});
    EXPECT_FALSE(follower_.Refresh());
    EXPECT_THAT(follower_.health().trouble, HasSubstr("disk on fire"));
    EXPECT_EQ(Serving(), "m1");
    EXPECT_TRUE(follower_.Refresh());
    EXPECT_THAT(follower_.health().trouble, IsEmpty());
  }
}

TEST_F(Follower, HealthSaysWhenTheTableWasLastSeen) {
  const SteadyTime first = follower_.health().confirmed_at;
  clock_.Advance(kTtl);
  store_.GoDown({podium::ErrorCode::kUnavailable, "down", "", nullptr});
  EXPECT_FALSE(follower_.Refresh());
  EXPECT_EQ(follower_.health().confirmed_at, first);
  store_.Heal();
  EXPECT_TRUE(follower_.Refresh());
  EXPECT_EQ(follower_.health().confirmed_at, first + kTtl);
}

TEST_F(Follower, ARefreshWithoutAChangeKeepsTheSnapshotItself) {
  const Snapshot before = follower_.Current();
  const Decision decision = before.Choose("ranker", {"s", {}, {}});
  ASSERT_TRUE(follower_.Refresh());
  const Snapshot after = follower_.Current();
  EXPECT_EQ(after.Choose("ranker", {"s", {}, {}}).version, decision.version);
}

/// One table after another under the same name, as when a file is restored from a copy.
class RestoredStore final : public store::RegistryStore {
 public:
  explicit RestoredStore(store::RegistryStore& first) : now_(&first) {}
  void Restore(store::RegistryStore& other, std::uint32_t epochs_later) {
    now_ = &other;
    epochs_later_ = epochs_later;
  }

  podium::Result<store::TableDelta> ReadTable(Revision since) override {
    auto delta = now_->ReadTable(since);
    if (delta) delta->epoch += epochs_later_;
    return delta;
  }
  podium::Result<Revision> ReadRevision() override { return now_->ReadRevision(); }
  podium::Result<store::Committed> Apply(const store::Mutation& mutation,
                                         const store::MutationContext& context) override {
    return now_->Apply(mutation, context);
  }
  podium::Result<store::RouteState> ReadRoute(const RouteName& route) override {
    return now_->ReadRoute(route);
  }
  podium::Result<store::RouteAt> ReadRouteAt(const RouteName& route,
                                             const store::HistoryPoint& point) override {
    return now_->ReadRouteAt(route, point);
  }
  podium::Result<store::RouteStanding> ReadStanding(const RouteName& route,
                                                    const store::HistoryPoint& point) override {
    return now_->ReadStanding(route, point);
  }
  podium::Result<podium::ModelVersion> FindVersion(const ModelId& id) override {
    return now_->FindVersion(id);
  }
  podium::Result<store::Page<podium::ModelVersion>> ListVersions(
      const store::VersionQuery& query) override {
    return now_->ListVersions(query);
  }
  podium::Result<store::Page<Promotion>> ListPromotions(
      const store::PromotionQuery& query) override {
    return now_->ListPromotions(query);
  }
  podium::Result<bool> RaiseEpoch(const store::SeenHistory& seen, const std::string& by) override {
    return now_->RaiseEpoch(seen, by);
  }
  podium::Result<std::int64_t> ReadNewestEvent() override { return now_->ReadNewestEvent(); }
  podium::Result<std::vector<store::OutboxEvent>> ReadOutbox(std::int64_t after,
                                                             int limit) override {
    return now_->ReadOutbox(after, limit);
  }
  podium::Result<store::AuditVerdict> VerifyAudit() override { return now_->VerifyAudit(); }

 private:
  store::RegistryStore* now_;
  std::uint32_t epochs_later_ = 0;
};

/// The follower of a table that is restored to a shorter history, in which only m9 serves.
class FollowerOfARestore : public ::testing::Test {
 protected:
  FollowerOfARestore() {
    for (const char* id : {"m1", "m2", "m3"}) Register(first_, id);
    EXPECT_TRUE(first_.Apply(store::ActivateVersion{ModelId("m1")}, {}));
    Register(older_, "m9");
    EXPECT_TRUE(older_.Apply(store::ActivateVersion{ModelId("m9")}, {}));
    EXPECT_TRUE(follower_.Refresh());
  }

  static void Register(store::RegistryStore& store, const std::string& id) {
    podium::ModelVersion row;
    row.model_id = ModelId(id);
    row.route = RouteName("ranker");
    row.version = id;
    EXPECT_TRUE(store.Apply(store::RegisterVersion{row}, {}));
  }

  podium::testing::SimClock clock_;
  SeededRng rng_{1};
  store::MemoryStore first_{clock_, rng_};
  store::MemoryStore older_{clock_, rng_};
  RestoredStore store_{first_};
  TableFollower follower_{store_, clock_, std::make_shared<SeededRng>(2), {}};
};

TEST_F(FollowerOfARestore, Invariant3GenerationsNeverGoBack) {
  const std::uint64_t before = follower_.Current().generation();
  store_.Restore(older_, 0);
  EXPECT_FALSE(follower_.Refresh());
  EXPECT_THAT(follower_.health().trouble, HasSubstr("went back"));
  EXPECT_EQ(follower_.Current().generation(), before);
  EXPECT_EQ(follower_.Current().SplitOf("ranker")->active->id, "m1");
}

TEST_F(FollowerOfARestore, Invariant3ANewEpochIsAHistoryOfItsOwn) {
  const std::uint64_t before = follower_.Current().generation();
  store_.Restore(older_, 1);
  ASSERT_TRUE(follower_.Refresh());
  EXPECT_GT(follower_.Current().generation(), before);
  const Snapshot snapshot = follower_.Current();
  EXPECT_EQ(snapshot.SplitOf("ranker")->active->id, "m9");
  EXPECT_EQ(snapshot.ChooseVersion("ranker", {"s", {}, {}}, "m2").reason, Reason::kUnknownVersion)
      << "nothing of the old history is left";
}

TEST(FollowerOfBadRows, Invariant4SetsThemAsideAndSaysWhich) {
  RegistryOptions options;
  options.providers = {"known"};
  Registry registry = Registry::InMemory(options).value();
  NewVersion version = Version("m1");
  version.provider = "unheard-of";
  ASSERT_TRUE(registry.Register(version));
  ASSERT_TRUE(registry.Activate("m1"));
  NewVersion good = Version("x1");
  good.name = "other";
  good.provider = "known";
  ASSERT_TRUE(registry.Register(good));
  ASSERT_TRUE(registry.Activate("x1"));
  EXPECT_THAT(registry.health().set_aside,
              ElementsAre(::testing::AllOf(HasSubstr("version m1"), HasSubstr("unheard-of"))));
  const Snapshot snapshot = registry.Pin();
  EXPECT_EQ(snapshot.Choose("ranker", {"s", {}, {}}).reason, Reason::kNoPrimary);
  EXPECT_EQ(snapshot.Choose("other", {"s", {}, {}}).provider, "known");
}

}  // namespace
}  // namespace podium::v1
