// Whoever changes the file, another process or this one: the watch says so, and only then.
#include "store/sqlite_change_watch.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <optional>

#include "base/rng.h"
#include "store/sqlite_file.h"
#include "store/sqlite_store.h"
#include "testing/sim_clock.h"
#include "testing/temp_dir.h"

namespace podium::store {
namespace {

using namespace std::chrono_literals;

class SqliteWatch : public ::testing::Test {
 protected:
  SqliteWatch() : store_(std::move(*SqliteStore::Open(path_, clock_, rng_))) {}

  void Change() {
    ModelVersion version;
    version.route = RouteName("iris");
    version.version = std::to_string(++changes_);
    version.provider_key = "local";
    ASSERT_TRUE(store_->Apply(RegisterVersion{version}, {}));
  }

  testing::TempDir folder_;
  const std::string path_ = folder_ / "registry.db";
  testing::SimClock clock_;
  SeededRng rng_{1};
  std::unique_ptr<SqliteStore> store_;
  int changes_ = 0;
};

TEST_F(SqliteWatch, TellsOfEveryChangeAndOfNothingElse) {
  const auto watch = store_->WatchChanges();
  EXPECT_EQ(watch->Wait(0ms), true) << "what was before is not known";
  EXPECT_EQ(watch->Wait(0ms), false);
  for (int i = 0; i < 3; ++i) {
    Change();
    EXPECT_EQ(watch->Wait(0ms), true);
    EXPECT_EQ(watch->Wait(0ms), false);
  }
  ASSERT_TRUE(store_->ReadTable(Revision(0)));
  EXPECT_EQ(watch->Wait(0ms), false) << "a reader changes nothing";
}

TEST_F(SqliteWatch, TellsOfVersionsThatAreWanted) {
  const auto watch = store_->WatchChanges();
  ASSERT_EQ(watch->Wait(0ms), true);
  for (const auto patience : {1000ms, 2000ms}) {
    ASSERT_TRUE(store_->Want(ModelId("m"), patience));
    EXPECT_EQ(watch->Wait(0ms), true);
    EXPECT_EQ(watch->Wait(0ms), false);
  }
}

TEST_F(SqliteWatch, DoesNotTellOfWhatIsCommittedAllTheTime) {
  const auto watch = store_->WatchChanges();
  ASSERT_EQ(watch->Wait(0ms), true);
  ASSERT_TRUE(store_->Join({"a", "first", "", ""}));
  ASSERT_TRUE(store_->Beat({{"a", "first", "", ""}, Generation(1), {}, {}, 0, 0}));
  CostEvent cost;
  cost.event_id = "c";
  cost.model_id = "mini";
  cost.at = clock_.Now();
  const RecordedCosts recorded = *store_->RecordCosts({&cost, 1});
  ASSERT_EQ(recorded.inserted, 1U);
  EXPECT_EQ(watch->Wait(0ms), false);
  Change();
  EXPECT_EQ(watch->Wait(0ms), true);
}

// Without asking SQLite anything: what the watch goes by between its looks.
TEST_F(SqliteWatch, SharedMemoryChangesWithEachCommitAndWithNothingElse) {
  const auto reader = std::move(*OpenReader(path_, 20ms));
  const auto read = [&] {
    Query version(*reader, "PRAGMA data_version");
    return version.Next().has_value();
  };
  ASSERT_TRUE(read());
  const std::optional<SqliteWalHead> before = reader->PeekWalHead();
  ASSERT_TRUE(before);
  EXPECT_EQ(reader->PeekWalHead(), before);
  ASSERT_TRUE(store_->ReadTable(Revision(0)));
  ASSERT_TRUE(read());
  EXPECT_EQ(reader->PeekWalHead(), before) << "a reader changes nothing";
  Change();
  const std::optional<SqliteWalHead> after = reader->PeekWalHead();
  EXPECT_NE(after, before);
  EXPECT_EQ(reader->PeekWalHead(), after);
  Change();
  EXPECT_NE(reader->PeekWalHead(), after);
}

TEST_F(SqliteWatch, AfterAFileThatWasGoneItTellsOnce) {
  const auto watch = store_->WatchChanges();
  EXPECT_EQ(watch->Wait(0ms), true);
  std::filesystem::rename(path_, path_ + ".aside");
  const Result<bool> gone = watch->Wait(0ms);
  ASSERT_FALSE(gone);
  EXPECT_EQ(gone.error().code, ErrorCode::kUnavailable);
  EXPECT_FALSE(watch->Wait(0ms));
  EXPECT_FALSE(store_->WatchChanges()->Wait(0ms));
  EXPECT_FALSE(std::filesystem::exists(path_)) << "a watch makes no file";
  std::filesystem::rename(path_ + ".aside", path_);
  EXPECT_EQ(watch->Wait(0ms), true);
  EXPECT_EQ(watch->Wait(0ms), false);
}

TEST_F(SqliteWatch, StopEndsEveryWait) {
  const auto watch = store_->WatchChanges();
  EXPECT_EQ(watch->Wait(0ms), true);
  watch->Stop();
  EXPECT_EQ(watch->Wait(std::chrono::hours(1)), false);
}

}  // namespace
}  // namespace podium::store
