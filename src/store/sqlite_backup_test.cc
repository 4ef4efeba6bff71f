// A copy made while the registry is in use is a registry; what is put back is newer than everything
// that was seen of the one it replaces.
#include "store/sqlite_backup.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "store/sqlite_connection.h"
#include "store/store_contract.h"

namespace podium::store {
namespace {

using ::testing::HasSubstr;

class SqliteBackup : public ::testing::Test {
 protected:
  std::string path() const { return folder_ / "registry.db"; }
  std::string backup() const { return folder_ / "backup.db"; }
  void BackUp() {
    const auto done = BackUpSqlite(path(), backup(), nullptr);
    ASSERT_TRUE(done) << Describe(done.error());
  }

  testing::TempDir folder_;
  testing::SimClock clock_;
  SeededRng rng_{1};
  std::unique_ptr<RegistryStore> store_ = SqliteBackend().open(clock_, rng_, folder_);
};

TEST_F(SqliteBackup, IsTheRegistryOfOneMomentForItsOwnersEyes) {
  Registry registry(*store_);
  registry.Add("a");
  registry.Activate("a");
  std::int64_t pages = 0;
  const auto done = BackUpSqlite(path(), backup(), [&](std::int64_t at, std::int64_t all) {
    EXPECT_LE(at, all);
    pages = at;
  });
  ASSERT_TRUE(done) << Describe(done.error());
  EXPECT_GT(pages, 0);
  EXPECT_EQ(done->facts.head.revision.get(), 2);
  EXPECT_EQ(done->facts.versions, 1);
  struct stat info{};
  ASSERT_EQ(::stat(backup().c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777U, 0600U);
  registry.Add("b");  // The store went on; the copy did not.
  EXPECT_EQ(ReadSqliteFacts(backup())->head.revision.get(), 2);
  const auto again = BackUpSqlite(path(), backup(), nullptr);
  EXPECT_EQ(again.error().code, ErrorCode::kConflict);
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder_.path())) {
    files += entry.path().filename().string().starts_with("backup.db") ? 1 : 0;
  }
  EXPECT_EQ(files, 1) << "and nothing half done beside it";
}

TEST_F(SqliteBackup, NothingIsMadeWhereNothingIs) {
  EXPECT_EQ(BackUpSqlite(folder_ / "no.db", backup(), nullptr).error().code, ErrorCode::kNotFound);
  EXPECT_FALSE(std::filesystem::exists(folder_ / "no.db"));
  EXPECT_FALSE(std::filesystem::exists(backup()));
}

TEST_F(SqliteBackup, RestoringWaitsForNobodyAndRaisesTheEpoch) {
  Registry(*store_).Add("a");
  BackUp();
  Registry(*store_).Add("lost");
  const auto in_use = RestoreSqlite(backup(), path(), clock_, nullptr);
  ASSERT_FALSE(in_use);
  EXPECT_EQ(in_use.error().code, ErrorCode::kConflict);
  EXPECT_THAT(in_use.error().message, HasSubstr("stop the podium"));
  EXPECT_EQ(store_->ReadRevision()->get(), 2);

  store_.reset();
  for (std::uint32_t epoch = 1; epoch <= 2; ++epoch) {
    const auto done = RestoreSqlite(backup(), path(), clock_, nullptr);
    ASSERT_TRUE(done) << Describe(done.error());
    EXPECT_EQ(done->facts.head.epoch, epoch) << "also for the same backup once more";
    EXPECT_EQ(done->facts.head.revision.get(), 1);
    EXPECT_TRUE(ReadSqliteFacts(done->replaced)) << "what was there is kept";
  }
  store_ = SqliteBackend().open(clock_, rng_, folder_);
  EXPECT_EQ(store_->ReadTable(Revision(0))->epoch, 2u);
  Registry registry(*store_);
  EXPECT_EQ(registry.Events().back().type, "podium.registry.restored");
  EXPECT_THAT(registry.Events().back().data, HasSubstr("\"epoch\":2"));
  registry.Activate("a");
  EXPECT_TRUE(store_->VerifyAudit()->intact());
  EXPECT_EQ(store_->FindVersion(ModelId("lost")).error().code, ErrorCode::kNotFound);
}

// Whoever restores over a damaged file may still want to have it looked at.
TEST_F(SqliteBackup, ADamagedFileIsReplacedAndKept) {
  Registry(*store_).Add("a");
  BackUp();
  store_.reset();
  const std::string garbage(8192, 'x');
  std::ofstream(path(), std::ios::binary | std::ios::trunc) << garbage;
  const auto done = RestoreSqlite(backup(), path(), clock_, nullptr);
  ASSERT_TRUE(done) << Describe(done.error());
  EXPECT_THAT(done->replaced, HasSubstr("registry.db.replaced-at-"));
  EXPECT_EQ(std::filesystem::file_size(done->replaced), garbage.size());
  EXPECT_EQ(ReadSqliteFacts(path())->head.revision.get(), 1);
  EXPECT_EQ(ReadSqliteFacts(path())->head.epoch, 1u);
}

TEST_F(SqliteBackup, AFileMadeMeanwhileIsNotReplaced) {
  Registry(*store_).Add("a");
  const auto refused = BackUpSqlite(path(), backup(), [&](std::int64_t, std::int64_t) {
    std::ofstream(backup()) << "somebody else's";
  });
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kConflict) << Describe(refused.error());
  EXPECT_EQ(std::filesystem::file_size(backup()), std::string("somebody else's").size());
}

TEST_F(SqliteBackup, ABrokenChainIsNotPutBack) {
  Registry(*store_).Add("a");
  BackUp();
  {
    const auto raw = SqliteConnection::Open(backup(), std::chrono::seconds(5));
    ASSERT_TRUE(
        (*raw)->Execute("DROP TRIGGER model_promotions_no_update; "
                        "UPDATE model_promotions SET actor = 'nobody'"));
  }
  EXPECT_FALSE(CheckSqlite(backup(), nullptr)->audit.intact());
  store_.reset();
  const auto refused = RestoreSqlite(backup(), path(), clock_, nullptr);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("audit trail"));
  EXPECT_EQ(ReadSqliteFacts(path())->head.epoch, 0u);
}

}  // namespace
}  // namespace podium::store
