// The outbox on the databases that speak SQL: what readers have had time for goes, in slices.
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <ostream>
#include <string>

#include "base/limits.h"
#include "store/postgres/postgres_fixture.h"
#include "store/sqlite_store.h"
#include "testing/sim_clock.h"
#include "testing/temp_dir.h"

namespace podium::store {
namespace {

struct SqlBackend {
  std::string name;
  std::function<std::unique_ptr<SqlStore>(Clock&, Rng&, const testing::TempDir&)> open;
};
void PrintTo(const SqlBackend& backend, std::ostream* out) { *out << backend.name; }

class SqlOutbox : public ::testing::TestWithParam<SqlBackend> {
 protected:
  SqlOutbox() : store_(GetParam().open(clock_, rng_, folder_)) {}

  testing::TempDir folder_;
  testing::SimClock clock_;
  SeededRng rng_{1};
  std::unique_ptr<SqlStore> store_;
};

INSTANTIATE_TEST_SUITE_P(
    Stores, SqlOutbox,
    ::testing::Values(SqlBackend{"Sqlite",
                                 [](Clock& clock, Rng& rng, const testing::TempDir& folder) {
                                   return std::unique_ptr<SqlStore>(
                                       *SqliteStore::Open(folder / "registry.db", clock, rng));
                                 }},
                      SqlBackend{"Postgres", OpenPostgres}),
    [](const auto& test) { return test.param.name; });

TEST_P(SqlOutbox, OldEventsGoInSlicesTheOldestFirst) {
  const int many = static_cast<int>(limits::kDropBatch) + 20;
  for (int i = 0; i < many; ++i) {
    ASSERT_TRUE(store_->ApplyModel(CreateModel{"m" + std::to_string(i), "", {}}, {}));
    clock_.Advance(std::chrono::hours(1));
  }
  const WallTime before = clock_.Now() - std::chrono::hours(10);
  EXPECT_EQ(*store_->DropEvents(before), limits::kDropBatch);
  EXPECT_EQ(*store_->DropEvents(before), static_cast<std::size_t>(many - 10) - limits::kDropBatch);
  EXPECT_EQ(*store_->DropEvents(before), 0U);
  const auto left = store_->ReadOutbox(0, limits::kPageMax);
  ASSERT_EQ(left->size(), 10U);
  EXPECT_EQ(left->front().sequence, many - 9);
}

// By it a trail shows that was cut back together with its head; and numbers are not given again.
TEST_P(SqlOutbox, TheNewestEventStays) {
  ASSERT_TRUE(store_->ApplyModel(CreateModel{"m", "", {}}, {}));
  clock_.Advance(std::chrono::hours(1));
  EXPECT_EQ(*store_->DropEvents(clock_.Now()), 0U);
  EXPECT_EQ(*store_->ReadNewestEvent(), 1);
  ASSERT_TRUE(store_->ApplyModel(CreateModel{"n", "", {}}, {}));
  EXPECT_EQ(*store_->DropEvents(clock_.Now()), 1U);
  EXPECT_EQ(*store_->ReadNewestEvent(), 2);
}

}  // namespace
}  // namespace podium::store
