// Every single thing that SQLite asks of the disk fails once, for every kind of mutation and for
// opening: whatever was answered is true, the file is sound, and the store goes on.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <fstream>
#include <iostream>
#include <map>

#include "store/sqlite_fault_fixture.h"
#include "testing/faulty_vfs.h"

namespace podium::store {
namespace {

using ::testing::AnyOf;
using testing::DiskCall;
using testing::DiskFault;
using ::testing::HasSubstr;

/// The ways to fail: every call by its own codes.
std::vector<DiskFault> AllFaults() {
  constexpr bool kOnce = false;
  constexpr bool kStays = true;
  constexpr bool kTorn = true;
  return {
      {DiskCall::kOpen, SQLITE_CANTOPEN, 1, kOnce, false},
      {DiskCall::kRead, SQLITE_IOERR_READ, 1, kStays, false},
      {DiskCall::kRead, SQLITE_IOERR_SHORT_READ, 1, kOnce, false},
      {DiskCall::kWrite, SQLITE_IOERR_WRITE, 1, kOnce, kTorn},
      {DiskCall::kWrite, SQLITE_FULL, 1, kStays, false},
      {DiskCall::kTruncate, SQLITE_IOERR_TRUNCATE, 1, kOnce, false},
      {DiskCall::kSync, SQLITE_IOERR_FSYNC, 1, kOnce, false},
      {DiskCall::kSync, SQLITE_IOERR_FSYNC, 1, kStays, false},
      {DiskCall::kFileSize, SQLITE_IOERR_FSTAT, 1, kOnce, false},
      {DiskCall::kLock, SQLITE_IOERR_LOCK, 1, kOnce, false},
      {DiskCall::kDelete, SQLITE_IOERR_DELETE, 1, kOnce, false},
      {DiskCall::kAccess, SQLITE_IOERR_ACCESS, 1, kOnce, false},
      {DiskCall::kShmMap, SQLITE_IOERR_SHMMAP, 1, kOnce, false},
      {DiskCall::kShmLock, SQLITE_IOERR_SHMLOCK, 1, kStays, false},
  };
}

std::string FaultText(const DiskFault& fault) {
  return fmt::format("{} {} fails with {}{}{}", NameOf(fault.call), fault.nth, fault.code,
                     fault.stays ? ", and so do all after it" : "", fault.torn ? ", torn" : "");
}

/// Points swept, by call.
class Tally {
 public:
  void Count(const DiskFault& fault) { ++points_[fault.call]; }
  int total() const {
    int sum = 0;
    for (const auto& [call, count] : points_) sum += count;
    return sum;
  }
  int of(DiskCall call) const { return points_.contains(call) ? points_.at(call) : 0; }
  void Print(const std::string& what) const {
    std::string text;
    for (const auto& [call, count] : points_) text += fmt::format(" {} {},", NameOf(call), count);
    if (!text.empty()) text.pop_back();
    std::cout << fmt::format("swept {}: {} points ({})\n", what, total(),
                             text.empty() ? "none" : text.substr(1));
  }

 private:
  std::map<DiskCall, int> points_;
};

/// What an operator can act on: whose file, and what to do.
void ExpectClear(const Error& error) {
  EXPECT_EQ(TraitsOf(error.code).slug, TraitsOf(ErrorCode::kUnavailable).slug) << Describe(error);
  EXPECT_THAT(error.message, HasSubstr("registry file"));
  EXPECT_THAT(error.message,
              AnyOf(HasSubstr("check the disk"), HasSubstr("free some space"),
                    HasSubstr("check that it is a file"), HasSubstr("restore it from a backup"),
                    HasSubstr("writable for the user"), HasSubstr("try again")));
}

class SqliteFaults : public ::testing::Test {
 protected:
  std::string path() const { return folder_ / "registry.db"; }
  std::string kept() const { return folder_ / "kept.db"; }
  std::string crashed() const { return folder_ / "crashed.db"; }

  Result<std::unique_ptr<SqliteStore>> Open(const std::string& file) {
    return SqliteStore::Open(file, clock_, rng_, {std::chrono::milliseconds(50), 1});
  }
  std::unique_ptr<SqliteStore> MustOpen(const std::string& file) {
    auto opened = Open(file);
    EXPECT_TRUE(opened) << Describe(opened.error());
    return opened ? std::move(*opened) : nullptr;
  }
  /// With the same chance each time, so that the same mutation leaves the same rows.
  Result<Committed> Apply(RegistryStore& store, const Mutation& mutation) {
    rng_ = SeededRng(7);
    return store.Apply(mutation, {});
  }
  /// A store opens it, sees an unbroken chain, and leaves the rows as they are.
  void ExpectUsable(const std::string& file, const std::string& rows) {
    const auto store = MustOpen(file);
    ASSERT_TRUE(store);
    EXPECT_TRUE(store->VerifyAudit()->intact());
    EXPECT_EQ(SoundRows(file), rows);
  }
  /// Calls `attempt` for each fault at every point, until it says that none was struck.
  void Sweep(const std::string& what, const std::vector<DiskFault>& faults,
             const std::function<bool(const DiskFault&)>& attempt) {
    for (DiskFault fault : faults) {
      while (true) {
        SCOPED_TRACE(FaultText(fault));
        if (!attempt(fault)) break;
        ASSERT_FALSE(HasFailure());
        tally_.Count(fault);
        ++fault.nth;
      }
      ASSERT_FALSE(HasFailure());
    }
    tally_.Print(what);
  }

