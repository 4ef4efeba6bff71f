// The watch beside threads that write: between its looks it reads what SQLite writes meanwhile.
#include <gtest/gtest.h>

#include <thread>

#include "base/rng.h"
#include "store/sqlite_change_watch.h"
#include "store/sqlite_store.h"
#include "testing/sim_clock.h"
#include "testing/temp_dir.h"

namespace podium::store {
namespace {

TEST(SqliteWatchThreads, AWaitUnderWayHearsOfTheLastCommit) {
  constexpr int kChanges = 30;
  const testing::TempDir folder;
  testing::SimClock clock;
  SeededRng rng(1);
  const auto store = std::move(*SqliteStore::Open(folder / "registry.db", clock, rng));
  const auto watch = store->WatchChanges();
  ASSERT_EQ(watch->Wait(std::chrono::milliseconds(0)), true);
  const Revision before = *store->ReadRevision();
  const std::jthread writer([&] {
    for (int i = 0; i < kChanges; ++i) {
      ModelVersion version;
      version.route = RouteName("iris");
      version.version = std::to_string(i);
      version.provider_key = "local";
      ASSERT_TRUE(store->Apply(RegisterVersion{version}, {}));
    }
  });
  const Revision last(before.get() + kChanges);
  while (*store->ReadRevision() != last) {
    const Result<bool> heard = watch->Wait(std::chrono::minutes(2));
    ASSERT_TRUE(heard && *heard) << "a commit was missed";
  }
}

}  // namespace
}  // namespace podium::store
