// The watch beside threads that write: between its looks it reads what SQLite writes meanwhile.
#include <gtest/gtest.h>

#include <filesystem>
#include <thread>

#include "base/rng.h"
#include "store/sqlite_change_watch.h"
#include "store/sqlite_store.h"
#include "testing/sim_clock.h"
#include "testing/temp_dir.h"

namespace podium::store {
namespace {

class SqliteWatchThreads : public ::testing::Test {
 protected:
  SqliteWatchThreads() : store_(std::move(*SqliteStore::Open(path_, clock_, rng_))) {}

  const testing::TempDir folder_;
  const std::string path_ = folder_ / "registry.db";
  testing::SimClock clock_;
  SeededRng rng_{1};
  std::unique_ptr<SqliteStore> store_;
};

TEST_F(SqliteWatchThreads, AWaitUnderWayHearsOfTheLastCommit) {
  constexpr int kChanges = 30;
  const auto watch = store_->WatchChanges();
  ASSERT_EQ(watch->Wait(std::chrono::milliseconds(0)), true);
  const Revision before = *store_->ReadRevision();
  const std::jthread writer([&] {
    for (int i = 0; i < kChanges; ++i) {
      ModelVersion version;
      version.route = RouteName("iris");
      version.version = std::to_string(i);
      version.provider_key = "local";
      ASSERT_TRUE(store_->Apply(RegisterVersion{version}, {}));
    }
  });
  const Revision last(before.get() + kChanges);
  while (*store_->ReadRevision() != last) {
    const Result<bool> heard = watch->Wait(std::chrono::minutes(2));
    ASSERT_TRUE(heard && *heard) << "a commit was missed";
  }
}

// It peeks at memory no more by then, and a look of its own accord would come too late.
TEST_F(SqliteWatchThreads, AWaitThatListensHearsOfACommit) {
  constexpr int kChanges = 3;
  constexpr std::chrono::seconds kUntilItListens{1};
  SqliteChangeWatch watch(path_, std::chrono::hours(1));
  ASSERT_EQ(watch.Wait(std::chrono::milliseconds(0)), true);
  for (int i = 0; i < kChanges; ++i) {
    ASSERT_EQ(watch.Wait(kUntilItListens), false);
    const std::jthread writer([&] {
      ModelVersion version;
      version.route = RouteName("iris");
      version.version = std::to_string(i);
      version.provider_key = "local";
      ASSERT_TRUE(store_->Apply(RegisterVersion{version}, {}));
    });
    ASSERT_EQ(watch.Wait(std::chrono::minutes(2)), true) << i;
  }
}

// Memory says nothing of that: SQLite is asked now and then all the same.
TEST_F(SqliteWatchThreads, AWaitUnderWayHearsOfAFileThatIsGone) {
  const auto watch = store_->WatchChanges();
  ASSERT_EQ(watch->Wait(std::chrono::milliseconds(0)), true);
  ASSERT_EQ(watch->Wait(std::chrono::milliseconds(0)), false);
  const std::jthread mover([&] { std::filesystem::rename(path_, path_ + ".aside"); });
  const Result<bool> heard = watch->Wait(std::chrono::minutes(2));
  ASSERT_FALSE(heard);
  EXPECT_EQ(heard.error().code, ErrorCode::kUnavailable);
}

}  // namespace
}  // namespace podium::store