  testing::FaultyVfs disk_;
  testing::TempDir folder_;
  testing::SimClock clock_;
  SeededRng rng_{1};
  Tally tally_;
};

// --- mutations ---

class MutationFaults : public SqliteFaults, public ::testing::WithParamInterface<SweptMutation> {
 protected:
  void SetUp() override {
    const auto store = MustOpen(folder_ / "base.db");
    Registry registry(*store);
    mutation_ = Prepare(registry, GetParam());
    // With its WAL, as a server that was killed leaves it.
    CopyRegistry(folder_ / "base.db", kept());
    CopyRegistry(kept(), path());
    before_ = SoundRows(path());
    const auto copy = MustOpen(path());
    seen_before_ = TextOf(*copy->ReadTable(Revision(0)));
    ASSERT_TRUE(Apply(*copy, mutation_));
    ASSERT_TRUE(copy->VerifyAudit()->intact());
    seen_after_ = TextOf(*copy->ReadTable(Revision(0)));
    after_ = SoundRows(path());
    ASSERT_NE(before_, after_);
  }

  /// False when the fault did not strike.
  bool Try(const DiskFault& fault) {
    CopyRegistry(kept(), path());
    auto store = MustOpen(path());
    disk_.Arm(fault);
    const auto answer = Apply(*store, mutation_);
    if (disk_.Disarm() == 0) {
      EXPECT_TRUE(answer) << Describe(answer.error());
      return false;
    }
    if (!answer) ExpectClear(answer.error());
    // In the open store: what was answered is so.
    EXPECT_EQ(TextOf(*store->ReadTable(Revision(0))), answer ? seen_after_ : seen_before_);
    // After a kill: a change that was refused at its last step may have reached the disk whole.
    CopyRegistry(path(), crashed());
    const std::string found = SoundRows(crashed());
    EXPECT_TRUE(found == after_ || (!answer && found == before_)) << found;
    if (fault.nth % 4 == 0) {
      ExpectUsable(crashed(), found);
      store.reset();
      ExpectUsable(path(), answer ? after_ : before_);
      store = MustOpen(path());
    }
    ExpectGoesOn(*store, answer.has_value());
    return true;
  }

  void ExpectGoesOn(SqliteStore& store, bool done) {
    if (!done) {
      const auto again = Apply(store, mutation_);
      EXPECT_TRUE(again) << Describe(again.error());
    }
    EXPECT_EQ(TextOf(*store.ReadTable(Revision(0))), seen_after_);
    EXPECT_TRUE(Apply(store, RegisterVersion{Row("z", "zinnias")}));
    EXPECT_TRUE(store.VerifyAudit()->intact());
  }

