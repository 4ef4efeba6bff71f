// The registry under threads: writers against each other, readers beside them, openers at once.
#include <atomic>
#include <barrier>
#include <thread>

#include "store/store_contract.h"

namespace podium::store {
namespace {

class RegistryThreads : public ::testing::TestWithParam<Backend> {
 protected:
  RegistryThreads() : store_(GetParam().open(clock_, rng_, folder_)), registry_(*store_) {}

  testing::TempDir folder_;
  testing::SimClock clock_;
  SystemRng rng_;
  std::unique_ptr<RegistryStore> store_;
  Registry registry_;
};
INSTANTIATE_TEST_SUITE_P(Stores, RegistryThreads, AllBackends(), BackendName);

void RunThreads(int count, const std::function<void(int)>& work) {
  std::barrier start(count);
  std::vector<std::thread> threads;
  for (int i = 0; i < count; ++i) {
    threads.emplace_back([&, i] {
      start.arrive_and_wait();
      work(i);
    });
  }
  for (std::thread& thread : threads) thread.join();
}

// INV-1: of many promotes admitted against one primary exactly one wins, the others are told so.
TEST_P(RegistryThreads, Inv1OneOfManyConcurrentPromotesWins) {
  constexpr int kThreads = 8;
  registry_.Add("a");
  registry_.Activate("a");
  for (int i = 0; i < kThreads; ++i) registry_.Add("s" + std::to_string(i), VersionStatus::kShadow);
  MutationContext admitted;
  admitted.pinned_primary = registry_.TheRoute().primary_since;
  const Revision before = *store_->ReadRevision();
  std::atomic<int> won = 0;
  std::atomic<int> lost = 0;
  RunThreads(kThreads, [&](int i) {
    const auto done = store_->Apply(PromoteVersion{ModelId("s" + std::to_string(i))}, admitted);
    if (done) ++won;
    if (!done && done.error().code == ErrorCode::kConflict) ++lost;
  });
  EXPECT_EQ(won, 1);
  EXPECT_EQ(lost, kThreads - 1);
  EXPECT_EQ(store_->ReadRevision(), Revision(before.get() + 1));
}

// A reader never sees a route without its primary, two of them, or a revision that goes back.
TEST_P(RegistryThreads, ReadersSeeWholeTransactions) {
  constexpr int kSwaps = 100;
  registry_.Add("a");
  registry_.Activate("a");
  registry_.Add("b", VersionStatus::kShadow);
  std::atomic<bool> writing = true;
  const auto read = [&] {
    Revision last;
    bool more = true;
    while (more) {
      more = writing;  // One more round after the writer's last.
      const auto table = store_->ReadTable(Revision(0));
      ASSERT_TRUE(table) << Describe(table.error());
      ASSERT_GE(table->revision, last);
      last = table->revision;
      int primaries = 0;
      Revision newest;
      for (const ModelVersion& row : table->versions) {
        primaries += row.status == VersionStatus::kPrimary ? 1 : 0;
        newest = std::max(newest, row.revision);
      }
      ASSERT_EQ(primaries, 1);
      ASSERT_EQ(newest, table->revision) << "rows and revision are of one moment";
      ASSERT_TRUE(store_->FindVersion(ModelId("a")));
      ASSERT_EQ(store_->ListPromotions({kIris, 1, ""})->items.size(), 1u);
    }
  };
  RunThreads(4, [&](int i) {
    if (i != 0) return read();
    for (int swap = 0; swap < kSwaps; ++swap) {
      const auto done = store_->Apply(PromoteVersion{ModelId(swap % 2 == 0 ? "b" : "a")}, {});
      EXPECT_TRUE(done) << Describe(done.error());
    }
    writing = false;
  });
  EXPECT_TRUE(store_->VerifyAudit()->intact());
}

TEST_P(RegistryThreads, WritersOfDifferentRoutesAllGetThrough) {
  constexpr int kThreads = 6;
  constexpr int kEach = 15;
  RunThreads(kThreads, [&](int i) {
    const std::string route = "route" + std::to_string(i);
    for (int n = 0; n < kEach; ++n) {
      const auto done =
          store_->Apply(RegisterVersion{Row(fmt::format("{}.{}", route, n), route)}, {});
      EXPECT_TRUE(done) << Describe(done.error());
    }
  });
  EXPECT_EQ(store_->ReadRevision(), Revision(kThreads * kEach));
  EXPECT_TRUE(store_->VerifyAudit()->intact());
}

// Several replicas start at once on a file that is not there yet.
TEST(SqliteThreads, ManyOpenANewFileAtOnce) {
  for (int round = 0; round < 5; ++round) {
    testing::TempDir folder;
    testing::SimClock clock;
    SystemRng rng;
    std::vector<std::unique_ptr<RegistryStore>> stores(4);
    RunThreads(4, [&](int i) {
      auto opened = SqliteStore::Open(folder / "new/registry.db", clock, rng);
      ASSERT_TRUE(opened) << Describe(opened.error());
      stores[static_cast<std::size_t>(i)] = std::move(*opened);
      const std::string id = "m" + std::to_string(i);
      const auto done = stores[static_cast<std::size_t>(i)]->Apply(RegisterVersion{Row(id)}, {});
      EXPECT_TRUE(done) << Describe(done.error());
    });
    ASSERT_TRUE(stores[0]);
    EXPECT_EQ(stores[0]->ReadRevision(), Revision(4));
  }
}

// A lock that another process lets go in time is waited for, not reported.
TEST(SqliteThreads, AWriterWaitsForTheLock) {
  testing::TempDir folder;
  testing::SimClock clock;
  SystemRng rng;
  const auto store = SqliteBackend().open(clock, rng, folder);
  auto holder = SqliteConnection::Open(folder / "registry.db", std::chrono::seconds(5));
  ASSERT_TRUE(holder);
  auto held = Transaction::Begin(**holder, Transaction::Kind::kWrite);
  ASSERT_TRUE(held);
  std::atomic<int> done = 0;
  std::vector<std::thread> writers;
  for (int i = 0; i < 4; ++i) {
    writers.emplace_back([&, i] {
      const auto applied = store->Apply(RegisterVersion{Row("m" + std::to_string(i))}, {});
      EXPECT_TRUE(applied) << Describe(applied.error());
      ++done;
    });
  }
  // Reads go on meanwhile; none of the writers can have finished.
  for (int i = 0; i < 100; ++i) EXPECT_EQ(store->ReadRevision(), Revision(0));
  EXPECT_EQ(done, 0);
  ASSERT_TRUE(held->Commit());
  for (std::thread& writer : writers) writer.join();
  EXPECT_EQ(store->ReadRevision(), Revision(4));
}

}  // namespace
}  // namespace podium::store