  Mutation mutation_;
  std::string before_;
  std::string after_;
  std::string seen_before_;
  std::string seen_after_;
};

TEST_P(MutationFaults, Inv2EveryFaultLeavesAllOrNothing) {
  Sweep(GetParam().name, AllFaults(), [this](const DiskFault& fault) { return Try(fault); });
  EXPECT_GT(tally_.of(DiskCall::kRead), 0);
  EXPECT_GT(tally_.of(DiskCall::kWrite), 0);
  EXPECT_GT(tally_.of(DiskCall::kSync), 0);
  EXPECT_GT(tally_.of(DiskCall::kShmLock), 0);
}

INSTANTIATE_TEST_SUITE_P(Kinds, MutationFaults, ::testing::ValuesIn(SweptMutations()),
                         [](const auto& info) {
                           std::string name;
                           for (const char c : info.param.name) name += c == ' ' ? '_' : c;
                           return name;
                         });

// --- opening, migrating, closing ---

class OpenFaults : public SqliteFaults {
 protected:
  /// `lay` puts the file in place, if there is one before it is opened.
  void SweepOpen(const std::string& what, const std::function<void()>& lay) {
    lay();
    MustOpen(path());
    const std::string rows = SoundRows(path());
    ASSERT_NE(rows, "");
    Sweep(what, AllFaults(), [&](const DiskFault& fault) {
      for (const char* end : {"", "-wal", "-shm", "-journal"}) {
        std::filesystem::remove(path() + end);
      }
      lay();
      disk_.Arm(fault);
      auto opened = Open(path());
      if (disk_.Disarm() == 0) {
        EXPECT_TRUE(opened) << Describe(opened.error());
        return false;
      }
      if (opened) {
        EXPECT_EQ(SoundRows(path()), rows);
        EXPECT_TRUE(Apply(**opened, RegisterVersion{Row("z", "zinnias")}));
        return true;
      }
      ExpectClear(opened.error());
      CopyRegistry(path(), crashed());
      ExpectUsable(crashed(), rows);
      ExpectUsable(path(), rows);
      return true;
    });
  }
};

TEST_F(OpenFaults, OfANewFile) {
  SweepOpen("open a new file", [] {});
  for (const DiskCall call : {DiskCall::kOpen, DiskCall::kWrite, DiskCall::kSync, DiskCall::kDelete,
                              DiskCall::kShmMap, DiskCall::kLock, DiskCall::kAccess}) {
    EXPECT_GT(tally_.of(call), 0) << NameOf(call);
  }
}

// As the first release left it. Whatever the migration meets, the rows are there afterwards.
TEST_F(OpenFaults, OfAFileOfTheFirstSchema) {
  std::ifstream text(std::string(PODIUM_SOURCE_DIR) + "/tests/data/registry/schema-1.sql");
  const std::string sql{std::istreambuf_iterator<char>(text), {}};
  {
    auto raw = SqliteConnection::Open(kept(), {});
    ASSERT_TRUE((*raw)->Execute("PRAGMA journal_mode = WAL"));
    ASSERT_TRUE((*raw)->Execute(sql));
    ASSERT_EQ(Answer(**raw, "SELECT max(version) FROM schema_migrations"), "1");
  }
  SweepOpen("open a file of schema 1", [this] { CopyRegistry(kept(), path()); });
  const auto store = MustOpen(path());
  EXPECT_EQ(Registry(*store).Roles("iris"), "iris.1=primary iris.2=canary@1000 iris.3=standby");
  EXPECT_EQ(Registry(*store).Audit().size(), 6U);
  EXPECT_GT(tally_.of(DiskCall::kRead), 0);
}

TEST_F(OpenFaults, OfAFileWhoseServerWasKilled) {
  const auto store = MustOpen(folder_ / "base.db");
  Registry registry(*store);
  Prepare(registry, SweptMutations().front());
  CopyRegistry(folder_ / "base.db", kept());
  SweepOpen("open after a kill", [this] { CopyRegistry(kept(), path()); });
  EXPECT_GT(tally_.of(DiskCall::kRead), 0);
  EXPECT_GT(tally_.of(DiskCall::kShmMap), 0);
}

// The last one to close moves the WAL into the file and removes it.
TEST_F(OpenFaults, OfClosing) {
  auto store = MustOpen(folder_ / "base.db");
  Registry registry(*store);
  Prepare(registry, SweptMutations().front());
  CopyRegistry(folder_ / "base.db", kept());
  CopyRegistry(kept(), path());
  const std::string rows = SoundRows(path());
  Sweep("close", AllFaults(), [&](const DiskFault& fault) {
    CopyRegistry(kept(), path());
    store = MustOpen(path());
    disk_.Arm(fault);
    store.reset();
    const bool struck = disk_.Disarm() > 0;
    CopyRegistry(path(), crashed());
    EXPECT_EQ(SoundRows(crashed()), rows);
    ExpectUsable(path(), rows);
    return struck;
  });
  EXPECT_GT(tally_.of(DiskCall::kWrite), 0);
  EXPECT_GT(tally_.of(DiskCall::kSync), 0);
  EXPECT_GT(tally_.of(DiskCall::kDelete), 0);
}

// The commit that fills the WAL copies it into the file: it is committed before that begins, and no
// fault of the copying may make it look otherwise.
TEST_F(OpenFaults, OfACheckpoint) {
  constexpr int kRowsThatFillIt = 150;
  auto store = MustOpen(folder_ / "base.db");
  Registry registry(*store);
  Prepare(registry, SweptMutations().front());
  const auto file_size = [this] { return std::filesystem::file_size(folder_ / "base.db"); };
  const auto before = file_size();
  Mutation last;
  for (int share = 1; file_size() == before; ++share) {
    ASSERT_LT(share, kRowsThatFillIt * 3);
    CopyRegistry(folder_ / "base.db", kept());
    last = SetCanary{RouteName("iris"), ModelId("b"), Share(share)};
    ASSERT_TRUE(store->Apply(last, {}));
  }
  // The mutation by itself is swept elsewhere.
  const std::vector<DiskFault> faults = {
      {DiskCall::kWrite, SQLITE_FULL, 1, true, true},
      {DiskCall::kTruncate, SQLITE_IOERR_TRUNCATE, 1, false, false},
      {DiskCall::kSync, SQLITE_IOERR_FSYNC, 1, false, false},
  };
  Sweep("commit and checkpoint", faults, [&](const DiskFault& fault) {
    CopyRegistry(kept(), path());
    store = MustOpen(path());
    disk_.Arm(fault);
    const auto answer = Apply(*store, last);
    const bool struck = disk_.Disarm() > 0;
    EXPECT_TRUE(answer || struck);
    if (!answer) EXPECT_TRUE(Apply(*store, last));
    const std::string seen = SoundRows(path());
    CopyRegistry(path(), crashed());
    EXPECT_EQ(SoundRows(crashed()), seen);
    return struck;
  });
  EXPECT_GT(tally_.of(DiskCall::kWrite), 0);
}

}  // namespace
}  // namespace podium::store
